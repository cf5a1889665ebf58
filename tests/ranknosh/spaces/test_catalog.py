"""ranknosh/spaces/catalog.py"""

import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces.catalog import get_space


def test_known_space():
    assert get_space("nasbench201").name == "nasbench201"


@pytest.mark.parametrize("name", ["nasbench-201", "NasBench201", "", "darts"])
def test_unknown_space_names_the_known_ones(name):
    with pytest.raises(SpaceError, match="known are nasbench201"):
        get_space(name)
