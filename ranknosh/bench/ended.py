"""The runs of a benchmark that have ended, in a journal beside its result, so that the same command goes on after a stop.

The folder ``OUT.runs`` of a result ``OUT`` holds the journal (see :mod:`ranknosh.runs.journal`) until the result is written.
"""

from __future__ import annotations

import inspect
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from ranknosh.bench.account import Scores, Trajectory
from ranknosh.errors import ConfigError, StoreError
from ranknosh.runs.files import writing
from ranknosh.runs.folder import discard, is_locked
from ranknosh.runs.journal import FILE, FORMAT, DamagedLine, Header, Journal, content, parse
from ranknosh.runs.provenance import git_revision, now, versions, working_folder
from ranknosh.tasks.data.table import Table

WORKFLOW = "bench"
_PACKAGES = (
    "ranknosh",
    "numpy",
    "scipy",
    "scikit-learn",
    "torch",
    "xgboost",
    "optuna",
    "syne-tune",
    "neural-pipeline-search",
    "dehb",
    "ray",
)


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run of a benchmark: its method, the number of its seed from 0, how it went (:class:`Trajectory`), and its seconds."""

    method: str
    repeat: int
    epochs: tuple[int, ...]
    rows: tuple[int, ...]
    outside: float
    seconds: float

    @classmethod
    def of(cls, method: str, repeat: int, run: Trajectory, seconds: float) -> EndedRun:
        return cls(method, repeat, tuple(run.epochs.tolist()), tuple(run.rows.tolist()), run.outside, seconds)

    def trajectory(self, table: Table) -> Trajectory:
        """How it went on its table."""
        rows = np.array(self.rows, dtype=np.int64)
        return Trajectory(np.array(self.epochs, dtype=np.int64), rows, table.regret(rows), self.outside)


@dataclass
class EndedRuns:
    """Those that have ended, by method and number of the seed; without a journal they are kept for this process alone."""

    journal: Journal | None = None
    known: dict[tuple[str, int], EndedRun] = field(default_factory=dict)

    def add(self, ended: EndedRun) -> None:
        """Write one down, and wait until it is on disk."""
        self.known[ended.method, ended.repeat] = ended
        if self.journal is not None:
            self.journal.append([ended])


def conditions(
    table: Table, scores: Scores | None, functions: Mapping[str, Any], **settings: int | str
) -> dict[str, Any]:
    """What a run depends on besides its method and the number of its seed, as plain data.

    Args:
        table: of the benchmark.
        scores: that methods start from.
        functions: the methods by name; of those that are the user's own the file counts.
        settings: of the benchmark.
    """
    named = {
        name: inspect.getsourcefile(inspect.unwrap(one)) for name, one in functions.items() if inspect.isfunction(one)
    }
    own = {
        name: blake2b(Path(file).read_bytes()).hexdigest()[:32] for name, file in named.items() if file and ":" in name
    }
    known = {name: blake2b(column.tobytes()).hexdigest()[:32] for name, column in (scores or {}).items()}
    facts = {"table": table.digest, "levels": table.epochs, **settings, "scores": known, "own methods": own}
    found: dict[str, Any] = json.loads(
        json.dumps({**facts, "versions": versions(_PACKAGES), "revision": git_revision()})
    )
    return found


@contextmanager
def ended_runs(out: Path | None, conditions: Mapping[str, Any]) -> Iterator[EndedRuns]:
    """The runs that ended in earlier sessions of a benchmark; the journal is removed where the block ends without an error.

    Args:
        out: where the result will be written; None for no journal.
        conditions: see :func:`conditions`; those that the journal began with must be the same.

    Raises:
        ConfigError: where they are others, or another process works on the benchmark.
        StoreError: where the journal cannot be read or written.
    """
    if out is None:
        yield EndedRuns()
        return
    folder = out.with_name(f"{out.name}.runs")
    if is_locked(folder):
        raise ConfigError(f"another process works on {out}; wait for it, or give another --json")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if (folder / FILE).exists():
        opened = Journal.open(folder, _kinds)
        _check(folder, conditions)
    else:
        opened = Journal.create(folder, _header(conditions))
    with opened as journal:
        journal.start_clock()
        yield EndedRuns(journal, {(each.method, each.repeat): each for each in journal.history.records})
        with writing(folder):
            (folder / FILE).unlink()
    discard(folder)


def _header(conditions: Mapping[str, Any]) -> Header:
    made = versions()
    return Header(
        FORMAT, WORKFLOW, uuid.uuid4().hex, now(), "bench run", conditions, {}, {}, made, began_in=working_folder()
    )


def _kinds(header: Header) -> Sequence[type]:
    if header.workflow != WORKFLOW:
        raise StoreError(f"it holds a run of the workflow {header.workflow}; give another --json")
    return (EndedRun,)


def _check(folder: Path, conditions: Mapping[str, Any]) -> None:
    """Raises StoreError for a journal that is damaged, and ConfigError for one that began with other conditions."""
    try:
        header = parse(content(folder), _kinds).header
    except DamagedLine as damage:
        raise StoreError(
            f"{folder / FILE} is damaged at line {damage.number} ({damage.why}); delete {folder} to measure anew"
        ) from None
    for name, now_is in conditions.items():
        was = header.settings.get(name)
        if was != now_is:
            raise ConfigError(
                f"{folder} holds runs of this benchmark that ended under another {name} ({was}, now {now_is}); give the same "
                "again to go on, another --json, or delete the folder to measure anew"
            )
