"""ranknosh/spaces/choices.py"""

import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces.choices import Choice


@pytest.mark.parametrize(
    ("options", "ordered", "message"),
    [((), False, "has no option"), ((1, 2, 1), False, "holds the option 1 twice"), ((2, 1), True, "do not rise")],
)
def test_a_choice_that_is_none_is_refused(options, ordered, message):
    with pytest.raises(SpaceError, match=message):
        Choice("c", options, ordered)
