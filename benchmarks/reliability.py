"""What kill -9 costs a search, and what several workers make of its budget: RankNOSH beside Ray Tune, Optuna and NePS.

    python -m benchmarks reliability [--engines ranknosh,optuna_sqlite] [--kills 3] [--seeds 2] [--folder DIR]

The same toy training, each of its epochs a quarter of a second and a line in a file, is searched by every package as its
documents recommend (benchmarks/reliability_engines.py). Four stories:

- ``alone``: one worker, left in peace.
- ``killed``: one worker; SIGKILL to the search some epochs after it began or went on, and then the call that goes on.
- ``workers``: four workers, left in peace.
- ``workers killed``: four workers; SIGKILL to the process that trained the latest epoch. Where every worker is a search of its
  own, the call that goes on follows; else the search has to see to it.

Moments are counted in epochs and drawn from the seed, so that a slow machine kills no earlier. Packages that are not installed
are named. What is printed of each: whether it ended by itself; epochs promised, trained (by the file) and trained again; epochs
that its record holds; whole trainings that it does not hold (lost) and trials that it holds twice.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.kills import ROOT
from benchmarks.reliability_engines import ENGINES, EPOCHS, LOG, TRIALS, WORKERS
from ranknosh.config.screen import table

PATIENCE = 900.0
"""Seconds without a new epoch after which a search hangs, on a machine however slow."""
STORIES = {"alone": (1, False), "killed": (1, True), "workers": (WORKERS, False), "workers killed": (WORKERS, True)}
"""Workers, and whether they are killed."""
COLUMNS = ("promised", "trained", "again", "counted", "lost", "twice")


@dataclass
class Search:
    """A search of a package in its folder, by the processes that work on it."""

    engine: str
    folder: Path
    workers: int

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.processes = [self._started()]
        if not ENGINES[self.engine].alone and self.workers > 1 and self.wait(1):  # the others join what is there
            self.processes += [self._started() for _ in range(self.workers - 1)]

    def _started(self) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "benchmarks.reliability_engines", self.engine, str(self.folder)]
        with (self.folder / "said.log").open("ab") as said:
            return subprocess.Popen(
                [*words, str(self.workers)], cwd=ROOT, stdout=said, stderr=said, start_new_session=True
            )

    def lines(self) -> list[list[str]]:
        """Name, epoch and process of all that was trained."""
        log = self.folder / LOG
        return [line.split() for line in log.read_text().splitlines()] if log.exists() else []

    def is_over(self) -> bool:
        """Whether every process has ended. Raises RuntimeError for one that failed."""
        codes = [process.poll() for process in self.processes]
        if any(code for code in codes):
            raise RuntimeError(f"ended with {codes}: {(self.folder / 'said.log').read_text()[-800:]}")
        return None not in codes

    def wait(self, epochs: int | None = None) -> bool:
        """Until so many epochs more are trained, or the end; whether it is not over. Raises RuntimeError where it hangs."""
        began = before = len(self.lines())
        deadline = time.monotonic() + PATIENCE
        while not self.is_over():
            now = len(self.lines())
            if epochs is not None and now >= began + epochs:
                return True
            if now > before:
                before, deadline = now, time.monotonic() + PATIENCE
            if time.monotonic() > deadline:
                raise RuntimeError(f"no epoch was trained for {PATIENCE:.0f} s")
            time.sleep(0.02)
        return False

    def kill(self, worker: bool) -> bool:
        """SIGKILL to the search, or to the process of the latest epoch; whether one was there. Searches are begun again."""
        target = self.processes[0].pid
        while True:
            if worker:
                target = int(self.lines()[-1][2])
            try:
                os.kill(target, signal.SIGKILL)
                break
            except ProcessLookupError:  # that worker has ended; another one trains the next epoch
                if not self.wait(1):
                    return False
        for place, process in enumerate(self.processes):
            if process.pid == target:
                process.wait()
                self.processes[place] = self._started()
        return True

    def end(self) -> None:
        """No process is left."""
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def counted(self) -> list[tuple[str, int]]:
        """Trials and epochs of the package's record."""
        words = [sys.executable, "-m", "benchmarks.reliability_engines", self.engine, str(self.folder)]
        ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
        return [(name, epochs) for name, epochs in json.loads(ended.stdout.splitlines()[-1])]


def told(search: Search) -> dict[str, int]:
    """The figures of a search that has ended."""
    trained = Counter((name, int(number)) for name, number, _ in search.lines())
    counted = search.counted()
    names = Counter(name for name, _ in counted)
    return {
        "promised": TRIALS * EPOCHS,
        "trained": trained.total(),
        "again": trained.total() - len(trained),
        "counted": sum(epochs for _, epochs in counted),
        "lost": sum(1 for name, number in trained if number == EPOCHS and name not in names),
        "twice": sum(1 for times in names.values() if times > 1),
    }


def lived(engine: str, folder: Path, story: str, kills: int, rng: random.Random) -> tuple[str, dict[str, int]]:
    """One search through a story: how it ended in words, and its figures."""
    workers, is_killed = STORIES[story]
    search, done = Search(engine, folder, workers), 0
    try:
        while is_killed and done < kills and search.wait(rng.randint(2, TRIALS * EPOCHS // (kills + 1))):
            time.sleep(rng.uniform(0, 0.2))
            done += search.kill(worker=workers > 1)
        search.wait()
        end = "yes"
    except RuntimeError as error:
        end = f"no: {str(error).strip().splitlines()[-1][:60]}"
    finally:
        search.end()
    return f"{end}, {done} kills" if is_killed else end, told(search)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks reliability",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--stories", default=",".join(STORIES))
    parser.add_argument("--kills", type=int, default=3, help="in a search")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the searches are kept; a temporary folder by default")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="rn-reliability-") as place:
        for engine in options.engines.split(","):
            package = ENGINES[engine].package
            try:
                print(f"{engine}: {package} {version(package)}", flush=True)
            except PackageNotFoundError:
                print(f"{engine}: {package} is not installed", flush=True)
                continue
            rows = []
            with ENGINES[engine].surroundings():
                for story, seed in itertools.product(options.stories.split(","), range(options.seeds)):
                    folder = (options.folder or Path(place)) / engine / f"{story.replace(' ', '-')}-{seed}"
                    end, facts = lived(engine, folder, story, options.kills, random.Random(f"{seed} {story}"))
                    rows.append([story, str(seed), end, *(str(facts[name]) for name in COLUMNS)])
                    print(f"  {story} {seed}: {end} {facts}", file=sys.stderr, flush=True)
            print(table(("story", "seed", "ended", *COLUMNS), rows, "lrl" + "r" * len(COLUMNS)), flush=True)
