"""Parameters of flat spaces as configs write them: ranknosh/spaces/written.py"""

import json

import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces.parameters import Parameter, choice, loguniform, randint, uniform
from ranknosh.spaces.written import read_parameter, write_parameter


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([1, 2, 4], choice([1, 2, 4])),
        (("a", "b"), choice(["a", "b"])),
        ([True, False, None], choice([True, False, None])),
        ({"choice": [1, 2, 4]}, choice([1, 2, 4])),
        ({"ordered": ["small", "medium", "large"]}, Parameter(("small", "medium", "large"), (0.0, 0.5, 1.0))),
        ({"ordered": ["one"]}, Parameter(("one",), (0.0,))),
        ({"uniform": [0, 1]}, uniform(0, 1)),
        ({"uniform": {"low": 0, "high": 1, "quantum": 0.25}}, uniform(0, 1, quantum=0.25)),
        ({"loguniform": [1e-4, 1e-1]}, loguniform(1e-4, 1e-1)),
        ({"loguniform": {"low": 1e-4, "high": 1e-1, "steps": 4}}, loguniform(1e-4, 1e-1, steps=4)),
        ({"randint": [1, 9]}, randint(1, 9)),
        ({"randint": {"low": 8, "high": 65, "quantum": 8}}, randint(8, 65, quantum=8)),
        ({"lograndint": [1, 1000]}, randint(1, 1000, log=True)),
        ({"values": [3, 1, 2]}, Parameter((3, 1, 2))),
        ({"values": [1, 2, 8], "places": [0, 0.1, 1]}, Parameter((1, 2, 8), (0.0, 0.1, 1.0))),
        (uniform(0, 1), uniform(0, 1)),
    ],
)
def test_forms(given, expected):
    assert read_parameter("a", given) == expected
    written = json.loads(json.dumps(write_parameter(expected)))
    assert read_parameter("a", written) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            0.1,
            "0.1 says no values; give a list of values, or one of {choice.*A value that is not searched stands under fixed",
        ),
        ("small", "'small' says no values"),
        ({"uniform": [0, 1], "quantum": 0.1}, "says no values"),
        ({}, "says no values"),
        ([], "has no values"),
        ([1, 1], "holds the value 1 twice"),
        ({"choice": 3}, "choice takes a list of values, not 3"),
        ({"ordered": "abc"}, "ordered takes a list of values, not 'abc'"),
        ({"ordered": []}, "has no values"),
        ({"logunifrom": [1, 2]}, "it has no form 'logunifrom'; .*; did you mean loguniform"),
        (
            {"uniform": [0, 1, 2]},
            r"uniform takes \[low, high\] or low, high and perhaps quantum and steps, not \[0, 1, 2\]",
        ),
        ({"uniform": {"low": 0}}, "uniform takes"),
        ({"randint": {"low": 0, "high": 3, "steps": 2}}, "randint takes .* perhaps quantum, not"),
        ({"loguniform": ["1e-4", 1]}, "low of loguniform is '1e-4', no number"),
        ({"uniform": [False, 1]}, "low of uniform is False, no number"),
        ({"uniform": {"low": 0, "high": 1, "steps": 2.5}}, "steps of uniform is 2.5, no whole number"),
        ({"uniform": [1, 1]}, "a range from 1 to 1 is empty"),
        ({"loguniform": [0, 1]}, "a logarithmic range begins at 0"),
        ({"randint": [0.5, 3]}, "takes whole numbers"),
        ({"values": [1, 2], "places": [0]}, "not one number from 0 to 1 for each of 2 values"),
        ({"values": [1, 2], "places": [1, 0]}, "rising"),
        ({"values": [1, 2], "places": [0, "a"]}, "not one number"),
        ({"values": 3}, "values is a list"),
        ({"values": [1, 2], "order": [0, 1]}, "nothing else is known"),
    ],
)
def test_what_is_no_parameter_is_refused(given, message):
    with pytest.raises(SpaceError, match=f"parameter 'rate' of a flat space: .*{message}"):
        read_parameter("rate", given)
