"""Rewrites the golden files: ``python -m tests.golden.write [NAME ...]`` in the repository's root (no names: all of them).

Do this only for a change of decisions or numbers that is meant, look at the diff, and say in the CHANGELOG what changed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.golden import files
from tests.golden.cases import CASES
from tests.golden.lines import text
from tests.golden.trainings import SUPERNETS, TRAININGS, machine, one_thread


def makers() -> dict[tuple[str, str], Callable[[], str]]:
    """(folder, name) to what makes the text of that golden file."""
    return {
        **{("decisions", name): lambda case=case: text(case.about, case.records()) for name, case in CASES.items()},
        **{("trainings", name): make for name, make in TRAININGS.items()},
        **{("supernets", name): make for name, make in SUPERNETS.items()},
    }


def main(names: list[str]) -> None:
    """Write the golden files called ``names``, all where there is none."""
    files.write(*files.MACHINE, machine())
    for (kind, name), make in makers().items():
        if not names or name in names:
            with one_thread():
                files.write(kind, name, make())
            print(f"{kind}/{name}.txt")


if __name__ == "__main__":
    main(sys.argv[1:])
