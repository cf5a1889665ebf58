"""The golden files: read, compared and written."""

from __future__ import annotations

import re
from difflib import unified_diff
from pathlib import Path

FOLDER = Path(__file__).parent
MACHINE = ("trainings", "machine")
"""The file that names the processor and torch whose trainings were frozen."""
_DECIMAL = re.compile(r"[+-]?\d+\.\d+")
_ROUNDING = 5e-3


def read(kind: str, name: str) -> str:
    return (FOLDER / kind / f"{name}.txt").read_text()


def write(kind: str, name: str, text: str) -> None:
    path = FOLDER / kind / f"{name}.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def check(kind: str, name: str, text: str, *, exact: bool = True) -> None:
    """Compare with a golden file; where not ``exact``, decimals may differ by rounding. Raises AssertionError with a diff."""
    golden = read(kind, name)
    if text != golden and (exact or not close(golden, text)):
        rows = unified_diff(
            golden.splitlines(), text.splitlines(), f"golden {kind}/{name}.txt", "now", lineterm="", n=2
        )
        shown = "\n".join([row for row, _ in zip(rows, range(60), strict=False)])
        raise AssertionError(f"Golden decisions change only where the CHANGELOG says so.\n{shown}")


def close(golden: str, text: str) -> bool:
    """Whether two texts agree in everything but decimals, and in those nearly."""
    if _DECIMAL.sub("#", golden) != _DECIMAL.sub("#", text):
        return False
    pairs = zip(_DECIMAL.findall(golden), _DECIMAL.findall(text), strict=True)
    return all(abs(float(old) - float(new)) <= _ROUNDING * max(1.0, abs(float(old))) for old, new in pairs)
