"""A search over one's own trainable with Ray Tune: a multi-layer perceptron of scikit-learn on its handwritten digits.

Nothing here is made for ranknosh but the call of ``make_tuner``: the trainable is a plain Tune function that reports after every
epoch and passes a checkpoint where a level ends. Run ``python examples/ray_tune.py --help``.
"""

from __future__ import annotations

import argparse
import pickle
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import ray
from ray import tune
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from ranknosh.tune import make_tuner

SPACE = {
    "width": tune.choice([8, 16, 32, 64, 128]),
    "depth": tune.randint(1, 4),
    "activation": tune.choice(["relu", "tanh", "logistic"]),
    "rate": tune.loguniform(1e-4, 1e-1),
    "decay": tune.loguniform(1e-6, 1e-1),
    "batch": tune.choice([16, 32, 64, 128]),
}


def digits() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images and labels of three parts; the test part is looked at once, at the end."""
    images, labels = load_digits(return_X_y=True)
    rest, test, rest_labels, test_labels = train_test_split(images / 16, labels, test_size=360, random_state=0)
    train, validation, train_labels, validation_labels = train_test_split(
        rest, rest_labels, test_size=360, random_state=0
    )
    return {
        "train": (train, train_labels),
        "validation": (validation, validation_labels),
        "test": (test, test_labels),
    }


def train_digits(config: dict[str, Any]) -> None:
    """One trial: from its checkpoint, where there is one, epoch by epoch to the end of the last level."""
    warnings.filterwarnings("ignore", category=RuntimeWarning)  # of networks that diverge
    data = digits()
    levels = config["nosh"]["levels"]
    model = MLPClassifier(
        hidden_layer_sizes=(config["width"],) * config["depth"],
        activation=config["activation"],
        learning_rate_init=config["rate"],
        alpha=config["decay"],
        batch_size=config["batch"],
        random_state=config["nosh"]["seed"] % 2**32,
    )
    epoch = 0
    checkpoint = tune.get_checkpoint()
    if checkpoint:
        with checkpoint.as_directory() as folder:
            epoch, model = pickle.loads(Path(folder, "model.pickle").read_bytes())
    while epoch < levels[-1]:
        model.partial_fit(*data["train"], classes=np.arange(10))
        epoch += 1
        result = {"accuracy": float(model.score(*data["validation"]))}
        if epoch in levels:
            with tempfile.TemporaryDirectory() as folder:
                Path(folder, "model.pickle").write_bytes(pickle.dumps((epoch, model)))
                tune.report(result, checkpoint=tune.Checkpoint.from_directory(folder))
        else:
            tune.report(result)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=36, help="networks to try (default 36)")
    parser.add_argument(
        "--levels", type=int, nargs="+", default=[1, 3, 9], help="epochs where levels end (default 1 3 9)"
    )
    parser.add_argument("--initial", type=int, default=12, help="networks drawn at random at first (default 12)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="runs/ray_tune", help="where the experiment goes (default runs/ray_tune)")
    parser.add_argument("--name", default="digits", help="the experiment's folder in there")
    parser.add_argument("--resume", action="store_true", help="go on with the experiment of that name")
    parser.add_argument("--address", default="local", help="a running Ray cluster; local (default) starts one here")
    parser.add_argument("--cpus", type=int, default=2, help="cores of a local one (default 2)")
    parser.add_argument("--ray-folder", help="where a local one keeps its own files (default: Ray's choice)")
    options = parser.parse_args()

    local = {"num_cpus": options.cpus, "include_dashboard": False, "_temp_dir": options.ray_folder}
    ray.init(address=options.address, log_to_driver=False, **(local if options.address == "local" else {}))
    try:
        tuner = make_tuner(
            train_digits,
            SPACE,
            metric="accuracy",
            mode="max",
            levels=options.levels,
            candidates=options.candidates,
            initial=options.initial,
            seed=options.seed,
            storage_path=options.out,
            name=options.name,
            resume=options.resume,
            verbose=0,
        )
        results = tuner.fit()
        report(tuner, results, options.levels[-1])
    finally:
        ray.shutdown()


def report(tuner: Any, results: Any, longest: int) -> None:
    """What the search found, what it cost, and the one look at the test part."""
    searcher, best = tuner.searcher, tuner.searcher.best
    if best is None:
        print("no network could be trained")
        return
    pool = searcher.pool
    trial = next(r for r in results if r.config["nosh"]["candidate"] == best.id and r.config["nosh"]["replica"] == 0)
    with trial.checkpoint.as_directory() as folder:
        _, model = pickle.loads(Path(folder, "model.pickle").read_bytes())
    full = pool.count * longest
    print(f"best config      {best.text}")
    print(f"validation       {best.metric:.4f} after {best.epochs} epochs")
    print(f"test             {model.score(*digits()['test']):.4f}")
    print(f"candidates       {pool.count}, of which {len(pool.failures)} failed")
    print(f"epochs           {pool.epochs_spent} spent; training every candidate in full takes {full}")


if __name__ == "__main__":
    main()
