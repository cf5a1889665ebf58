"""Splits, statistics and fingerprints."""

import numpy as np
import pytest
import torch

from ranknosh.errors import DataError
from ranknosh.tasks.data.base import Data, Split, assemble
from ranknosh.tasks.data.preparation import Numbers, Pictures, Tokens, statistics
from ranknosh.tasks.data.targets import check_labels


def made(pixels: torch.Tensor, labels: list[int]) -> Split:
    return Split(pixels, torch.tensor(labels))


def noise(count: int, channels: int = 1, seed: int = 0) -> torch.Tensor:
    return torch.randint(
        0, 256, (count, channels, 4, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )


def data(
    train: torch.Tensor | None = None, labels: tuple[int, ...] = (0, 1, 0, 1), classes: tuple[str, ...] = ("a", "b")
) -> Data:
    parts = [
        made(noise(4) if train is None else train, list(labels)),
        made(noise(2, seed=1), [0, 1]),
        made(noise(2, seed=2), [1, 1]),
    ]
    return assemble("toy", parts, classes)


def test_statistics_are_those_of_the_pixels_over_255() -> None:
    images = noise(50, 3)
    mean, std = statistics(images)
    pixels = images.double().numpy() / 255
    np.testing.assert_allclose(mean.numpy(), pixels.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(std.numpy(), pixels.std((0, 2, 3)), rtol=1e-6)
    assert mean.dtype == std.dtype == torch.float32


def test_a_constant_channel_is_centred_and_not_divided_by_zero() -> None:
    images = noise(6, 2)
    images[:, 1] = 51
    mean, std = statistics(images)
    assert mean[1] == pytest.approx(0.2)
    assert std[1] == 1.0
    assert std[0] != 1.0


def test_statistics_come_from_the_training_part_only() -> None:
    mean, _ = statistics(noise(4))
    assert isinstance(data().preparation, Pictures)
    assert torch.equal(data().preparation.mean, mean)
    assert not torch.equal(mean, statistics(noise(2, seed=1))[0])


def test_input_shape_and_length() -> None:
    assert data().input_shape == (1, 4, 5)
    assert (len(data().train), len(data().validation), len(data().test)) == (4, 2, 2)


def test_fingerprint_follows_every_content_and_nothing_else() -> None:
    pixel = noise(4)
    pixel[0, 0, 0, 0] ^= 1
    prints = {
        data().fingerprint,
        data(train=pixel).fingerprint,
        data(labels=(1, 0, 0, 1)).fingerprint,
        data(classes=("a", "c")).fingerprint,
    }
    assert len(prints) == 4
    assert data().fingerprint == data().fingerprint
    assert len(data().fingerprint) == 40


def test_a_split_refuses_wrong_types_and_lengths() -> None:
    with pytest.raises(DataError, match=r"inputs are \(2, 1, 4, 4\) and targets \(3,\); both begin with the number"):
        Split(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64))
    with pytest.raises(DataError, match=r"inputs are \(\) and targets \(\)"):
        Split(torch.zeros(()), torch.zeros(()))
    three = [made(noise(2)[:, 0], [0, 1]) for _ in range(3)]
    with pytest.raises(DataError, match=r"inputs are \(2, 4, 5\) torch.uint8; they must be pictures \(n, C, H, W\)"):
        assemble("toy", three, ("a", "b"))


def test_a_class_without_training_images_is_named() -> None:
    with pytest.raises(DataError, match=r"no training example of 1 of 3 classes \(c\)"):
        data(classes=("a", "b", "c"))


def test_parts_of_different_shape_are_refused() -> None:
    parts = [made(noise(2, 2), [0, 1]), made(noise(2, 3), [0, 1]), made(noise(2, 2), [0, 1])]
    with pytest.raises(DataError, match=r"validation inputs are \(3, 4, 5\).*training inputs are \(2, 4, 5\)"):
        assemble("toy", parts, ("a", "b"))
    rows = torch.arange(8.0).reshape(2, 4)
    parts = [Split(rows, torch.zeros(2, 3)), Split(rows, torch.zeros(2, 2)), Split(rows, torch.zeros(2, 3))]
    with pytest.raises(DataError, match=r"validation targets are \(2,\) and training targets are \(3,\)"):
        assemble("toy", parts)


def test_grey_parts_beside_a_colour_part_become_colour():
    parts = [made(noise(2), [0, 1]), made(noise(2, 3), [0, 1]), made(noise(2), [0, 1])]
    found = assemble("toy", parts, ("a", "b"))
    assert found.input_shape == (3, 4, 5)
    assert torch.equal(found.train.inputs, noise(2).repeat(1, 3, 1, 1))


def test_numbers_are_prepared_by_the_training_part_feature_by_feature():
    rows = torch.tensor([[1.0, 10.0, 7.0], [3.0, 30.0, 7.0]])
    found = assemble("toy", [Split(rows, torch.tensor([[0.5], [1.5]]))] * 2 + [Split(rows[:0], torch.zeros(0, 1))])
    assert isinstance(found.preparation, Numbers)
    seen, _ = found.preparation(torch.tensor([[1.0, 40.0, 8.0]]), torch.zeros(1, 1), "none", None)
    assert seen.tolist() == [[-1.0, 2.0, 1.0]]  # means 2, 20, 7; deviations 1, 10 and, of a constant, 1
    assert found.facts["kind"] == "numbers"
    maps = torch.arange(24.0).reshape(2, 3, 4)
    channels = Numbers.of(maps)
    assert channels.mean.shape == (3, 1)
    assert channels.mean[1].item() == pytest.approx(maps[:, 1].mean().item())


def test_a_number_that_is_not_finite_is_named():
    rows = torch.tensor([[1.0, 2.0], [3.0, float("nan")]])
    good = Split(rows[:1].repeat(2, 1), torch.zeros(2, 1))
    with pytest.raises(DataError, match=r"validation inputs \[1\] hold a NaN"):
        assemble("toy", [good, Split(rows, torch.zeros(2, 1)), good])


def test_tokens_keep_their_values_and_count_every_part():
    rows = torch.tensor([[0, 3], [2, 1]])
    targets = torch.tensor([0, 1])
    found = assemble("toy", [Split(rows, targets), Split(rows + 4, targets), Split(rows, targets)], ("a", "b"))
    assert isinstance(found.preparation, Tokens)
    assert found.preparation.vocabulary == 8
    assert found.preparation.dtype == "int64"


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        ([0, 0], ("a",), "only one class"),
        ([0, 2], ("a", "b"), r"train labels lie in 0\.\.2"),
        ([-1, 1], ("a", "b"), r"train labels lie in -1\.\.1"),
        ([], ("a", "b"), "train part is empty"),
    ],
)
def test_labels_that_cannot_be_learned_are_refused(labels: list[int], classes: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_labels("toy", {"train": np.array(labels, dtype=np.int64)}, classes)


def test_all_examples_are_training_and_validation_together():
    apart = data()
    both = apart.with_all_learned()
    assert torch.equal(both.train.inputs, torch.cat([apart.train.inputs, apart.validation.inputs]))
    assert torch.equal(both.train.targets, torch.cat([apart.train.targets, apart.validation.targets]))
    assert both.validation is apart.validation
    assert both.test is apart.test
    assert isinstance(both.preparation, Pictures)
    pixels = both.train.inputs.double() / 255
    torch.testing.assert_close(both.preparation.mean.double(), pixels.mean((0, 2, 3)), rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(
        both.preparation.std.double(), pixels.std((0, 2, 3), unbiased=False), rtol=1e-6, atol=1e-7
    )
