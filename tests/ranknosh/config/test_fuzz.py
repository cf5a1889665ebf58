"""Settings of any kind end in our own errors, and what is accepted comes back equal from what is written."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ranknosh.config.messages import ANY, schemas_of
from ranknosh.config.retrain import RetrainSettings
from ranknosh.config.score import ScoreSettings
from ranknosh.config.search import CompareSettings, SearchSettings
from ranknosh.config.settings import Settings
from ranknosh.config.source import parse_source, parse_value
from ranknosh.config.supernet import SupernetSettings
from ranknosh.config.units import duration_text, parse_duration, parse_size, size_text
from ranknosh.errors import RankNoshError

KINDS: tuple[type[Settings], ...] = (
    SearchSettings,
    CompareSettings,
    RetrainSettings,
    ScoreSettings,
    SupernetSettings,
)
FEW = settings(
    max_examples=300, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
HOSTILE = st.sampled_from(
    [
        *(
            "1e400",
            ".nan",
            "-.inf",
            "0x",
            "1" * 400,
            "-0",
            "1e-320",
            "0o17",
            "1_000",
            "010",
            "1__0",
            "null",
            "~",
            "''",
            "on",
        ),
        *("yes", "2026-01-01", "12:30", "!!bool x", "!!int x", "!!float x", "!!binary x", "!!set {a}", "!!omap [a: 1]"),
        *(
            "!!python/object:os.system x",
            "&a [*a]",
            "*a",
            "<<: {a: 1}",
            "{a: 1, a: 2}",
            "[1, [2, [3]]]",
            "? [1]",
            "\t",
            "\0",
        ),
        *(
            '"\\uD800"',
            '"\\x1b[31m"',
            "'\u2028'",
            "\ufeff",
            "9" * 300 + "d",
            "9" * 300 + "TB",
            "0.1B",
            "1h1h",
            "\u0661s",
        ),
        *(
            "<= 1e400",
            "<= 1M, >= 2M",
            ">= 1",
            "<= 60% of x",
            "a:b",
            "a.py:b",
            "/dev/zero",
            "../..",
            "a" * 3000,
            "%",
            "|",
            ">",
        ),
    ]
)
PLAIN = st.one_of(
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.text(max_size=8),
    st.sampled_from(["auto", "off", "10m", "1GB"]),
).map(lambda value: value if isinstance(value, str) else str(value).lower())
TEXTS = st.one_of(HOSTILE, PLAIN, st.lists(PLAIN, max_size=3).map(lambda items: f"[{', '.join(items)}]"))


def checked(kind: type[Settings], made: object) -> None:
    assert isinstance(made, kind)
    source = parse_source(made.to_yaml(), "config.yaml")
    assert kind.from_dict(source.data, source.name, lines=source.lines) == made
    assert kind.from_dict(made.to_dict()) == made
    assert not made.changes(made)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_any_value_of_any_setting_is_taken_whole_or_refused(kind: type[Settings]) -> None:
    names = sorted(name.replace(ANY, "1") for name in schemas_of(kind))

    @FEW
    @given(st.lists(st.tuples(st.sampled_from(names), TEXTS), min_size=1, max_size=3))
    def fuzz(given: list[tuple[str, str]]) -> None:
        base = ["data.name=digits", "budget.epochs=20", "architecture=x", "method=darts"]
        known = [text for text in base if text.split("=")[0] in names]
        try:
            made = kind.from_dict({}, overrides=[*known, *(f"{name}={text}" for name, text in given)])
        except RankNoshError:
            return
        checked(kind, made)

    fuzz()


@FEW
@given(
    st.lists(
        st.one_of(TEXTS, st.sampled_from(["a:", "b: ", "- ", "  ", "\n", "data: {name: digits}", "{", "]", "#", "---"]))
    )
)
def test_any_text_of_a_file_is_a_config_or_refused(pieces: list[str]) -> None:
    text = "\n".join(pieces)
    try:
        made = SearchSettings.from_dict(parse_source(text, "config.yaml").data, "config.yaml")
    except RankNoshError:
        return
    checked(SearchSettings, made)


@FEW
@given(st.one_of(TEXTS, st.text()))
def test_a_value_on_the_command_line_is_yaml_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        parse_value(text)


@FEW
@given(st.text(alphabet="0123456789.dhms KMGTiB-e\u0661", max_size=12))
def test_durations_and_sizes_are_written_as_they_were_read(text: str) -> None:
    for read, write in ((parse_duration, duration_text), (parse_size, size_text)):
        try:
            value = read(text)
        except ValueError:
            continue
        assert read(write(value)) == value
