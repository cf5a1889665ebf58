"""The search of ``python -m benchmarks reliability`` for each package, as its documents recommend, in a process of its own.

    python -m benchmarks.reliability_engines ENGINE FOLDER WORKERS     begins the search in FOLDER, or goes on with it
    python -m benchmarks.reliability_engines ENGINE FOLDER             prints what the package says was found, as JSON

Every epoch of every training is a line of FOLDER/trained.log, whoever trains it: that is what was really done. A training keeps a
checkpoint after each epoch in the place that the package offers for it, and goes on from there.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TRIALS, EPOCHS, WORKERS = 10, 4, 4
"""What is asked for: so many trials of so many epochs, or as many epochs in all; and the workers of searches with several."""
EPOCH_SECONDS = 0.25
LOG = "trained.log"


def name_of(x: float) -> str:
    """How a trial is called in the log and in what was counted."""
    return f"{x:.9f}"


def finished(kept: Path) -> int:
    """Epochs of the checkpoint in ``kept``, 0 without one."""
    return int((kept / "epoch").read_text()) if (kept / "epoch").exists() else 0


def epoch(log: Path, kept: Path, x: float, number: int) -> None:
    """One epoch of the trial with the setting ``x``: time, a line in the log, a checkpoint in ``kept``."""
    time.sleep(EPOCH_SECONDS)
    descriptor = os.open(log, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.write(descriptor, f"{name_of(x)} {number} {os.getpid()}\n".encode())
    os.close(descriptor)
    (kept / "scratch").write_text(str(number))
    (kept / "scratch").replace(kept / "epoch")


def loss(x: float, epochs: int) -> float:
    return (x - 0.3) ** 2 + 1 / epochs


def train(log: Path, kept: Path, x: float, last: int = EPOCHS) -> float:
    """All epochs that the checkpoint in ``kept`` has not, and the loss."""
    for number in range(finished(kept) + 1, last + 1):
        epoch(log, kept, x, number)
    return loss(x, last)


def run_ranknosh(folder: Path, workers: int) -> None:
    """A budget of epochs; ``ranknosh resume`` goes on (docs/own-training.md)."""
    from ranknosh.cli import main

    config = {
        "space": {"name": "flat", "parameters": {"x": {"uniform": [0.0, 1.0]}}},
        "executor": {"name": "evaluate", "function": f"{__file__}:evaluate", "rank_by": "loss", "workers": workers},
        "pyramid": {"epochs": [1, 2, EPOCHS], "initial": 6, "batch": 6},
        "budget": {"epochs": TRIALS * EPOCHS},
        "out": str(folder),
    }
    os.environ["TRAINED_LOG"] = str(folder / LOG)
    if (folder / "run" / "journal.jsonl").exists():
        main(["resume", str(folder / "run"), "--quiet"])
    (folder / "search.yaml").write_text(json.dumps(config))
    main(["search", str(folder / "search.yaml"), "--name", "run", "--quiet"])


def evaluate(architecture: Mapping[str, float], from_epoch: int, to_epoch: int, checkpoint_dir: Path) -> float:
    """The training of RankNOSH's search."""
    return train(Path(os.environ["TRAINED_LOG"]), Path(checkpoint_dir), architecture["x"], to_epoch)


def count_ranknosh(folder: Path) -> list[tuple[str, int]]:
    from ranknosh.workflows import open_run

    rows = open_run(folder / "run").trials()
    return [(name_of(json.loads(row["architecture"])["x"]), row["epochs"]) for row in rows]


def _study(folder: Path, storage: Any) -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(study_name="study", storage=storage, load_if_exists=True)


def _sqlite(folder: Path) -> Any:
    """A database with heartbeats, so that trials of killed processes are noticed and tried again."""
    from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback

    return RDBStorage(
        f"sqlite:///{folder / 'study.db'}",
        engine_kwargs={"connect_args": {"timeout": 60}},
        heartbeat_interval=1,
        grace_period=3,
        heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=3),
    )


