"""``clean``: removing checkpoints that no longer serve. The journal, the report and the best network stay."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ranknosh.cli.outcome import USAGE
from ranknosh.cli.results import RunFolder
from ranknosh.cli.screen import plural
from ranknosh.errors import ConfigError, StoreError
from ranknosh.units import human_size

if TYPE_CHECKING:
    from ranknosh.pool import Pool

FOLDER = "checkpoints"


@dataclass(frozen=True)
class Waste:
    """A checkpoint folder that may go, its size in bytes, and why."""

    path: Path
    size: int
    reason: str


def clean(
    run: RunFolder,
    everything: Annotated[
        bool, typer.Option("--all", help="Every checkpoint but the best candidate's; going on later trains them anew.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove checkpoints that no longer serve: those of failed candidates, or all but the best's.

    \b
    Examples:
    ranknosh clean runs/demo-001 --dry-run
    ranknosh clean runs/demo-001 --all --yes
    """
    from ranknosh.report.view import RunView

    view = RunView.load(run)
    if view.running:
        raise ConfigError(f"{run} is being searched now; stop the search or wait for its end before cleaning")
    waste = find_waste(run, view.pool, everything)
    for item in waste:
        print(f"{human_size(item.size):>10}  {item.path}  ({item.reason})")
    total = f"{plural(len(waste), 'checkpoint')}, {human_size(sum(item.size for item in waste))}"
    if not waste:
        print("nothing to remove: every checkpoint here still serves", flush=True)
    elif dry_run:
        print(f"would remove {total}", flush=True)
    else:
        if everything and not yes and not _confirmed(total):
            print("nothing removed", flush=True)
            raise typer.Exit(USAGE)
        for item in waste:
            _remove(item.path)
        print(f"removed {total}", flush=True)


def find_waste(run: Path, pool: Pool, everything: bool) -> list[Waste]:
    """What may be removed, in order of candidates."""
    folder = run / FOLDER
    best = pool.best()
    found = []
    for path in sorted(folder.iterdir(), key=lambda path: (len(path.name), path.name)) if folder.is_dir() else []:
        number = path.name.partition("-r")[0]
        candidate = pool.candidates.get(int(number)) if number.isdigit() else None
        if candidate is None:
            reason = "belongs to no candidate"
        elif candidate.failed is not None:
            reason = f"candidate {candidate.id} failed"
        elif everything and (best is None or candidate.id != best.id):
            reason = f"candidate {candidate.id} is not the best"
        else:
            continue
        found.append(Waste(path, _size(path), reason))
    return found


def _size(path: Path) -> int:
    return sum(part.stat().st_size for part in [path, *path.rglob("*")] if part.is_file())


def _confirmed(total: str) -> bool:
    try:
        return typer.confirm(f"remove {total}? A resumed search would train these candidates from the start")
    except typer.Abort:
        return False


def _remove(path: Path) -> None:
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        raise StoreError(f"{path} cannot be removed: {error.strerror or error}; check its permissions") from error
