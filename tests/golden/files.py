"""The golden files: read, compared and written."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

FOLDER = Path(__file__).parent


def read(kind: str, name: str) -> str:
    return (FOLDER / kind / f"{name}.txt").read_text()


def write(kind: str, name: str, text: str) -> None:
    path = FOLDER / kind / f"{name}.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def check(kind: str, name: str, text: str) -> None:
    """Raises AssertionError with a unified diff where ``text`` is not the golden file."""
    golden = read(kind, name)
    if text != golden:
        rows = unified_diff(
            golden.splitlines(), text.splitlines(), f"golden {kind}/{name}.txt", "now", lineterm="", n=2
        )
        shown = "\n".join([row for row, _ in zip(rows, range(60), strict=False)])
        raise AssertionError(f"Golden decisions change only where the CHANGELOG says so.\n{shown}")
