"""Which way a metric is better and what it is read in, by its name."""

import pytest

from ranknosh.config.directions import HIGHER, LOWER, SHARES, direction_of, unit_of


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("accuracy", "max"),
        ("val_accuracy", "max"),
        ("Validation/Top-1", None),  # "1" alone says nothing
        ("validation/F1", "max"),
        ("macro-f1", "max"),
        ("test_mean_AP", "max"),
        ("segmentation_iou", "max"),
        ("val_loss", "min"),
        ("log_loss", "min"),
        ("reconstruction.MSE", "min"),
        ("train_val_error", "min"),
        ("loss_of_accuracy", "max"),
        ("speed", None),
        ("accuracy_drop", None),
        ("neg_log_loss", None),
        ("1 - accuracy, one minus accuracy", None),
        ("", None),
        ("_", None),
    ],
)
def test_the_last_words_of_a_name_count(name, direction):
    assert direction_of(name) == direction


def test_no_name_has_two_directions():
    assert not HIGHER & LOWER


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("val_accuracy", "%"),
        ("validation/F1", "%"),
        ("top1", "%"),
        ("error_rate", "%"),
        ("error", ""),
        ("auc", ""),
        ("loss", ""),
        ("accuracy_drop", ""),
        ("inverse_accuracy", ""),
        ("speed", ""),
    ],
)
def test_shares_are_read_in_percent(name, unit):
    assert unit_of(name) == unit


def test_every_share_has_a_direction():
    assert HIGHER | LOWER >= SHARES
