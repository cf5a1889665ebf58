"""A search on a real Ray cluster of three nodes while things are killed, filled and damaged, against one left in peace.

    python -m benchmarks chaos [--seeds 20] [--first 0] [--folder DIR]

Every seed: the same small search once inline, undisturbed; then on a cluster (a head without processors and two nodes), where, at
moments drawn from the seed, a worker process is killed in the middle of an epoch, a node is lost with its workers and another one
joins, the driver is killed twice, one checkpoint is damaged and the disk is filled once (a small file system of its own, which
needs root; else that part is left out and said). ``ranknosh resume`` after each. What must hold: the same decisions, the
same epochs charged, no candidate recorded as bad.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ranknosh.core.pool import Pool
from ranknosh.core.records import Failed, Observed, Record
from ranknosh.workflows import open_run

ROOT = Path(__file__).resolve().parents[1]
DISK_MEGABYTES = 64
PATIENCE = 1800.0
"""Seconds after which a process hangs, on a machine however slow."""
CONFIG = """
space: {name: nasbench201, channels: 4, cells: 1}
data: {name: digits}
train: {batch: 64, lr: 0.1, threads: 1, device: cpu}
pyramid: {epochs: [1, 2, 4, 8], ratio: auto, initial: 8, batch: 8, candidates: 24}
seeding: {draw: 24, proxies: [nwot]}
budget: {epochs: 100}
"""


@dataclass
class Storm:
    """What happened to one seed."""

    seed: int
    same: bool = False
    bad: int = 0
    epochs: tuple[int, int] = (0, 0)
    wasted: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    sessions: int = 0
    seconds: float = 0.0
    done: Counter[str] = field(default_factory=Counter)
    left_out: list[str] = field(default_factory=list)

    @property
    def survived(self) -> bool:
        return self.same and not self.bad and self.epochs[0] == self.epochs[1]

    def line(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.failures.items())) or "none"
        left = f"; left out: {', '.join(self.left_out)}" if self.left_out else ""
        done = ", ".join(f"{count} {what}" for what, count in self.done.items())
        return (
            f"seed {self.seed}: decisions {'equal' if self.same else 'DIFFER'}, {self.bad} candidates marked bad, epochs "
            f"{self.epochs[1]} (calm {self.epochs[0]}), {self.wasted} wasted, {self.sessions} sessions ({done}), "
            f"journal: {kinds}; {self.seconds:.0f} s{left}"
        )


@contextlib.contextmanager
def three_nodes() -> Iterator[Any]:
    """A Ray cluster in processes of this machine: the head, which runs no jobs, and two nodes of one processor each."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ["PYTHONPATH"] = str(ROOT)
    from ray.cluster_utils import Cluster

    noted = Path("/tmp/ray")  # where a cluster's address is noted; ray makes it only where it picks the folder itself
    found = noted.exists()
    noted.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rn-storm-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        health = {
            "health_check_period_ms": 1000,
            "health_check_failure_threshold": 3,
            "health_check_initial_delay_ms": 0,
        }
        cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "include_dashboard": False,
                "_system_config": health,
                "temp_dir": folder,
                "object_store_memory": 100 * 1024**2,
            },
        )
        try:
            for _ in range(2):
                add_node(cluster)
            yield cluster
        finally:
            cluster.shutdown()
            if not found:
                shutil.rmtree(noted, ignore_errors=True)


def add_node(cluster: Any) -> Any:
    return cluster.add_node(num_cpus=1, object_store_memory=100 * 1024**2)


