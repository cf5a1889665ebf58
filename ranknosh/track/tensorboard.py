"""A search as TensorBoard event files under RUN/tensorboard: ``search``, and a run of its own for every candidate.

One folder a candidate, because TensorBoard then lays all learning curves over each other in one chart and lets runs be chosen by
name. A session writes all files anew from the journal, so that nothing is missing or doubled however the last one ended.
"""

import json
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from textwrap import indent
from typing import Any

from ranknosh.core.pool import Pool
from ranknosh.core.records import Token
from ranknosh.errors import MissingDependency
from ranknosh.runs.journal import Header
from ranknosh.track.series import Entry, by_owner

FOLDER = "tensorboard"


class TensorBoardLog:
    """The event files of the run folder ``run``."""

    name = "TensorBoard"
    pause_seconds = 1.0

    def __init__(self, run: Path) -> None:
        if find_spec("tensorboardX") is None:
            raise MissingDependency("tensorboardX", "track.tensorboard", "track")
        self.folder = Path(run) / FOLDER
        self._begun: set[Token | None] = set()
        self._search: Any = None

    def open(self, header: Header) -> int:
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self._search = self._writer(None, 0)
        self._search.add_text("config", indent(json.dumps(header.settings, indent=1), "    "))
        self._search.flush()
        return 0

    def write(self, entries: Sequence[Entry], pool: Pool) -> None:
        for owner, points in by_owner(entries).items():
            fresh = owner not in self._begun
            writer = self._search if owner is None else self._writer(owner, entries[0].number)
            if owner is not None and fresh:
                writer.add_text("architecture", pool.candidates[owner.candidate_id].text)
            for point in points:
                writer.add_scalar(point.tag, point.value, point.step, walltime=point.stamp / 1000)
            # Only the search's file stays open: there may be more candidates than a process may have files.
            if owner is None:
                writer.flush()
            else:
                writer.close()

    def close(self, pool: Pool) -> None:
        self._search.close()

    def _writer(self, owner: Token | None, number: int) -> Any:
        """A writer of the next file of the search or of a candidate; ``number`` keeps the order of files that begin in one
        second."""
        from tensorboardX import SummaryWriter

        # Step 0 takes back what a TensorBoard that is running has read of the session before.
        purge_step = None if owner in self._begun else 0
        self._begun.add(owner)
        folder = str(self.folder / folder_name(owner))
        return SummaryWriter(folder, purge_step=purge_step, filename_suffix=f".{number:09d}")


def folder_name(owner: Token | None) -> str:
    """``search``, ``candidate-0012``, or ``candidate-0012-seed-1`` for a retraining."""
    if owner is None:
        return "search"
    return f"candidate-{owner.candidate_id:04d}" + (f"-seed-{owner.replica}" if owner.replica else "")
