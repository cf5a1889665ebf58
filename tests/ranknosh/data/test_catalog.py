"""What a config may say about its data, and the words for what it may not."""

import pytest

from ranknosh.data import NAMES, load
from ranknosh.errors import DataError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "digit"}, r"data.name is 'digit', which is not known; did you mean digits"),
        (
            {"name": "imagenet"},
            "known are digits, cluttered_digits, cifar10, cifar100, fashion_mnist, svhn; .* data.folder or data.npz",
        ),
        ({"name": None}, "data.name is 'None'"),
        ({"folder": "a", "npz": "b"}, "data has folder and npz; give one of them"),
        ({"name": "digits", "npz": "b"}, "data has name and npz; give one of them"),
        ({"folder": "a", "clutter": 3}, "an image folder has no option 'clutter'"),
        ({"name": "cifar10", "clutter": 3}, "cifar10 has no option 'clutter'"),
        ({"resize": 2.5}, "data.resize is 2.5"),
        ({"resize": True}, "data.resize is True"),
    ],
)
def test_bad_settings_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(**settings)


def test_names() -> None:
    assert set(NAMES) == {"digits", "cluttered_digits", "cifar10", "cifar100", "fashion_mnist", "svhn"}


def test_limits_hold_for_embedded_sets() -> None:
    data = load("digits", train_limit=100, validation_limit=50, test_limit=20)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [100, 50, 20]
    assert data.train.labels.bincount().min() >= 9