def kill_node(cluster: Any, node: Any) -> None:
    """Kill a node's daemon and every process below it at once, as a machine that loses power does."""
    import psutil  # comes with ray

    daemon = psutil.Process(node.all_processes["raylet"][0].process.pid)
    for process in [daemon, *daemon.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    cluster.remove_node(node, allow_graceful=False)


def busy_workers(cluster: Any) -> list[tuple[Any, Any]]:
    """(node, process) of the worker processes that run a job now."""
    import psutil

    found = []
    for node in cluster.worker_nodes:
        with contextlib.suppress(psutil.NoSuchProcess):
            daemon = psutil.Process(node.all_processes["raylet"][0].process.pid)
            for process in daemon.children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if any(word.startswith("ray::run_job") for word in process.cmdline()):
                        found.append((node, process))
    return found


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """``folder`` as a file system of its own of DISK_MEGABYTES; yields False where this machine lets nobody mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


class Driver:
    """``ranknosh`` in a process of its own, and the journal that it writes."""

    def __init__(self, run: Path, *words: str) -> None:
        self.run = run
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ranknosh", *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for(self, results: int) -> bool:
        """Until the journal holds so many results; False where the process ended before."""
        deadline = time.monotonic() + PATIENCE
        while self.results() < results:
            if self.process.poll() is not None:
                return False
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.run} did not come to {results} results: {self.end(kill=True)}")
            time.sleep(0.02)
        return True

    def results(self) -> int:
        return sum(isinstance(record, Observed) for record in records_of(self.run))

    def end(self, kill: bool = False) -> str:
        """Wait for the process, killed first where asked; what it printed last."""
        if kill:
            self.process.send_signal(signal.SIGKILL)
        out, _ = self.process.communicate(timeout=PATIENCE)
        return out[-1500:]


def records_of(run: Path) -> list[Record]:
    return open_run(run).history.records if (run / "journal.jsonl").exists() else []


def decisions_of(run: Path) -> list[str]:
    from ranknosh.report.tables import decision_lines
    from ranknosh.workflows.search.run import SearchRun

    return decision_lines(SearchRun.read(run))


def damage_a_checkpoint(run: Path, calm: Path, rng: random.Random) -> bool:
    """Overwrite the middle of every file of a checkpoint that a training still to come goes on from."""
    final = {candidate.id: candidate.level for candidate in Pool(records_of(calm)).candidates.values()}
    needed = [
        run / "checkpoints" / str(candidate.id)
        for candidate in Pool(records_of(run)).candidates.values()
        if 0 < candidate.level < final[candidate.id]
    ]
    if not needed:
        return False
    for path in rng.choice(needed).iterdir():
        with open(path, "r+b") as file:
            file.seek(path.stat().st_size // 2)
            file.write(os.urandom(64))
    return True


def weather(seed: int, folder: Path) -> Storm:
    """One calm and one disturbed search in ``folder``."""
    rng, began, storm = random.Random(seed), time.monotonic(), Storm(seed)
    config = folder / "storm.yaml"
    config.write_text(f"seed: {seed}\n{CONFIG}")
    calm = folder / "calm"
    told = Driver(calm, "search", str(config), "--out", str(folder), "--name", "calm", "--quiet").end()
    if not (calm / "journal.jsonl").exists():
        raise RuntimeError(f"the calm search did not run: {told}")
    with small_disk(folder / "disk") as disk, three_nodes() as cluster:
        run = folder / "disk" / "storm"
        if not disk:
            storm.left_out.append("full disk (no root)")
        _disturb(storm, rng, cluster, config, run, disk)
        records = records_of(run)
        storm.same = decisions_of(run) == decisions_of(calm)
        failures = [record for record in records if isinstance(record, Failed)]
        storm.failures = Counter(record.kind for record in failures)
        storm.bad = sum(record.final for record in failures)
        storm.wasted = sum(record.epochs for record in failures if not record.final)
        storm.epochs = (_charged(records_of(calm)), _charged(records))
    storm.seconds = time.monotonic() - began
    return storm


def _disturb(storm: Storm, rng: random.Random, cluster: Any, config: Path, run: Path, disk: bool) -> None:
    address = cluster.address
    where = ["--out", str(run.parent), "--name", run.name]
    own = ["--set", "executor.ship_code=false", "--set", "executor.speculate=0"]
    driver = Driver(run, "search", str(config), "--ray", address, *where, *own)
    storm.sessions = 1

    def again() -> Driver:
        storm.sessions += 1
        return Driver(run, "resume", str(run), "--ray", address)

    if driver.wait_for(rng.randint(1, 5)):
        _busy(cluster, rng)[1].kill()
        storm.done["worker killed"] += 1
        driver.wait_for(driver.results() + rng.randint(2, 5))
        time.sleep(rng.uniform(0, 0.3))
        driver.end(kill=True)
        storm.done["driver killed"] += 1
    if damage_a_checkpoint(run, run.parents[1] / "calm", rng):
        storm.done["checkpoint damaged"] += 1
    driver = again()
    if driver.wait_for(driver.results() + rng.randint(1, 5)):
        kill_node(cluster, _busy(cluster, rng)[0])
        storm.done["node lost"] += 1
        driver.wait_for(driver.results() + 1)
        add_node(cluster)
        driver.wait_for(driver.results() + rng.randint(1, 5))
        driver.end(kill=True)
        storm.done["driver killed"] += 1
    if disk:
        driver = again()
        if driver.wait_for(driver.results() + rng.randint(1, 3)):
            filler = run.parent / "filler"
            _fill(filler)
            told = driver.end()
            filler.unlink()
            if driver.process.returncode != 5:
                raise RuntimeError(f"a full disk ended the search with {driver.process.returncode}: {told}")
            storm.done["disk filled"] += 1
    driver = again()
    told = driver.end()
    if driver.process.returncode:
        raise RuntimeError(f"the last session ended with {driver.process.returncode}: {told}")


def _busy(cluster: Any, rng: random.Random) -> tuple[Any, Any]:
    """A node and a worker process on it that is in the middle of a job."""
    time.sleep(rng.uniform(0, 0.3))
    for _ in range(500):
        found = busy_workers(cluster)
        if found:
            return rng.choice(found)
        time.sleep(0.01)
    raise RuntimeError("no worker was ever busy")


def _fill(path: Path) -> None:
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def _charged(records: Sequence[Record]) -> int:
    return Pool(records).epochs_spent


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where the runs are kept; a temporary folder by default")
    parser.add_argument("--json", type=Path, help="also write the results here, a line a seed")
    options = parser.parse_args(arguments)
    storms = []
    for seed in range(options.first, options.first + options.seeds):
        with tempfile.TemporaryDirectory(dir=options.folder, prefix="rn-chaos-") as folder:
            storm = weather(seed, Path(folder))
        storms.append(storm)
        print(storm.line(), flush=True)
        if options.json:
            with open(options.json, "a") as file:
                file.write(json.dumps({**vars(storm), "survived": storm.survived}) + "\n")
    total = sum((storm.failures for storm in storms), Counter())
    print(
        f"{sum(storm.survived for storm in storms)} of {len(storms)} seeds came through; failures in all: {dict(total)}"
    )


if __name__ == "__main__":
    main()
