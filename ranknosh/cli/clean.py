"""``clean``: removing files of a run that no longer serve. The journal, the report and the best network stay."""

from __future__ import annotations

from typing import Annotated

import typer

from ranknosh.cli.outcome import USAGE
from ranknosh.cli.results import RunFolder
from ranknosh.config.units import human_size, plural


def clean(
    run: RunFolder,
    everything: Annotated[
        bool, typer.Option("--all", help="Every checkpoint but the best candidate's; going on later trains them anew.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove files of a run of any kind that no longer serve: checkpoints of failed candidates, or all but the best's.

    \b
    Examples:
    ranknosh clean runs/demo-001 --dry-run
    ranknosh clean runs/demo-001 --all --yes
    """
    from ranknosh.runs.folder import locked
    from ranknosh.workflows import open_run

    found = open_run(run)
    waste = found.waste(everything)
    for item in waste:
        print(f"{human_size(item.size):>10}  {item.where}  ({item.reason})")
    total = f"{plural(len(waste), 'item')}, {human_size(sum(item.size for item in waste))}"
    if not waste:
        print("nothing to remove: everything here still serves", flush=True)
    elif dry_run:
        print(f"would remove {total}", flush=True)
    elif everything and not yes and not _confirmed(total):
        print("nothing removed", flush=True)
        raise typer.Exit(USAGE)
    else:
        with locked(found.folder):  # no session begins while files go
            for item in waste:
                item.remove()
        print(f"removed {total}", flush=True)


def _confirmed(total: str) -> bool:
    try:
        return typer.confirm(f"remove {total}? A resumed search would train these candidates from the start")
    except typer.Abort:
        return False
