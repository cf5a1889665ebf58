"""A small run of every kind, killed at random moments and resumed, against one of the same seed that was left in peace.

    python -m benchmarks kills [--kills 10] [--seed 0] [--kinds search,score]

Each kind is begun by its command. SIGKILL comes at moments drawn from the seed, after the process has taken the run's lock; one
that has ended by then is not counted. ``ranknosh resume`` follows each kill. Where a run ends before all kills have happened,
another one is begun for the rest. What must hold: the same decisions and the same metrics, times left out. The searches of a
comparison end by time, so that of those the trainings are compared that both runs did.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from ranknosh.runs.journal import FILE
from ranknosh.workflows import open_run

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 1800.0
"""Seconds after which a process hangs, on a machine however slow."""
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
CONFIG = """
space: {channels: 4, cells: 1}
data: {name: digits, limit: 100, validation_limit: 60, test_limit: 60}
train: {batch: 32, threads: 1, device: cpu}
pyramid: {epochs: [1, 2, 4], initial: 6, batch: 4, candidates: 14}
seeding: {draw: 12, proxies: [nwot]}
budget: {epochs: 200}
"""
TINY = ["--set", "space.channels=4", "--set", "space.cells=1"]
SMALL_DATA = ["--data", "digits", "--set", "data.limit=100"]


def timeless(value: Any) -> Any:
    """Plain data without what differs from run to run: seconds and memory."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {
            key: timeless(each) for key, each in value.items() if "seconds" not in str(key) and key != "peak_memory"
        }
    return [timeless(each) for each in value] if isinstance(value, (list, tuple)) else value


def of_search(run: Any) -> dict[str, Any]:
    from ranknosh.report.tables import decision_lines

    tested = {"tested": timeless(run.pool.tested)}
    weights = b"".join(value.numpy().tobytes() for value in run.network().state_dict().values())
    facts = {f"candidate {row['id']}": timeless(row) for row in run.trials()}
    return {"decisions": decision_lines(run), "weights": sha256(weights).hexdigest(), **tested, **facts}


def of_supernet(run: Any) -> dict[str, Any]:
    return {"result": timeless(run.state.result), **{f"epoch {one.epoch}": timeless(one) for one in run.state.epochs}}


def of_retrain(run: Any) -> dict[str, Any]:
    card = (run.folder / "best" / "card.json").read_text()  # holds the digest of the weights
    curve = {f"epoch {line.epoch}": timeless(line) for line in run.state.curve}
    return {"result": timeless(run.result), "card": card, **curve}


def of_score(run: Any) -> dict[str, Any]:
    return {row.architecture: timeless(row) for row in run.results.rows}


def of_compare(run: Any) -> dict[str, Any]:
    facts = {f"final {key}": timeless(final) for key, final in run.state.trained.items()}
    for method, seed in run.settings.pairs:
        pool = open_run(run.folder / method / f"seed-{seed}").pool
        for candidate in pool.candidates.values():
            for level, metric in candidate.by_level.items():
                facts[f"{method}, seed {seed}, #{candidate.id} {candidate.text} at level {level}"] = metric
    return facts


@dataclass(frozen=True)
class Kind:
    """How a run of a kind is begun, and what is compared of it; ``whole``: both runs have the same of it."""

    words: Sequence[str]
    facts: Callable[[Any], dict[str, Any]]
    whole: bool = True


def kinds(config: Path, seed: int) -> dict[str, Kind]:
    """Small runs of every kind: some seconds of work each."""
    path, own = str(config), ["--seed", str(seed)]
    seeded = ["--set", f"seed={seed}"]
    retrain = ["retrain", CELL, "--preset", "tiny", *SMALL_DATA, "--epochs", "12", "--set", "train.threads=1"]
    score = ["score", "nasbench201", "--count", "40", *TINY, "--proxies", "params,synflow,nwot,jacov", *own]
    compare = [
        "compare",
        path,
        "--methods",
        "random,ranknosh",
        "--seeds",
        "1",
        "--budget",
        "12s",
        *seeded,
        "--set",
        "seeding.draw=6",
    ]
    return {
        "search": Kind(["search", path, *seeded], of_search),
        "supernet": Kind(["supernet", "darts", *SMALL_DATA, *TINY, "--epochs", "8", *own], of_supernet),
        "retrain": Kind([*retrain, "--set", "space.channels=8", *own], of_retrain),
        "score": Kind(score, of_score),
        "compare": Kind(compare, of_compare, whole=False),
    }


