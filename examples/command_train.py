"""A training script that knows nothing of ranknosh: a small network in numpy, trained on handwritten digits.

ranknosh search examples/command_train.yaml

It reads a configuration, goes on from its folder, and writes its metrics; any program that does so can be searched.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--config", type=Path, required=True)
parser.add_argument("--from", dest="first", type=int, required=True, help="epochs done before")
parser.add_argument("--to", dest="last", type=int, required=True, help="epochs to reach")
parser.add_argument("--checkpoint", type=Path, required=True, help="folder that is kept for the next call")
parser.add_argument("--out", type=Path, required=True, help="file for the metrics")
options = parser.parse_args()

config = json.loads(options.config.read_text())
chosen = config["architecture"]
images, digits = load_digits(return_X_y=True)
order = np.random.default_rng(0).permutation(len(images))
images, targets = images[order] / 16, np.eye(10)[digits[order]]
inside = {"relu": lambda x: np.maximum(x, 0), "tanh": np.tanh}[chosen["activation"]]
slope = {"relu": lambda y: y > 0, "tanh": lambda y: 1 - y * y}[chosen["activation"]]

kept = options.checkpoint / "weights.npz"
if kept.exists():
    first, second = np.load(kept).values()
else:
    draw = np.random.default_rng(config["seed"])
    first = draw.normal(0, 64**-0.5, (64, chosen["width"]))
    second = draw.normal(0, chosen["width"] ** -0.5, (chosen["width"], 10))


def chances(inputs):
    hidden = inside(inputs @ first)
    scores = np.exp(hidden @ second - (hidden @ second).max(axis=1, keepdims=True))
    return hidden, scores / scores.sum(axis=1, keepdims=True)


for epoch in range(options.first, options.last):
    for batch in np.random.default_rng([config["seed"], epoch]).permutation(1200).reshape(-1, chosen["batch"]):
        hidden, found = chances(images[batch])
        error = (found - targets[batch]) / len(batch)
        back = (error @ second.T) * slope(hidden)
        second -= chosen["rate"] * (hidden.T @ error)
        first -= chosen["rate"] * (images[batch].T @ back)
    print(f"epoch {epoch + 1} of {options.last}")
np.savez(kept, first, second)
_, found = chances(images[1200:])
answers = targets[1200:]
metrics = {
    "accuracy": float((found.argmax(axis=1) == answers.argmax(axis=1)).mean()),
    "loss": float(-np.log(np.maximum((found * answers).sum(axis=1), 1e-12)).mean()),
    "costs": {"params": first.size + second.size},
}
options.out.write_text(json.dumps(metrics))
