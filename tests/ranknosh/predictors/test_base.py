import numpy as np
import pytest

from ranknosh.predictors.base import Encodings, reference
from ranknosh.spaces.base import Space


def test_onehot_marks_the_choice_of_every_slot(space: Space) -> None:
    encodings = Encodings(
        space, [space.parse("|none~0|+|skip_connect~0|none~1|+|nor_conv_3x3~0|avg_pool_3x3~1|none~2|")]
    )
    assert encodings.codes.tolist() == [[0, 1, 0, 3, 4, 0]]
    assert np.flatnonzero(encodings.onehot[0]).tolist() == [0, 5 + 1, 10, 15 + 3, 20 + 4, 25]


@pytest.mark.parametrize("computed_before", [True, False])
def test_take_gives_the_rows_of_those_architectures(everyone: Encodings, computed_before: bool) -> None:
    whole = Encodings(everyone.space, everyone.architectures[:50])
    if computed_before:
        assert len(whole.features) == len(whole.rows) == len(whole.graphs.labels) == 50
    part = whole.take([7, 3, 3])
    alone = Encodings(everyone.space, [whole.architectures[i] for i in (7, 3, 3)])
    assert part.architectures == alone.architectures
    for view in ("codes", "onehot", "features", "rows"):
        np.testing.assert_array_equal(getattr(part, view), getattr(alone, view))
    for left, right in zip(part.graphs, alone.graphs, strict=True):
        np.testing.assert_array_equal(left, right)


def test_features_are_the_spaces_own(everyone: Encodings) -> None:
    few = Encodings(everyone.space, everyone.architectures[:9])
    np.testing.assert_array_equal(few.features, everyone.space.features(few.codes))


def test_nothing_has_no_rows(space: Space, everyone: Encodings) -> None:
    nothing = Encodings(space, [])
    assert len(nothing) == 0
    assert nothing.codes.shape == (0, 6)
    assert nothing.features.shape == (0, everyone.features.shape[1])


def test_reference_is_seeded_and_holds_no_dead_cell(space: Space) -> None:
    first, again, other = reference(space, 200, 3), reference(space, 200, 3), reference(space, 200, 4)
    assert len(first) == 200
    assert first.architectures == again.architectures != other.architectures
    assert not any(space.is_dead(architecture) for architecture in first.architectures)
