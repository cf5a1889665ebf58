"""Trainables whose results are a formula and that leave a line for every epoch they train."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from pathlib import Path

from ray import tune

LEVELS = (1, 2, 4)


def quality(config, epoch):
    """Best at x = 0.7 with kind b; what a short training says of it is off by a little."""
    base = 1.0 - (config["x"] - 0.7) ** 2 + {"a": 0.0, "b": 0.3, "c": 0.1}[config["kind"]]
    return base * (1 - 0.5**epoch) + 0.01 * ((config["x"] * 1000) % 7) / epoch


def trace(config, number, epoch):
    """One line in the trace file, appended in one write."""
    with open(config["trace"], "a") as file:
        file.write(json.dumps([number, epoch, os.getpid()]) + "\n")


def epochs_trained(path):
    """How often each (candidate, epoch) was trained."""
    return Counter((number, epoch) for number, epoch, _ in map(json.loads, Path(path).read_text().splitlines()))


def once(config, name):
    """True for the first caller of all processes."""
    try:
        os.close(os.open(f"{config['trace']}.{name}", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


class ByClass(tune.Trainable):
    def setup(self, config):
        self.epoch = 0

    def reset_config(self, new_config):
        self.epoch = 0
        return True

    def step(self):
        config = self.config
        number = config["nosh"]["candidate"]
        self.epoch += 1
        time.sleep(config.get("sleep", 0.0))
        if config.get("kill") == number and self.epoch == 2 and once(config, "killed"):
            os.kill(os.getpid(), 9)
        if config.get("raise") == number:
            raise ValueError("no such layer")
        trace(config, number, self.epoch)
        value = float("nan") if config.get("nan") == number else quality(config, self.epoch)
        return {"score": value}

    def save_checkpoint(self, checkpoint_dir):
        Path(checkpoint_dir, "epoch").write_text(str(self.epoch))

    def load_checkpoint(self, checkpoint_dir):
        self.epoch = int(Path(checkpoint_dir, "epoch").read_text())


def by_function(config):
    start = 0
    checkpoint = tune.get_checkpoint()
    if checkpoint:
        with checkpoint.as_directory() as folder:
            start = int(Path(folder, "epoch").read_text())
    for epoch in range(start + 1, LEVELS[-1] + 1):
        trace(config, config["nosh"]["candidate"], epoch)
        result = {"score": quality(config, epoch)}
        if epoch in config["nosh"]["levels"]:
            folder = Path(f"checkpoint-{epoch}")
            folder.mkdir(exist_ok=True)
            (folder / "epoch").write_text(str(epoch))
            tune.report(result, checkpoint=tune.Checkpoint.from_directory(str(folder)))
        else:
            tune.report(result)


def without_checkpoint(config):
    for epoch in range(1, LEVELS[-1] + 1):
        trace(config, config["nosh"]["candidate"], epoch)
        tune.report({"score": quality(config, epoch)})


def train(config, folder, start, stop, seed):
    """For ``as_trainable`` and ``RungRunner``: its metric depends on the seed and on how many epochs its folder has seen."""
    seen = json.loads((folder / "seen.json").read_text()) if start else []
    for epoch in range(start + 1, stop + 1):
        trace(config, f"{config['x']}{config['kind']}", epoch)
        seen.append(epoch)
    (folder / "seen.json").write_text(json.dumps(seen))
    if config.get("nan") == config["kind"] and stop >= 2:
        return {"score": float("nan")}
    return {"score": quality(config, len(seen)) + (seed % 997) * 1e-5}


def decisions(records):
    """(type, candidate, text or level) of every decision, in order."""
    return [
        (type(record).__name__, record.candidate_id, getattr(record, "text", getattr(record, "to_level", None)))
        for record in records
        if type(record).__name__ in ("Proposed", "Promotion", "Rerun")
    ]


def metrics(pool):
    return {(c.id, level): value for c in pool.candidates.values() for level, value in c.by_level.items()}


def undisturbed(settings, space, run_job):
    """The pool and decisions of the same search run in this process."""
    from ranknosh.executors.base import InlineExecutor

    return run_on(settings, space, InlineExecutor(run_job))


def run_on(settings, space, executor):
    from ranknosh.core.pool import Pool
    from ranknosh.runs.session import StopRequest
    from ranknosh.workflows.search.loop import drive

    search, journal = settings.search(space, Pool()), []
    drive(search, executor, write=journal.extend, clock=lambda: 0.0, stop=StopRequest())
    executor.close()
    return search.pool, decisions(journal)


def by_formula(space, failing, sign=1):
    """A RunJob for the trainables above without any training; ``failing``: how candidates fail at level 1."""
    from ranknosh.core.records import Failed, JobResult, Observed

    def run(job, stop, on_epoch):
        if job.candidate_id in failing:
            return JobResult(job, Failed(job.candidate_id, job.level, failing[job.candidate_id], "", job.epochs, 0.0))
        value = sign * quality(space.decode(job.architecture), job.stop_epoch)
        return JobResult(job, Observed(job.candidate_id, job.level, value, {}, job.epochs, 0.0))

    return run
