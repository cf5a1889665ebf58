"""YAML in and out: what words and numbers are, where every value is, and files that are no config."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranknosh.config.source import MOST_BYTES, MOST_VALUES, parse_source, parse_value, read_source, yaml_text
from ranknosh.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(word, word) for word in ("off", "on", "yes", "No", "y", "1:30", "2026-01-31", "1,000", "2gpuh")],
        *[("true", True), ("False", False), ("~", None), ("", None), ("null", None)],
        *[("010", 10), ("-3", -3), ("1e-4", 1e-4), ("1e3", 1000.0), (".5", 0.5), (".inf", float("inf"))],
        *[("[1, a]", [1, "a"]), ("{a: {b: off}}", {"a": {"b": "off"}}), ("'1'", "1")],
    ],
)
def test_words_and_numbers_are_those_of_yaml_1_2(text, value):
    found = parse_value(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text", ["[1", "{a: 1, a: 2}", "!!python/object:os.system x", "*x", "\x00", "[" * 5000, "9" * 5000]
)
def test_a_value_that_is_no_yaml(text):
    with pytest.raises(ValueError):
        parse_value(text)


def test_every_value_has_its_line():
    source = parse_source("a: 1\nb:\n  - x\n  - {c: 2,\n     d: 3}\nbase: &b {e: 5}\nagain: *b\n", "c.yaml")
    assert source.data == {"a": 1, "b": ["x", {"c": 2, "d": 3}], "base": {"e": 5}, "again": {"e": 5}}
    assert source.lines == {
        ("a",): 1,
        ("b",): 2,
        ("b", "0"): 3,
        ("b", "1"): 4,
        ("b", "1", "c"): 4,
        ("b", "1", "d"): 5,
        ("base",): 6,
        ("base", "e"): 6,
        ("again",): 7,
        ("again", "e"): 6,
    }


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ("a: 1\nb: 2\na: 3\n", "c.yaml, line 3: a is given twice (first on line 1); remove one"),
        ("budget: {epochs: 10, epochs: 60}\n", "c.yaml, line 1: budget.epochs is given twice (first on line 1)"),
        ("a:\n  - {b: 1,\n     b: 2}\n", "c.yaml, line 3: a.0.b is given twice (first on line 2)"),
        ("a: 1\n'a': 2\n", "a is given twice"),
        ("a: x\x00y\n", "c.yaml: not valid YAML: unacceptable character"),
        ("a: [1\n", "c.yaml, line 2, column 1: not valid YAML"),
        ("a: 1\n---\nb: 2\n", "c.yaml, line 2"),
        ("a: " + "[" * 5000, "nested too deeply"),
        ("a: &x {b: *x}\n", "an alias (*name) inside what it names"),
        ("? [a]\n: 1\n? {b: 1}\n: 2\n", "c.yaml"),
    ],
)
def test_what_cannot_be_a_config_is_refused(text, needle):
    with pytest.raises(ConfigError) as caught:
        parse_source(text, "c.yaml")
    assert needle in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_bomb_of_aliases_is_refused_before_it_is_read():
    """Nine lines of ten aliases each are a billion values."""
    text = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n"
    text += "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(ConfigError, match=r"line \d+: more than 10,000 values, with those that aliases"):
        parse_source(text, "c.yaml")


def test_the_number_of_values_is_bounded_at_the_number_said():
    fits = "a:\n" + "- 1\n" * (MOST_VALUES - 1)
    assert len(parse_source(fits, "c.yaml").data["a"]) == MOST_VALUES - 1
    with pytest.raises(ConfigError, match=f"line {MOST_VALUES + 1}: more than"):
        parse_source(fits + "- 1\n", "c.yaml")


def test_files_that_are_no_config(tmp_path):
    path = tmp_path / "c.yaml"
    for content in (b"\xff\xfe\x00", b"\x89PNG\r\n\x1a\n\x00\x00", b"a: \xe9\n"):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match="cannot be read: it is not UTF-8 text"):
            read_source(path)
    path.write_bytes(b"#" * MOST_BYTES)
    with pytest.raises(ConfigError, match="is empty"):
        read_source(path)
    path.write_bytes(b"#" * (MOST_BYTES + 1))
    with pytest.raises(ConfigError, match="more than 1,000,000 bytes; is it another kind of file"):
        read_source(path)
    with pytest.raises(ConfigError, match="more than 1,000,000 bytes; is it another kind of file"):
        read_source("/dev/zero")
    with pytest.raises(ConfigError, match="no such config file"):
        read_source(tmp_path / "none.yaml")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="it is a pipe with a name"):
        read_source(tmp_path / "pipe")  # which nobody writes into, so that reading it would wait for ever
    for name in (tmp_path, "nul\x00.yaml", "x" * 5000):
        with pytest.raises(ConfigError, match="cannot be read"):
            read_source(name)


def test_what_another_command_writes_is_a_config():
    reading, writing = os.pipe()
    os.write(writing, b"seed: 3\n")
    os.close(writing)
    assert read_source(f"/dev/fd/{reading}").data == {"seed": 3}
    os.close(reading)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8"))
KEYS = st.text("abcdefgh_", min_size=1, max_size=8).filter(lambda key: key not in ("null", "true", "false"))
INNER = PLAIN | st.lists(PLAIN, max_size=4) | st.dictionaries(KEYS, PLAIN, max_size=4)
DATA = st.dictionaries(KEYS, INNER | st.dictionaries(KEYS, INNER, max_size=4), min_size=1, max_size=6)


@settings(max_examples=60)
@given(DATA)
def test_what_is_written_reads_back_equal(data):
    text = yaml_text(data)
    assert parse_source(text, "c.yaml").data == data
    assert list(parse_source(text, "c.yaml").data) == list(data)


def test_a_setting_is_a_line_and_a_list_stays_on_it():
    data = {"seed": 0, "train": {"lr": 0.1, "amp": "off"}, "budget": {"time": None}, "epochs": [1, 2, 4]}
    expected = ["seed: 0", "train:", "  lr: 0.1", "  amp: off", "budget:", "  time: null", "epochs: [1, 2, 4]"]
    assert yaml_text(data).splitlines() == expected
