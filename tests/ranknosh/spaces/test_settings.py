"""What a space can be set to: ranknosh/spaces/settings.py, asked for as a user does."""

import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces.catalog import get_space


@pytest.mark.parametrize(
    ("space", "setting", "value", "message"),
    [
        (
            "darts",
            "operations",
            "skip_connect",
            r"operations is 'skip_connect'; it is a list, \[skip_connect\] for a single",
        ),
        ("darts", "operations", [], r"operations is \[\]; it lists one or more options, each once"),
        ("darts", "operations", ["noise", "noise"], "it lists one or more options, each once"),
        (
            "darts",
            "operations",
            ["skip_conect"],
            "an entry of operations is 'skip_conect'; it is one of none, .*did you mean skip_connect",
        ),
        ("darts", "normal_concat", 2, r"normal_concat is 2; it is a list, \[2\]"),
        ("darts", "normal_concat", [6], "a node of normal_concat is 6; it is a whole number, from 2 to 5"),
        ("darts", "repeats", "maybe", "repeats is 'maybe'; it is true or false"),
        ("darts", "none", 1, "none is 1; it is true or false"),
        ("chain", "stages", 3, r"stages is 3; it is a list, \[3\]"),
        ("chain", "stages", [], "stages of chain is empty"),
        ("chain", "stages", [2, 0], "stages is 0; it is a whole number, at least 1"),
        ("mobile", "squeeze", [0, 1], "an option of squeeze is 0; it is true or false"),
        ("mobile", "widths", ["wide"], "an option of widths is 'wide'; it is a number from 0.1 to 10"),
        ("mlp", "residual", [True, True], "it lists one or more options, each once"),
        ("mlp", "depths", [4, 1], r"depths is \[4, 1\]; list it from low to high"),
        ("transformer", "widths", [48.0], "an option of widths is 48.0; it is a whole number, at least 1"),
        ("transformer", "pooling", "max", "pooling is 'max'; it is one of mean, token"),
        ("nasbench201", "channels", True, "channels is True; it is a whole number, at least 1"),
    ],
)
def test_what_no_space_takes_is_refused_by_name(space, setting, value, message):
    with pytest.raises(SpaceError, match=message):
        get_space(space, **{setting: value})
