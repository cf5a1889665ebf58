"""Tables of real measurements: whole, in their own units, divided by class where there are classes."""

import pytest
import torch

from ranknosh.tasks.catalog import make_task
from tests.image_sets import load

pytest.importorskip("sklearn")


@pytest.mark.parametrize(
    ("name", "count", "features", "outputs", "task"),
    [
        ("breast_cancer", 569, 30, 2, "classification"),
        ("wine", 178, 13, 3, "classification"),
        ("diabetes", 442, 10, 1, "regression"),
    ],
)
def test_every_row_once(name: str, count: int, features: int, outputs: int, task: str) -> None:
    data = load(name)
    rows = torch.cat([part.inputs for part in (data.train, data.validation, data.test)])
    assert rows.shape == (count, features)
    assert data.input_shape == (features,)
    made = make_task(data, {})
    assert made.settings["name"] == task
    assert made.signature.outputs == (outputs,)
    assert load(name, seed=1).fingerprint != data.fingerprint == load(name).fingerprint


def test_rows_keep_their_numbers_and_classes_their_shares() -> None:
    data = load("wine")
    assert data.classes == ("class_0", "class_1", "class_2")
    whole = torch.cat([part.targets for part in (data.train, data.validation, data.test)])
    assert torch.bincount(whole).tolist() == [59, 71, 48]
    assert torch.bincount(data.validation.targets).tolist() == [12, 14, 10]
    assert float(torch.cat([part.inputs for part in (data.train, data.validation, data.test)])[:, 12].max()) == 1680.0
    targets = load("diabetes").train.targets
    assert (float(targets.min()), float(targets.max())) >= (25.0, 300.0)


def test_a_share_is_kept() -> None:
    assert len(load("breast_cancer", limit=0.25).train) == round(0.25 * len(load("breast_cancer").train))
    assert len(load("diabetes", limit=30).train) == 30
