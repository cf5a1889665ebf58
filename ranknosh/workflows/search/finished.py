"""The trained network of a search's candidate, to be taken home."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ranknosh.errors import ConfigError, StoreError, to_type
from ranknosh.export.finished import Finished, task_of
from ranknosh.report.choosing import chosen
from ranknosh.training.settings import Recipe
from ranknosh.workflows.search.assembly import settings_of

if TYPE_CHECKING:
    from torch import nn

    from ranknosh.core.pool import Candidate
    from ranknosh.report.view import SearchView
    from ranknosh.tasks.base import Task
    from ranknosh.tasks.data import Data
    from ranknosh.training.publications import Publications


def finished(
    run: SearchView,
    network: Callable[[Candidate | None], nn.Module],
    checkpoints: Publications,
    candidate: int | str | None,
    where: Sequence[str],
    data: Data | Task | None,
) -> Finished:
    """The trained network of a candidate.

    Args:
        run: a search.
        network: gives that of a candidate, of the best for None.
        checkpoints: of the candidates.
        candidate: its number; the best by default.
        where: conditions that the best of those that meet them is taken by, such as ``params <= 500K``.
        data: of the run, where they were given from Python.

    Raises:
        ConfigError: there is no such candidate, or candidates are trained by a training of the user's own.
        DataError: the data are not there, or not those of the run.
        StoreError: the checkpoint is missing or damaged.
    """
    if candidate is not None and where:
        raise ConfigError("--candidate and --where both choose; give one of them")
    if run.settings.executor.is_own:
        network(None)  # says what there is instead
    found = run.pool.best()
    if where:
        among = chosen(run, where)
        if not among:
            raise ConfigError(
                f"no candidate of {run.folder} meets {' and '.join(where)}; see {to_type('top', run.folder)}"
            )
        found = among[0]
    elif candidate is not None:
        number = str(candidate).lstrip("#")
        found = run.pool.candidates.get(int(number)) if number.isdigit() else None
        if found is None or not found.level:
            why = "is no candidate" if found is None else "has no result yet"
            raise ConfigError(f"--candidate {candidate} {why} of {run.folder}; see: {to_type('top', run.folder)}")
    if found is not None and not checkpoints.publications(found.id):
        raise StoreError(
            f"the checkpoint of candidate {found.id} is not in {run.folder / 'checkpoints'}; `ranknosh clean --all` removes all "
            f"but the best one's. Train it again: {to_type('retrain', found.text)}"
        )
    trained = network(found)
    assert found is not None
    section, settings = run.settings.space, run.settings
    task = task_of(run, settings.data, settings.task, settings.seed, data)
    recipe = Recipe(section.make(), task, settings_of(settings))
    tested = next(
        (each for each in run.pool.tested if (each.candidate_id, each.epochs) == (found.id, found.epochs)), None
    )
    return Finished(
        run,
        f"candidate {found.id}",
        section,
        found.architecture,
        trained,
        recipe,
        found.metrics,
        tested.metrics if tested else {},
        found.costs,
        found.epochs,
        recipe.settings.total_epochs,
        run.sessions[-1].device if run.sessions else "",
    )
