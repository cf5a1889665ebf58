"""``resume``: a run that was interrupted or stopped by a limit."""

from __future__ import annotations

from ranknosh.cli.options import Quiet, Ray, Settings, Track, ray_overrides, track_overrides
from ranknosh.cli.results import RunFolder
from ranknosh.cli.search import sum_up
from ranknosh.cli.working import resumed


def resume(
    run: RunFolder, settings: Settings = None, ray: Ray = None, track: Track = None, quiet: Quiet = False
) -> None:
    """Go on with a search that was interrupted or stopped by a limit; limits may be raised, and it may move to other workers.

    A supernet's search goes on as well.

    \b
    Examples:
    ranknosh resume runs/demo-001
    ranknosh resume runs/demo-001 --set budget.epochs=200
    ranknosh resume runs/demo-001 --ray auto
    ranknosh resume runs/demo-001 --set executor.name=inline
    """
    from ranknosh.workflows.supernet.journal import is_supernet

    if is_supernet(run):
        from ranknosh.cli.supernet import resume_folder

        resume_folder(run, list(settings or ()), quiet)
        return
    from ranknosh.workflows.search.run import SearchRun

    ended = resumed(run, [*(settings or ()), *ray_overrides(ray), *track_overrides(track)], quiet)
    assert isinstance(ended, SearchRun)
    sum_up(ended)
