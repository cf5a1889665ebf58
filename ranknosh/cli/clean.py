"""``clean``: removing checkpoints that no longer serve. The journal, the report and the best network stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ranknosh.cli.outcome import USAGE
from ranknosh.cli.results import RunFolder
from ranknosh.config.units import human_size, plural
from ranknosh.errors import ConfigError

if TYPE_CHECKING:
    from ranknosh.core.pool import Pool
    from ranknosh.training.publications import Holding, Publications


@dataclass(frozen=True)
class Waste:
    """A checkpoint folder that may go, or only its ``leftovers`` (files that no checkpoint needs), and why."""

    holding: Holding
    reason: str
    leftovers: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return self.holding.leftover_size if self.leftovers else self.holding.size


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
    from ranknosh.training.publications import Publications
    from ranknosh.training.storage import checkpoint_location

    view = RunView.load(run)
    if view.running:
        raise ConfigError(f"{run} is being searched now; stop the search or wait for its end before cleaning")
    kept = Publications(checkpoint_location(run, view.setting("executor", "storage"), str(view.header.get("id"))))
    waste = find_waste(kept, view.pool, everything)
    for item in waste:
        print(f"{human_size(item.size):>10}  {item.holding.where}  ({item.reason})")
    whole = sum(not item.leftovers for item in waste)
    left = sum(len(item.holding.leftovers) for item in waste if item.leftovers)
    counts = [plural(number, noun) for number, noun in ((whole, "checkpoint"), (left, "left file")) if number]
    total = f"{' and '.join(counts)}, {human_size(sum(item.size for item in waste))}"
    if not waste:
        print("nothing to remove: every checkpoint here still serves", flush=True)
    elif dry_run:
        print(f"would remove {total}", flush=True)
    else:
        if everything and not yes and not _confirmed(total):
            print("nothing removed", flush=True)
            raise typer.Exit(USAGE)
        for item in waste:
            if item.leftovers:
                kept.remove_leftovers(item.holding)
            else:
                kept.remove_holding(item.holding)
        print(f"removed {total}", flush=True)


def find_waste(kept: Publications, pool: Pool, everything: bool) -> list[Waste]:
    """What may be removed, in order of candidates."""
    best = pool.best()
    found = []
    for holding in kept.holdings():
        candidate = None if holding.candidate_id is None else pool.candidates.get(holding.candidate_id)
        if candidate is None:
            found.append(Waste(holding, "belongs to no candidate"))
        elif candidate.failed is not None:
            found.append(Waste(holding, f"candidate {candidate.id} failed"))
        elif everything and (best is None or candidate.id != best.id):
            found.append(Waste(holding, f"candidate {candidate.id} is not the best"))
        elif holding.leftovers:
            files = plural(len(holding.leftovers), "file")
            found.append(Waste(holding, f"{files} that candidate {candidate.id}'s checkpoint does not need", True))
    return found


def _confirmed(total: str) -> bool:
    try:
        return typer.confirm(f"remove {total}? A resumed search would train these candidates from the start")
    except typer.Abort:
        return False