def started(words: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """``ranknosh`` in a process of its own; what it prints goes to the end of ``log``."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with log.open("ab") as file:
        command = [sys.executable, "-m", "ranknosh", *words]
        return subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT)


def killed(process: subprocess.Popen[bytes], run: Path, after: float) -> bool:
    """Kill a process so many seconds after it took the lock of ``run``; False where it ended before."""
    deadline = time.monotonic() + PATIENCE
    while not ((run / ".owner").exists() and (run / ".owner").read_text().startswith(f"process {process.pid} ")):
        if process.poll() is not None:
            return False
        if time.monotonic() > deadline:
            raise TimeoutError(f"process {process.pid} did not begin to work on {run}")
        time.sleep(0.005)
    time.sleep(after)
    if process.poll() is not None:
        return False
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def run_through(words: Sequence[str], run: Path, moments: Sequence[float]) -> int:
    """One run from its beginning to its end.

    Args:
        words: the command that begins it.
        run: its folder.
        moments: seconds of work after which its sessions are killed.

    Returns:
        How many kills came before it ended.
    """
    log, kills = run.with_suffix(".log"), 0
    while True:
        resumable = (run / FILE).exists()
        process = started(["resume", str(run), "--quiet"] if resumable else words, log)
        if kills < len(moments) and killed(process, run, moments[kills]):
            kills += 1
            continue
        code = process.wait(timeout=PATIENCE)
        if code:
            raise RuntimeError(f"{run.name} ended with {code}: {log.read_text()[-1500:]}")
        return kills


def differences(calm: dict[str, Any], stormy: dict[str, Any], whole: bool) -> list[str]:
    """Names of what differs; what only one has is no difference where not the ``whole`` is compared."""
    names = calm.keys() | stormy.keys() if whole else calm.keys() & stormy.keys()
    return sorted(name for name in names if calm.get(name) != stormy.get(name))


def measured(name: str, kind: Kind, folder: Path, kills: int, rng: random.Random) -> str:
    """The line of a kind."""
    began = time.monotonic()

    def words(run: Path) -> list[str]:
        return [*kind.words, "--quiet", "--out", str(folder), "--name", run.name]

    calm = folder / f"{name}-calm"
    run_through(words(calm), calm, ())
    whole = open_run(calm)
    facts, latest = kind.facts(whole), 1.0 + 0.6 * whole.seconds
    done, runs, compared, differ = 0, 0, 0, []
    while done < kills:
        runs += 1
        run = folder / f"{name}-{runs}"
        done += run_through(words(run), run, [rng.uniform(0, latest) for _ in range(kills - done)])
        found = kind.facts(open_run(run))
        compared += len(found.keys() & facts.keys())
        differ += [f"{run.name}: {what}" for what in differences(facts, found, kind.whole)]
    verdict = f"DIFFERENT: {'; '.join(differ[:5])}" if differ or not compared else "equal"
    return (
        f"{name:9} {done} kills in {runs} run{'s' * (runs > 1)} of {whole.seconds:.1f} s; {compared} results compared: {verdict} "
        f"({time.monotonic() - began:.0f} s)"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks kills", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=10, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default="search,supernet,retrain,score,compare")
    parser.add_argument("--folder", type=Path, help="where the runs are kept; a temporary folder by default")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="rn-kills-") as place:
        folder = options.folder or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "small.yaml").write_text(CONFIG)
        known = kinds(folder / "small.yaml", options.seed)
        for name in options.kinds.split(","):
            rng = random.Random(f"{options.seed} {name}")
            print(measured(name, known[name], folder, options.kills, rng), flush=True)
