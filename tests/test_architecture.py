"""The arrows between packages, read from the imports themselves; what is forbidden here cannot creep in."""

import ast
import subprocess
import sys
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parent.parent
OURS = ("ranknosh", "zerocost", "supernet")
BANNED_NAMES = {"utils", "common", "helpers", "manager"}

# The rooms of ranknosh from the ground up: a room may import those before it, and itself.
ROOMS = (
    ("errors", "streams", "version"),
    ("registry", "spaces.topology", "spaces.choices", "spaces.signature", "spaces.encodings", "spaces.settings"),
    ("spaces.nets",),
    ("spaces.relaxed",),
    ("spaces.base",),
    ("spaces",),
    ("predictors.catalog",),
    ("config",),
    ("core",),
    ("runs",),
    ("tasks",),
    ("training", "predictors", "track", "report"),
    ("executors", "tune", "export"),
    ("workflows.retrain",),
    ("workflows.search",),
    ("workflows.supernet", "workflows.score", "workflows.bank", "bench"),
    ("workflows.compare", "workflows.finals"),
    ("testing",),
    ("cli",),
    ("__main__",),
)
FLOOR = {f"ranknosh.{room}": floor for floor, rooms in enumerate(ROOMS) for room in rooms} | {
    "zerocost": 0,
    "supernet": 0,
}
OUTSIDE = {  # what the three packages may take of each other
    "zerocost": set(),
    "supernet": {
        *("zerocost", "ranknosh.spaces", "ranknosh.spaces.base", "ranknosh.spaces.nets"),
        *("ranknosh.spaces.relaxed", "ranknosh.spaces.topology"),
        *("ranknosh.errors", "ranknosh.registry", "ranknosh.streams"),
    },
    "ranknosh": {"zerocost", "supernet"},
}
SUPERNET_ROOMS = {"ranknosh.workflows.supernet", "ranknosh.workflows.compare", "ranknosh.testing", "ranknosh.cli"}
PUBLIC = {"ranknosh", "ranknosh.workflows"}
"""Packages of names that load when they are used; they have no floor of their own."""


def allowed(mine, theirs):
    """Whether a module of room ``mine`` may import one of room ``theirs``."""
    package, other = mine.split(".")[0], theirs.split(".")[0]
    if mine == theirs:
        return True
    if package != other or package != "ranknosh":
        return theirs in OUTSIDE[package] and (theirs != "supernet" or mine in SUPERNET_ROOMS)
    return FLOOR[theirs] < FLOOR[mine]


def modules():
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())


def imports(path, module):
    """Absolute names imported anywhere in the file, functions and TYPE_CHECKING blocks included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} uses a relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module


def owner(module, names):
    """The longest name in ``names`` that is ``module`` or a package above it."""
    found = [name for name in names if module == name or module.startswith(f"{name}.")]
    return max(found, key=len) if found else None


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_follow_the_arrows(module):
    if module in PUBLIC:
        return
    mine = owner(module, FLOOR)
    assert mine is not None, f"{module} has no room; give it one"
    for imported in imports(MODULES[module], module):
        if imported.split(".")[0] not in OURS or imported in PUBLIC:
            continue
        theirs = owner(imported, FLOOR)
        assert allowed(mine, theirs), f"{module} ({mine}) must not import {imported} ({theirs})"


@pytest.mark.parametrize("package", OURS)
def test_no_modules_import_each_other_in_a_circle(package):
    """Imports inside functions and under TYPE_CHECKING count: a reader meets them too."""
    graph = nx.DiGraph(
        (module, imported)
        for module, path in MODULES.items()
        if module.split(".")[0] == package and module not in PUBLIC
        for imported in imports(path, module)
        if imported in MODULES and imported != module and imported not in PUBLIC
    )
    circles = [sorted(circle) for circle in nx.strongly_connected_components(graph) if len(circle) > 1]
    assert circles == []


@pytest.mark.parametrize("module", sorted(m for m in MODULES if m.startswith("ranknosh.core")))
def test_the_core_knows_no_torch_and_no_ray(module):
    used = {name.split(".")[0] for name in imports(MODULES[module], module)}
    assert not used & {"torch", "ray", "xgboost", "torchvision", "matplotlib", "pydantic", "typer", "rich"}


def test_no_space_is_named_outside_the_room_of_spaces():
    """Names that mean nothing else; examples in help texts are longer texts."""
    named = {"nasbench201", "nasbench101", "mobile", "mobile224", "transformer", "mlp"}
    found = [
        (module, node.value)
        for module, path in MODULES.items()
        if not module.startswith("ranknosh.spaces")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in named
    ]
    assert found == []


def test_modules_have_names_of_the_field():
    assert [m for m in MODULES if m.rsplit(".", 1)[-1] in BANNED_NAMES] == []


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import ranknosh", {"ray", "xgboost", "matplotlib", "torch", "torchvision", "sklearn"}),
        ("import ranknosh.spaces", {"torch", "ray", "xgboost", "matplotlib", "pydantic"}),
        ("import ranknosh.core.search, ranknosh.predictors.proposer", {"torch", "ray", "xgboost", "matplotlib"}),
        ("import zerocost", {"torch", "scipy"}),
        ("import zerocost.scoring", {"ranknosh", "ray", "xgboost", "torchvision"}),
        ("import supernet", {"ray", "xgboost", "pydantic"}),
        ("import ranknosh.cli", {"torch", "ray", "xgboost", "matplotlib", "sklearn"}),
    ],
)
def test_importing_stays_light(statement, absent):
    code = f"import sys; {statement}; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not absent & set(out.split())