def _journal(folder: Path) -> Any:
    """A journal file, which has no heartbeat."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(str(folder / "study.log")))


def run_optuna(folder: Path, storage: Any) -> None:
    """``MaxTrialsCallback`` for a number of trials over all processes; a retried trial finds the folder of the first try."""
    from optuna.storages import RetryHeartbeatStaleTrialCallback
    from optuna.study import MaxTrialsCallback
    from optuna.trial import TrialState

    def objective(trial: Any) -> float:
        asked = trial.study.get_trials(deepcopy=False)[trial.number]
        first = RetryHeartbeatStaleTrialCallback.retried_trial_number(asked)
        kept = folder / "checkpoints" / str(trial.number if first is None else first)
        kept.mkdir(parents=True, exist_ok=True)
        return train(folder / LOG, kept, trial.suggest_float("x", 0, 1))

    enough = MaxTrialsCallback(TRIALS, states=(TrialState.COMPLETE,))
    _study(folder, storage).optimize(objective, callbacks=[enough])


def count_optuna(folder: Path, storage: Any) -> list[tuple[str, int]]:
    trials = _study(folder, storage).trials
    return [(name_of(trial.params["x"]), EPOCHS) for trial in trials if trial.state.name == "COMPLETE"]


def trainable(config: Mapping[str, Any]) -> None:
    """A function of Ray Tune that reports a checkpoint every epoch and begins from the one it is given."""
    from ray import tune

    checkpoint, done = tune.get_checkpoint(), 0
    if checkpoint is not None:
        with checkpoint.as_directory() as kept:
            done = finished(Path(kept))
    for number in range(done + 1, EPOCHS + 1):
        with tempfile.TemporaryDirectory() as kept:
            epoch(Path(config["log"]), Path(kept), config["x"], number)
            facts = {"loss": loss(config["x"], number), "epoch": number}
            tune.report(facts, checkpoint=tune.Checkpoint.from_directory(kept))


@contextmanager
def ray_cluster() -> Iterator[None]:
    """A cluster for all workers, which searches find by RAY_ADDRESS and which outlives them."""
    import ray

    patient = {"worker_register_timeout_seconds": 900}  # by default a worker that does not start within 60 s is ended
    while not ray.is_initialized():
        with suppress(Exception):  # what Ray raises where the machine is too busy for the 30 seconds that it waits
            ray.init("local", num_cpus=WORKERS, include_dashboard=False, log_to_driver=False, _system_config=patient)
    os.environ["RAY_ADDRESS"] = ray.get_runtime_context().gcs_address
    try:
        yield
    finally:
        del os.environ["RAY_ADDRESS"]
        ray.shutdown()


def run_ray(folder: Path, workers: int) -> None:
    """``num_samples`` trials, each tried again when its worker dies; ``Tuner.restore`` goes on."""
    import ray
    from ray import tune

    ray.init(log_to_driver=False)
    if tune.Tuner.can_restore(str(folder / "run")):
        tuner = tune.Tuner.restore(str(folder / "run"), trainable, resume_errored=True)
    else:
        tuner = tune.Tuner(
            tune.with_resources(trainable, {"cpu": 1}),
            param_space={"x": tune.uniform(0, 1), "log": str(folder / LOG)},
            tune_config=tune.TuneConfig(num_samples=TRIALS, max_concurrent_trials=workers, metric="loss", mode="min"),
            run_config=tune.RunConfig(
                name="run",
                storage_path=str(folder),
                failure_config=tune.FailureConfig(max_failures=3),
                checkpoint_config=tune.CheckpointConfig(num_to_keep=1),
                verbose=0,
            ),
        )
    tuner.fit()


def count_ray(folder: Path) -> list[tuple[str, int]]:
    from ray import tune

    results = tune.Tuner.restore(str(folder / "run"), trainable).get_results()
    return [(name_of(one.config["x"]), one.metrics.get("epoch", 0)) for one in results if one.error is None]


def run_neps(folder: Path, workers: int) -> None:
    """A number of evaluations over all processes, those of killed ones not counted; the same call goes on."""
    import neps

    class Space(neps.PipelineSpace):
        x = neps.Float(0.0, 1.0)

    neps.run(
        lambda pipeline_directory, x: train(folder / LOG, Path(pipeline_directory), x),
        Space(),
        root_directory=str(folder / "run"),
        total_evaluations_to_spend=TRIALS,
        continue_until_max_evaluation_completed=True,
        optimizer="random_search",
    )


def count_neps(folder: Path) -> list[tuple[str, int]]:
    import neps

    full, _ = neps.status(str(folder / "run"))
    done = full[full["reported_as"] == "success"]
    return [(name_of(x), EPOCHS) for x in done["config.x"]]


@dataclass(frozen=True)
class Engine:
    """How a package is asked.

    Args:
        package: as pip knows it.
        run: begins the search or goes on with it, with so many workers.
        count: trials that its record holds as finished, with the epochs of each; of what is paused, those done.
        alone: one process has all workers; else every worker is a process that runs the same search.
        surroundings: what is there before searches begin, and outlives them.
    """

    package: str
    run: Callable[[Path, int], None]
    count: Callable[[Path], list[tuple[str, int]]]
    alone: bool
    surroundings: Callable[[], AbstractContextManager[None]] = nullcontext


ENGINES = {
    "ranknosh": Engine("ranknosh", run_ranknosh, count_ranknosh, alone=True),
    "ray_tune": Engine("ray", run_ray, count_ray, alone=True, surroundings=ray_cluster),
    "optuna_sqlite": Engine(
        "optuna",
        lambda folder, workers: run_optuna(folder, _sqlite(folder)),
        lambda folder: count_optuna(folder, _sqlite(folder)),
        alone=False,
    ),
    "optuna_journal": Engine(
        "optuna",
        lambda folder, workers: run_optuna(folder, _journal(folder)),
        lambda folder: count_optuna(folder, _journal(folder)),
        alone=False,
    ),
    "neps": Engine("neural-pipeline-search", run_neps, count_neps, alone=False),
}


if __name__ == "__main__":
    engine, place = ENGINES[sys.argv[1]], Path(sys.argv[2])
    if len(sys.argv) > 3:
        engine.run(place, int(sys.argv[3]))
    else:
        print(json.dumps(engine.count(place)))
