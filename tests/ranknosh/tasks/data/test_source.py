"""From the parts a set came with to three parts: exact counts, disjoint parts, limits, and only what is kept is fetched."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from ranknosh.config.learning import DataConfig
from ranknosh.errors import DataError
from ranknosh.tasks.data.source import Indices, build, divide, resized

LABELS = np.arange(30, dtype=np.int64) % 3


def section(**settings: Any) -> DataConfig:
    return DataConfig(name="digits", **settings)


def never(part: str, indices: Indices) -> torch.Tensor:
    raise AssertionError("no image may be read")


@pytest.mark.parametrize(
    ("classes", "labels", "message"),
    [
        (("a",), {"train": LABELS * 0}, "only one class"),
        (("a", "b"), {"train": LABELS}, r"train labels lie in 0\.\.2"),
        (("a", "b", "c"), {"train": LABELS, "test": LABELS[:0]}, "test part is empty"),
        (("a", "b", "c"), {"train": LABELS[:4]}, "too few"),
    ],
)
def test_labels_are_judged_before_any_image_is_read(classes: tuple, labels: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        build("toy", classes, labels, never, section(), 0)


def test_only_kept_images_are_fetched_and_stay_with_their_labels() -> None:
    asked: list[int] = []

    def fetch(part: str, indices: Indices) -> torch.Tensor:
        asked.extend(indices.tolist())
        return torch.from_numpy(indices.astype(np.uint8))[:, None, None, None].expand(-1, 1, 2, 2).clone()

    limits = section(limit=6, validation_limit=3, test_limit=3)
    data = build("toy", ("a", "b", "c"), {"train": LABELS}, fetch, limits, 0, title="set")
    assert len(asked) == len(set(asked)) == 12
    assert data.name == "set"
    for part in (data.train, data.validation, data.test):
        assert torch.equal(part.inputs[:, 0, 0, 0].long() % 3, part.targets)


def test_resized_scales_the_shorter_side_and_keeps_the_middle() -> None:
    tall = torch.zeros(2, 1, 30, 6, dtype=torch.uint8)
    tall[:, :, 12:18] = 90
    assert torch.equal(resized(tall, 3)[:, :, 1], torch.full((2, 1, 3), 90, dtype=torch.uint8))
    assert resized(tall, 12).shape == (2, 1, 12, 12)
    blocks = torch.tensor([[10, 50], [90, 250]], dtype=torch.uint8).repeat_interleave(8, 0).repeat_interleave(8, 1)
    corners = resized(blocks[None, None], 4)[0, 0]
    assert corners[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == [10, 50, 90, 250]
    assert torch.equal(resized(tall[:, :, 12:18], 6), tall[:, :, 12:18])


CLASSES = ("a", "b", "c")
UNEVEN = np.array([0] * 10 + [1] * 7 + [2] * 3, dtype=np.int64)


def counts(labels: np.ndarray) -> list[int]:
    return np.bincount(labels, minlength=3).tolist()


def test_each_class_is_cut_in_the_asked_shares_and_parts_are_a_partition() -> None:
    taken = divide({"train": UNEVEN}, section(test=0.3), 0, CLASSES, "toy")
    assert {part: source for part, (source, _) in taken.items()} == dict.fromkeys(
        ("train", "validation", "test"), "train"
    )
    assert counts(UNEVEN[taken["validation"][1]]) == [2, 1, 1]  # 2.0, 1.4, 0.6
    assert counts(UNEVEN[taken["test"][1]]) == [3, 2, 1]  # 3.0, 2.1, 0.9
    together = np.concatenate([indices for _, indices in taken.values()])
    assert sorted(together.tolist()) == list(range(20))


def test_own_parts_are_kept_whole_and_never_mixed() -> None:
    own_test, own_validation = UNEVEN[::2], UNEVEN[1::2]
    taken = divide({"train": UNEVEN, "test": own_test}, section(test=0.5), 0, CLASSES, "toy")
    assert taken["test"][0] == "test"
    assert taken["test"][1].tolist() == list(range(10))
    assert taken["validation"][0] == "train"
    assert len(taken["train"][1]) + len(taken["validation"][1]) == 20
    taken = divide({"train": UNEVEN, "validation": own_validation}, section(), 0, CLASSES, "toy")
    assert (taken["validation"][0], len(taken["validation"][1])) == ("validation", 10)
    assert len(taken["train"][1]) + len(taken["test"][1]) == 20
    taken = divide({"train": UNEVEN, "validation": own_validation, "test": own_test}, section(), 0, CLASSES, "toy")
    assert taken["train"][1].tolist() == list(range(20))


def test_the_seed_decides_and_only_the_seed() -> None:
    first, again, other = (divide({"train": UNEVEN}, section(), seed, CLASSES, "toy") for seed in (3, 3, 4))
    assert first["test"][1].tolist() == again["test"][1].tolist()
    assert first["test"][1].tolist() != other["test"][1].tolist()


def test_limits_keep_proportions_and_nest() -> None:
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    kept = {}
    for limit in (3, 10, 50, 100, 500):
        taken = divide(
            {"train": labels, "validation": labels, "test": labels},
            section(limit=limit, test_limit=limit),
            0,
            CLASSES,
            "toy",
        )
        chosen = taken["train"][1]
        assert len(chosen) == len(taken["test"][1]) == limit
        assert len(taken["validation"][1]) == 1000
        assert np.all(np.diff(chosen) > 0)
        for got, share in zip(counts(labels[chosen]), (0.6, 0.3, 0.1), strict=True):
            assert got >= 1
            assert abs(got - limit * share) <= 1.0
        kept[limit] = set(chosen.tolist())
    for small, large in itertools.pairwise(kept):
        assert kept[small] < kept[large]


def test_a_limit_above_what_there_is_keeps_all() -> None:
    taken = divide({"train": UNEVEN}, section(limit=1000, validation_limit=1000, test_limit=1000), 0, CLASSES, "toy")
    assert sum(len(indices) for _, indices in taken.values()) == 20


def test_a_limit_below_the_number_of_classes_is_refused() -> None:
    with pytest.raises(DataError, match=r"data\.limit is 2, but train has 3 classes"):
        divide({"train": UNEVEN}, section(limit=2), 0, CLASSES, "toy")


def test_a_class_too_small_for_the_split_is_named() -> None:
    labels = np.array([0] * 10 + [1] * 2, dtype=np.int64)
    with pytest.raises(DataError, match=r"class b has 2 examples, too few .* train, validation \(0.2 of them\), test"):
        divide({"train": labels}, section(), 0, CLASSES, "toy")
    taken = divide({"train": labels, "test": labels}, section(), 0, CLASSES, "toy")  # two images do for two parts
    assert counts(labels[taken["validation"][1]]) == [2, 1, 0]


def test_a_limit_may_be_a_share() -> None:
    taken = divide({"train": np.repeat([0, 1, 2], [60, 30, 10])}, section(limit=0.2, test_limit=0.5), 0, CLASSES, "toy")
    assert counts(np.repeat([0, 1, 2], [60, 30, 10])[taken["train"][1]]) == [7, 4, 1]  # a fifth of 36, 18 and 6
    assert len(taken["test"][1]) == 10
    with pytest.raises(DataError, match=r"data\.test_limit is 0\.1, but test has 3 classes"):
        divide({"train": LABELS}, section(test_limit=0.1), 0, CLASSES, "toy")


@pytest.mark.parametrize("limit", [1, 1.0, 2.5, 0, -3, True, "many"])
def test_what_is_no_number_of_examples_and_no_share_is_refused(limit: Any) -> None:
    with pytest.raises(ValueError, match="must be a number of examples from 2, or a share between 0 and 1"):
        section(limit=limit)


def test_targets_that_are_no_classes_are_divided_without_them() -> None:
    targets = np.linspace(0, 1, 30).astype(np.float32)
    rows = torch.arange(60.0).reshape(30, 2)
    data = build("toy", (), {"train": targets}, lambda part, kept: rows[kept], section(), 0)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [18, 6, 6]
    for part in (data.train, data.validation, data.test):
        torch.testing.assert_close(part.inputs[:, 0] / 58, part.targets)
    with pytest.raises(DataError, match=r"data\.resize is 8, and the inputs are no pictures"):
        build("toy", (), {"train": targets}, lambda part, kept: rows[kept], section(resize=8), 0)
