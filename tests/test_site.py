"""The documents as a site: what the navigation has, what the reference documents, and whether it is built without a warning."""

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from docs import site_pages

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PUBLIC = ("ranknosh", "ranknosh.spaces", "ranknosh.tasks", "ranknosh.testing", "ranknosh.tune", "zerocost")
DOCUMENTED = [
    name for page in sorted((DOCS / "api").glob("*.md")) for name in re.findall(r"^::: (\S+)$", page.read_text(), re.M)
]


def names_in(entries):
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for below in entry.values():
                yield from names_in([below] if isinstance(below, str) else below)


def found(name):
    """What a dotted name stands for: an attribute of a module."""
    home, _, last = name.rpartition(".")
    return getattr(importlib.import_module(home), last)


def imported_by_pages():
    """``module.name`` of everything of ours that a block of code in README or docs imports and that a recipe does not make."""
    pages = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
    for block in (block for page in pages for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in ("ranknosh", "zerocost", "supernet"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", PUBLIC)
def test_every_public_name_is_documented(package):
    names = importlib.import_module(package).__all__
    assert [name for name in names if f"{package}.{name}" not in DOCUMENTED] == []
    assert set(names) <= set(dir(importlib.import_module(package)))


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_documented_name_exists(name):
    if name.startswith("ranknosh.tune"):
        pytest.importorskip("ray")
    thing, (home, _, last) = found(name), name.rpartition(".")
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert inspect.getdoc(thing), f"{name} has no docstring"
    if home in PUBLIC:
        assert last in importlib.import_module(home).__all__


def test_names_are_documented_once():
    assert sorted(set(DOCUMENTED)) == sorted(DOCUMENTED)


def test_what_the_pages_import_is_documented():
    objects = {id(found(name)) for name in DOCUMENTED if not name.startswith("ranknosh.tune")} | {
        name for name in DOCUMENTED if name.startswith("ranknosh.tune")
    }
    made_by_recipes = {"ranknosh.config.sizes.SizesSettings", "ranknosh.workflows.sizes.run.SizesRun"}
    names = sorted(set(imported_by_pages()) - made_by_recipes)
    assert len(names) > 40
    assert [name for name in names if name not in objects and id(found(name)) not in objects] == []


def test_help_lists_the_names():
    import ranknosh

    listed = ranknosh.__doc__.split("\n\n")[1]
    assert sorted(re.findall(r"^    (\w+)", listed, re.MULTILINE)) == sorted(ranknosh.__all__)
    shown = subprocess.run(
        [sys.executable, "-c", "help('ranknosh')"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert all(
        name in shown.split("DATA\n")[0].split("FUNCTIONS")[-1] or name == "Run" for name in ("search", "open_run")
    )


def test_every_page_is_in_the_navigation_once():
    listed = list(names_in(YAML(typ="safe", pure=True).load((ROOT / "mkdocs.yml").read_text())["nav"]))
    assert sorted(listed) == sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))


def links():
    for path, text in site_pages.pages().items():
        if path.endswith((".md", ".ipynb")):
            prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
            yield from ((path, link) for link in re.findall(r"\]\(([^)\s]+)\)", prose))


def test_every_link_leads_somewhere():
    """Files of the repository exist, and so do the headings that links name; this needs no mkdocs."""
    checked = 0
    for path, link in links():
        file, _, heading = link.partition("#")
        if "://" in link:
            continue
        target = (ROOT / path).parent / file if file else ROOT / path
        assert target.exists(), f"{path} links to {link}"
        if heading:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert heading in [re.sub(r"[^\w\- ]", "", one).strip().lower().replace(" ", "-") for one in headings], link
        checked += 1
    assert checked > 60


def test_links_to_files_outside_of_docs_lead_to_pages_that_show_them():
    assert site_pages.page_of("docs/own-space.md") == "own-space.md"
    assert site_pages.page_of("examples/own_module.py") == "repository/examples/own_module.py.md"
    assert site_pages.page_of("benchmarks/RESULTS.md") == "repository/benchmarks/RESULTS.md"
    shown = site_pages.pages()
    assert shown["examples/own_module.py"].endswith((ROOT / "examples/own_module.py").read_text() + "```\n")
    assert "docs/slurm.sh" not in shown
    assert {"README.md", "benchmarks/RESULTS.md", "ARCHITECTURE.md"} <= set(shown)


def test_pictures_are_of_the_search_that_their_page_describes(tmp_path, monkeypatch):
    from benchmarks import pictures

    run = pictures.searched(str(tmp_path))
    trained = [level for _, level, _ in pictures.trained(run)]
    assert [trained.count(level) for level in (1, 2, 3)] == [36, 18, 9]
    page = (DOCS / "pyramid.md").read_text()
    assert f"{run.pyramid.cost(36)} epochs here, where 36 candidates trained to the end would take\n{36 * 8}." in page
    assert [run.pyramid.sizes(count) for count in (12, 24, 36)] == [(12, 6, 3), (24, 12, 6), (36, 18, 9)]
    monkeypatch.setattr(pictures, "HERE", tmp_path)
    drawn = [pictures.save("sizes", (8, 2.4), pictures.draw_sizes).read_bytes() for _ in range(2)]
    assert drawn[0] == drawn[1]
    shown = set(re.findall(r"pictures/(\w+\.\w+)", "".join(file.read_text() for file in DOCS.glob("*.md"))))
    assert shown == {path.name for path in (DOCS / "pictures").iterdir()}


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs")
    pytest.importorskip("material")
    pytest.importorskip("mkdocstrings_handlers.python")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # an announcement of the theme
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert built.stderr.strip() == ""
    reference = (tmp_path / "api" / "ranknosh.html").read_text()
    assert 'id="ranknosh.search"' in reference
    assert (tmp_path / "repository" / "examples" / "own_module.py.html").exists()
    loaded = re.findall(r'(?:src|href)="(https?://[^"]+)"', reference)
    assert not [url for url in loaded if re.search(r"\.(js|css|woff2?)(\?|$)", url)], (
        "pages load nothing from elsewhere"
    )
