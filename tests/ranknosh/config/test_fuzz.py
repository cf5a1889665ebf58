"""Settings of any kind end in our own errors, and what is accepted comes back equal from what is written."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranknosh.config.messages import ANY, schemas_of
from ranknosh.config.retrain import FinalsSettings, RetrainSettings
from ranknosh.config.score import ScoreSettings
from ranknosh.config.search import CompareSettings, SearchSettings
from ranknosh.config.settings import Settings
from ranknosh.config.source import parse_source, parse_value
from ranknosh.config.supernet import SupernetSettings
from ranknosh.config.units import duration_text, parse_duration, parse_size, size_text
from ranknosh.errors import RankNoshError
from ranknosh.spaces.catalog import SPACES, settings_known
from tests.fuzzing import HUGE, TEXTS, cases, no_hang

KINDS: tuple[type[Settings], ...] = (
    SearchSettings,
    CompareSettings,
    RetrainSettings,
    FinalsSettings,
    ScoreSettings,
    SupernetSettings,
)
FEW = cases(300)


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


WORDS = (
    *(
        "0",
        "1",
        "2",
        "3",
        "7",
        "8",
        "16",
        "100",
        "16384",
        "10000000",
        "0.5",
        "true",
        "imagenet",
        "x",
        "[1, 2]",
        "[]",
        "[3, 3]",
    ),
    *("[16384]", "[none, noise]", "{a: [1, 2]}", "{a: {uniform: [0, 1e308]}}", "{a: {randint: [0, 1000000000000]}}"),
    *(
        "{a: {loguniform: [1e-320, 1e308]}}",
        "{a: {choice: []}}",
        "<= 1M",
        "<= 60%",
        "<= 60% of resnet18",
        "<= -1",
        "<= 10ms",
    ),
    *("<= 60% of |none~0|", "[accuracy, params]", "[latency]", "json:dumps", "no_such:thing", "dense", "0x" + HUGE),
)
OPEN = (
    *(
        "constraints",
        "constraints.params",
        "constraints.x",
        "objectives",
        "costs",
        "costs.mine.function",
        "costs.latency.repeats",
    ),
    *(
        "executor.per_level",
        "executor.per_level.1.cpus",
        "executor.options",
        "executor.options.x",
        "executor.run",
        "task.name",
    ),
    *(
        "task.metrics",
        "task.x",
        "propose.function",
        "predictor.name",
        "predictor.options.x",
        "seeding.proxies",
        "data.options.x",
    ),
    *("seeding.options.zen.repeats", "train.metric", "baseline"),
)


@pytest.mark.parametrize("kind", [SearchSettings, ScoreSettings, SupernetSettings], ids=lambda kind: kind.__name__)
def test_what_a_setting_names_is_made_or_refused(kind: type[Settings]) -> None:
    values = st.one_of(TEXTS, st.sampled_from(WORDS))
    of_spaces = [(name, f"space.{known}") for name in SPACES.names for known in (*settings_known(name), "x")]
    chosen = st.lists(st.tuples(st.sampled_from(OPEN), values), min_size=1, max_size=2)
    spaces = st.tuples(st.sampled_from(of_spaces), values)

    @cases(60, 400)
    @given(st.one_of(chosen, spaces.map(lambda one: [("space.name", one[0][0]), (one[0][1], one[1])])))
    def fuzz(given: list[tuple[str, str]]) -> None:
        base = ["data.name=digits"] + ["budget.epochs=20"] * (kind is not ScoreSettings)
        base += ["method=darts"] * (kind is SupernetSettings)
        with no_hang(), suppress(RankNoshError):
            made = kind.from_dict({}, overrides=[*base, *(f"{name}={text}" for name, text in given)])
            checked(kind, made)
            space = made.space.make()  # type: ignore[attr-defined]
            architecture = space.parse(space.example)
            assert space.size >= 1
            assert space.canonical(architecture)
            assert len(space.features(space.codes([architecture]))) == 1

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
