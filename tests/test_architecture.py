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

CORE = {
    f"ranknosh.{name}"
    for name in (
        "errors",
        "streams",
        "records",
        "pool",
        "pyramid",
        "budget",
        "pairs",
        "metrics",
        "engine",
        "pipeline",
        "price",
        "seeding",
    )
}
EDGE = {
    f"ranknosh.{name}"
    for name in (
        *("config", "config_fields", "config_messages", "config_sections", "units", "yaml_source"),
        *("files", "store", "loop", "provenance", "assembly", "run", "finish", "api"),
        *("executors", "report", "bench", "scoring", "retrain", "track", "tune", "compare", "oneshot"),
    )
}
LEARNING = {"ranknosh.predictors", "ranknosh.training", "ranknosh.data", "ranknosh.training.proxies"}

# who may import whom, by the longest prefix of a module's name
ALLOWED = {
    "zerocost": set(),
    "ranknosh.errors": set(),
    "ranknosh.streams": set(),
    "ranknosh.spaces": {"ranknosh.errors", "ranknosh.streams"},
    "ranknosh.spaces.nets": {"ranknosh.spaces", "ranknosh.errors"},
    "supernet": {"ranknosh.spaces", "ranknosh.spaces.nets", "ranknosh.errors", "ranknosh.streams", "zerocost"},
    **{name: CORE | {"ranknosh.spaces"} for name in CORE - {"ranknosh.errors", "ranknosh.streams"}},
    **{name: CORE | LEARNING | {"ranknosh.spaces", "ranknosh.spaces.nets", "ranknosh.runs.files"} for name in LEARNING},
    "ranknosh.training.proxies": CORE | LEARNING | {"ranknosh.spaces", "ranknosh.spaces.nets", "zerocost"},
    **{name: CORE | LEARNING | EDGE | {"ranknosh.spaces", "ranknosh.spaces.nets"} for name in EDGE},
    **{
        name: CORE | LEARNING | EDGE | {"ranknosh.spaces", "ranknosh.spaces.nets", "supernet"}
        for name in ("ranknosh.workflows.supernet", "ranknosh.workflows.compare")
    },
    "ranknosh.cli": CORE | LEARNING | EDGE | {"ranknosh.spaces", "ranknosh.spaces.nets", "ranknosh.cli", "supernet"},
    "ranknosh.__main__": {"ranknosh.cli"},
    "ranknosh": EDGE | {"ranknosh.spaces"},
}


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
    mine = owner(module, ALLOWED)
    assert mine is not None, f"{module} has no place in the table of arrows; give it one"
    for imported in imports(MODULES[module], module):
        if imported.split(".")[0] not in OURS:
            continue
        theirs = owner(imported, ALLOWED)
        assert theirs == mine or theirs in ALLOWED[mine], f"{module} ({mine}) must not import {imported} ({theirs})"


def top_level_imports(module):
    """Names imported when the module is imported: not those inside functions or under TYPE_CHECKING."""
    for node in ast.parse(MODULES[module].read_text()).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names]
            yield from (
                names
                if isinstance(node, ast.Import)
                else (f"{node.module}.{name}" if f"{node.module}.{name}" in MODULES else node.module for name in names)
            )


def test_no_module_imports_itself_in_a_circle():
    graph = nx.DiGraph((m, i) for m in MODULES for i in top_level_imports(m) if i in MODULES and i != m)
    assert list(nx.simple_cycles(graph)) == []


@pytest.mark.parametrize("module", sorted(m for m in MODULES if owner(m, CORE) in CORE))
def test_the_core_knows_no_torch_and_no_ray(module):
    used = {name.split(".")[0] for name in imports(MODULES[module], module)}
    assert not used & {"torch", "ray", "xgboost", "torchvision", "matplotlib", "pydantic", "typer", "rich"}


def test_modules_have_names_of_the_field():
    assert [m for m in MODULES if m.rsplit(".", 1)[-1] in BANNED_NAMES] == []


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import ranknosh", {"ray", "xgboost", "matplotlib", "torch", "torchvision", "sklearn"}),
        ("import ranknosh.spaces", {"torch", "ray", "xgboost", "matplotlib", "pydantic"}),
        ("import ranknosh.core.search, ranknosh.predictors.proposer", {"torch", "ray", "xgboost", "matplotlib"}),
        ("import zerocost", {"ranknosh", "ray", "xgboost", "torchvision"}),
        ("import supernet", {"ray", "xgboost", "pydantic"}),
        ("import ranknosh.cli", {"torch", "ray", "xgboost", "matplotlib", "sklearn"}),
    ],
)
def test_importing_stays_light(statement, absent):
    code = f"import sys; {statement}; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not absent & set(out.split())
