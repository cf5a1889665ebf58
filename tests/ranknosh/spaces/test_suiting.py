"""Which space is taken for which inputs and outputs."""

import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.suiting import suiting


@pytest.mark.parametrize(
    ("signature", "name", "settings", "why"),
    [
        (Signature((3, 32, 32), (10,)), "nasbench201", {}, "for pictures up to 32 pixels"),
        (Signature((3, 24, 33), (10,)), "mobile", {}, "for pictures above 32 pixels: its stem shrinks them"),
        (Signature((20,), (10,), "int64", 7), "transformer", {"patches": []}, "for sequences of tokens"),
        (Signature((20, 4), (10,)), "transformer", {"patches": []}, "for sequences of numbers"),
        (Signature((20,), (1,)), "mlp", {}, "for rows of numbers"),
        (
            Signature((1, 16, 16), (2, 16, 16)),
            "transformer",
            {},
            "nasbench201 gives one row of outputs, and these are 2x16x16",
        ),
    ],
)
def test_the_first_space_that_fits_is_taken(signature, name, settings, why):
    space, own, reason = suiting(signature)
    assert (space.name, own, reason) == (name, settings, why)


def test_where_none_fits_the_preferred_one_says_why():
    with pytest.raises(SpaceError, match=r"inputs \(3, 8, 8\) are pictures"):
        suiting(Signature((3, 8, 8), (10,), "int64", 7))
