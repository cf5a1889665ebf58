"""Which test files are collected, and in which order, changes no import: shared cases are modules below ``tests``."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
FILES = sorted(TESTS.rglob("*.py"))
SHARED = {path.stem for path in FILES if path.stem != "__init__"}


def imported(path):
    """Names of all modules a file imports, and for ``from a import b`` also ``a.b``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_files_import_shared_cases_by_their_full_name(path):
    for name in imported(path):
        first, last = name.split(".")[0], name.split(".")[-1]
        assert first == "tests" or first not in SHARED, f"import {name} from the package tests"
        assert not name.startswith("."), "imports are absolute"
        tests_of_others = first == "tests" and (last == "conftest" or last.startswith("test_"))
        assert not tests_of_others, f"{name} collects tests; move what is shared into a module of its own"


@pytest.mark.parametrize("path", sorted(TESTS.rglob("conftest.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_set_up_leaves_the_import_path_alone(path):
    assert "sys.path" not in path.read_text()
