"""``resume``: a run of any workflow that was interrupted or stopped by a limit."""

from __future__ import annotations

from importlib import import_module

from ranknosh.cli.flags import AsJson, Quiet, flags_of
from ranknosh.cli.results import RunFolder
from ranknosh.cli.working import resumed
from ranknosh.config.search import SearchSettings
from ranknosh.config.settings import Overrides


@flags_of(SearchSettings, {"executor": "--ray [ADDRESS]", "track": "--track WHERE"})
def resume(run: RunFolder, given: Overrides, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Resume a run that was interrupted or stopped by a limit; limits may be raised, and it may move to other workers.

    \b
    Examples:
    ranknosh resume runs/demo-001
    ranknosh resume runs/demo-001 --set budget.epochs=200
    ranknosh resume runs/demo-001 --set data.folder=/new/place/of/the/images
    ranknosh resume runs/demo-001 --ray auto
    ranknosh resume runs/demo-001 --set executor.name=inline
    ranknosh resume runs/demo-001 --json
    """
    ended = resumed(run, given, quiet or as_json)
    # The module of the verb that begins a workflow has the name of the workflow, and says how such a run ended.
    import_module(f"ranknosh.cli.{ended.WORKFLOW}").sum_up(ended, as_json)
