"""A scikit-learn model on its breast cancer data, searched by a function of your own: no network of ours, no torch.

ranknosh search examples/sklearn_evaluate.yaml

or from Python: python examples/sklearn_evaluate.py
"""

import pickle
import warnings

from sklearn.datasets import load_breast_cancer
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

rows, labels = load_breast_cancer(return_X_y=True)
train, rest, train_labels, rest_labels = train_test_split(rows, labels, test_size=0.4, random_state=0, stratify=labels)
scaler = StandardScaler().fit(train)
validation, test, validation_labels, test_labels = train_test_split(
    rest, rest_labels, test_size=0.5, random_state=0, stratify=rest_labels
)


def evaluate(architecture, from_epoch, to_epoch, checkpoint_dir):
    """Train the configuration on from where its folder is, and say how good it is."""
    kept = checkpoint_dir / "model.pickle"
    if kept.exists():
        model = pickle.loads(kept.read_bytes())
    else:
        model = MLPClassifier(
            hidden_layer_sizes=[architecture["width"]] * architecture["depth"],
            activation=architecture["activation"],
            learning_rate_init=architecture["rate"],
            alpha=architecture["decay"],
            random_state=architecture.seed,
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of networks that diverge
        for _ in range(from_epoch, to_epoch):
            model.partial_fit(scaler.transform(train), train_labels, classes=[0, 1])
    kept.write_bytes(pickle.dumps(model))
    chances = model.predict_proba(scaler.transform(validation))
    accuracy = model.score(scaler.transform(validation), validation_labels)
    weights = sum(part.size for part in (*model.coefs_, *model.intercepts_))
    return {"loss": log_loss(validation_labels, chances), "accuracy": accuracy, "costs": {"params": weights}}


if __name__ == "__main__":
    import ranknosh

    run = ranknosh.search(
        space={
            "name": "flat",
            "parameters": {
                "width": [4, 8, 16, 32, 64],
                "depth": [1, 2, 3],
                "activation": ["relu", "tanh"],
                "rate": {"loguniform": [1e-4, 1e-1]},
                "decay": {"loguniform": [1e-6, 1.0]},
            },
        },
        evaluate=evaluate,
        rank_by="loss",
        pyramid={"epochs": [1, 3, 9]},
        budget=300,
    )
    best = pickle.loads((run.folder / "best" / "checkpoint" / "model.pickle").read_bytes())
    print(run.best.text, run.best.metrics)
    print(f"test accuracy {best.score(scaler.transform(test), test_labels):.4f}")
