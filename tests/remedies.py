"""A remedy is read out of what was printed and followed: what it advises is done to the very words that failed.

Each function of how to follow takes those words and what was found in the text, and gives the commands to type then.
"""

import re
import shlex
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

Words = list[str]
Follow = Callable[[Words, "re.Match[str]"], list[Words]]


class Remedy(NamedTuple):
    """A row of the table.

    Args:
        trouble: a command line.
        told: the pattern of the remedy in what it prints.
        follow: gives the commands to type then, all of which have to end well.
        code: the trouble ends with; 0 where it is advice of what comes next.
    """

    trouble: str
    told: str
    follow: Follow
    code: int = 2


def row(name: str, *columns: Any, slow: bool = False) -> Any:
    """One of the table, named by trouble and remedy."""
    return pytest.param(Remedy(*columns), id=name, marks=[pytest.mark.slow] if slow else [])


def follow(cli: Callable[..., Any], remedy: Remedy) -> Any:
    """Make the trouble, follow its remedy, and give back how the last command ended."""
    words = shlex.split(remedy.trouble)
    ended = cli(*words)
    text = ended.err + ended.out
    assert ended.code == remedy.code, text
    found = re.search(remedy.told, text)
    assert found, text
    for command in remedy.follow(words, found):
        ended = cli(*command)
        assert ended.code == 0, (command, ended.err)
    return ended


def typed(words: Words, found: "re.Match[str]") -> list[Words]:
    """The command that was told."""
    return [_command(found[1])]


def typed_first(words: Words, found: "re.Match[str]") -> list[Words]:
    """The command that was told, and then the one that failed."""
    return [_command(found[1]), words]


def _command(text: str) -> Words:
    name, *words = shlex.split(text)
    assert name == "ranknosh"
    return words


def added(words: Words, found: "re.Match[str]") -> list[Words]:
    """The flags that were told, beside the others."""
    return [words + shlex.split(found[1])]


def filled(**places: str) -> Follow:
    """As :func:`added`, where words in capitals stand for something of the user's own."""

    def follow(words: Words, found: "re.Match[str]") -> list[Words]:
        text = found[1]
        for place, value in places.items():
            assert place in text
            text = text.replace(place, value)
        return [words + shlex.split(text)]

    return follow


def set_(words: Words, found: "re.Match[str]") -> list[Words]:
    """Settings that were told as ``key=value`` or ``key: value``, as ``--set``."""
    told = [re.sub(r"^([\w.]+): ", r"\1=", text) for text in found.groups() if text]
    keys = {text.partition("=")[0] for text in told}
    return [without(words, keys) + [word for text in told for word in ("--set", text)]]


def set_as(key: str) -> Follow:
    """The value that was told, for a setting the trouble is about."""

    def follow(words: Words, found: "re.Match[str]") -> list[Words]:
        return [[*without(words, {key}), "--set", f"{key}={found[1]}"]]

    return follow


def given_as(flag: str) -> Follow:
    """The value that was told, for a flag the trouble is about."""

    def follow(words: Words, found: "re.Match[str]") -> list[Words]:
        return [[*without(words, {flag}), flag, found[1]]]

    return follow


def left_out(words: Words, found: "re.Match[str]") -> list[Words]:
    """Without the flags or settings that were told, those that are there."""
    names = set(re.findall(r"--?[a-z][\w-]*|[\w.]+", found[1]))
    assert without(words, names) != words
    return [without(words, names)]


def without(words: Words, names: set[str]) -> Words:
    """The words without those flags and their values, and without ``--set`` of those settings."""
    kept: Words = []
    place = 0
    while place < len(words):
        word, value = words[place], words[place + 1] if place + 1 < len(words) else "--"
        if word == "--set" and value.partition("=")[0] in names:
            place += 2
        elif word in names:
            place += 1 if value.startswith("--") else 2
        else:
            kept.append(word)
            place += 1
    return kept


def instead_of(wrong: str) -> Follow:
    """What was told in place of what was wrong."""

    def follow(words: Words, found: "re.Match[str]") -> list[Words]:
        assert any(wrong in word for word in words)
        return [[word.replace(wrong, found[1]) for word in words]]

    return follow


def last_two(words: Words, found: "re.Match[str]") -> list[Words]:
    """The flag with its value that was told, in place of the last one."""
    return [words[:-2] + shlex.split(found[1])]
