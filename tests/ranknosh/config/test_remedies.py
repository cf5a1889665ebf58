"""What a message about a setting says to write is written, for every setting of every workflow."""

import re

import pytest

from ranknosh.config.messages import ANY, schemas_of
from ranknosh.config.retrain import RetrainSettings
from ranknosh.config.score import ScoreSettings
from ranknosh.config.search import CompareSettings, SearchSettings
from ranknosh.config.supernet import SupernetSettings
from ranknosh.errors import ConfigError

KINDS = [SearchSettings, CompareSettings, SupernetSettings, RetrainSettings, ScoreSettings]
WRONG = ("-7", "[[]]", "{a: {b: []}}", "[1, 1]", "'?'", "1e99")
TOLD = re.compile(r"write for example (.+?)(?: \(|,| or |$)|it must be one of (\w+)")


def refusal(kind, name, text):
    """What is said of a setting that is given alone; empty where it is taken, or other settings are what is missing."""
    try:
        kind.from_dict({}, overrides=[f"{name}={text}"])
    except ConfigError as error:
        lines = [line for line in str(error).splitlines() if f": {name} is " in line]
        return lines[0] if lines else ""
    return ""


def settings():
    for kind in KINDS:
        for name, schema in schemas_of(kind).items():
            if ANY not in name and "$ref" not in schema:
                yield pytest.param(kind, name, id=f"{kind.__name__}-{name}")


@pytest.mark.parametrize(("kind", "name"), settings())
def test_the_value_that_is_told_is_taken(kind, name):
    told = [found for text in WRONG if (found := TOLD.search(refusal(kind, name, text)))]
    for found in told:
        assert refusal(kind, name, found[1] or found[2]) == "", found[0]


def test_most_settings_tell_one():
    told = sum(any(TOLD.search(refusal(SearchSettings, name, text)) for text in WRONG) for name in names())
    assert told / len(names()) > 0.8


def names():
    return [
        name
        for name, schema in schemas_of(SearchSettings).items()
        if ANY not in name and "$ref" not in schema and schema.get("default", "") is not None
    ]
