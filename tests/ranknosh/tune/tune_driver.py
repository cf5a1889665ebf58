"""A search under Tune in a process of its own, to be killed: driver.py FOLDER RAY_FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

import ray
from ray import tune

from ranknosh.tune import make_tuner
from tests.ranknosh.tune import tune_trainables as own

PLAN = {"metric": "score", "mode": "max", "levels": own.LEVELS, "candidates": 12, "initial": 6, "batch": 3}
DOMAINS = {"x": tune.uniform(0, 1), "kind": tune.choice(["a", "b", "c"])}


def tuner_of(folder, **settings):
    space = {**DOMAINS, "trace": f"{folder}/trace", "sleep": 0.1}
    return make_tuner(own.ByClass, space, **PLAN, storage_path=folder, name="run", verbose=0, **settings)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    ray.init(address="local", num_cpus=2, include_dashboard=False, _temp_dir=sys.argv[2], log_to_driver=False)
    tuner_of(target).fit()
    (target / "finished").touch()
