"""From the words of ``ranknosh score`` to what is asked for; everything that can be wrong with them is said here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ranknosh.config.fields import DATA_NAMES, did_you_mean
from ranknosh.config.search import SearchSettings
from ranknosh.config.source import parse_value
from ranknosh.errors import ConfigError, SpaceError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.catalog import SPACES, get_space
from ranknosh.workflows.score.population import Draw, everything, named, sampled
from ranknosh.workflows.score.request import Request

COUNT, CHANNELS, CELLS = 200, 16, 5
PLAIN = {
    "budget": {"epochs": 1},  # a config must say what ends a search; scoring has no other use for it
    "data": {"name": "digits"},
    "network": {"channels": CHANNELS, "cells": CELLS},
}
ALL = "all"
DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


@dataclass(frozen=True)
class Wanted:
    """The command line. ``things``: a space's name or exchange strings. ``settings``: of a config, in the form of ``--set``."""

    things: tuple[str, ...]
    proxies: str
    options: tuple[str, ...]
    config: Path | None
    count: int | None
    every: bool
    draw: Draw | None
    batch: int
    settings: tuple[str, ...] = ()

    def with_settings(
        self,
        *,
        channels: int | None,
        cells: int | None,
        seed: int | None,
        device: str,
        data: str | None,
        data_root: str | None,
        ray: str | None,
    ) -> Wanted:
        """The flags that stand for settings of a config; they win over its file. Raises ConfigError."""
        given = {"network.channels": channels, "network.cells": cells, "seed": seed, "data.root": data_root}
        words = [f"{key}={json.dumps(value)}" for key, value in given.items() if value is not None]
        if not DEVICE.fullmatch(device):
            raise ConfigError(f"--device is {device}; it must be cpu, cuda, cuda:N, mps or auto")
        words.append(f"train.device={json.dumps(device)}")
        if data is not None:
            words.append(_source(data))
        if ray is not None:
            words += ["executor.name=ray", f"executor.address={json.dumps(ray)}"]
        return replace(self, settings=tuple(words))


def make_request(wanted: Wanted) -> Request:
    """Raises ConfigError or SpaceError for anything that cannot be scored."""
    settings = list(wanted.settings)
    config = (
        SearchSettings.from_dict(PLAIN).replace(settings)
        if wanted.config is None
        else SearchSettings.load(wanted.config, settings)
    )
    space, architectures = _population(wanted, config)
    options = _options(wanted.options)
    directions = _directions(wanted.proxies, options)
    return Request(config, space, architectures, directions, options, wanted.batch)


def _source(text: str) -> str:
    """``--data`` as a setting: a known name, an npz file, or a folder or an archive of one."""
    if text in DATA_NAMES:
        return f"data.name={json.dumps(text)}"
    path = Path(text).expanduser()
    if path.suffix == ".npz":
        return f"data.npz={json.dumps(str(path))}"
    if not path.exists():
        raise ConfigError(
            f"--data is {text}, which is neither there nor a name; images of your own are given as a folder, an archive or an "
            f"npz file, and known names are {', '.join(DATA_NAMES)}{did_you_mean(text, DATA_NAMES)}"
        )
    return f"data.folder={json.dumps(str(path))}"


def _population(wanted: Wanted, config: SearchSettings) -> tuple[Space, tuple[Architecture, ...]]:
    things = wanted.things
    if not things and wanted.config is None:
        raise ConfigError(
            f"nothing to score: give a search space ({', '.join(SPACES)}), architectures as exchange strings, or --config"
        )
    if not things or (len(things) == 1 and not _is_architecture(things[0])):
        space = get_space(things[0] if things else config.space.name)
        how: Draw = wanted.draw or "functions"
        if not wanted.every:
            return space, sampled(space, how, wanted.count or COUNT, config.seed)
        if wanted.count is not None:
            raise ConfigError("--all scores the whole space and --count a part of it; give one of them")
        return space, everything(space, how)
    if wanted.every or wanted.count is not None or wanted.draw is not None:
        raise ConfigError(
            "--all, --count and --draw are about a search space; leave them out where architectures are given"
        )
    words = [text for text in things if not _is_architecture(text)]
    if words:
        raise SpaceError(
            f"{words[0]!r} stands among {len(things)} words to score; give one space, or architectures only"
        )
    return named(things, config.space.name)


def _is_architecture(text: str) -> bool:
    """Whether a word is meant as an exchange string and not as the name of a space."""
    return any(sign in text for sign in "|~+(")


def _options(texts: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Raises ConfigError for a text that is no option; what proxies take is checked by :func:`_directions`."""
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        key, equals, raw = text.partition("=")
        proxy, dot, name = key.strip().partition(".")
        if not (equals and dot and proxy and name):
            raise ConfigError(
                f"--option {text}: it has the form PROXY.NAME=VALUE; write for example --option swap_reg.mu=900"
            )
        try:
            found.setdefault(proxy, {})[name] = parse_value(raw)
        except ValueError as error:
            raise ConfigError(f"--option {text}: the value is {error}") from error
    return found


def _directions(text: str, options: dict[str, dict[str, Any]]) -> dict[str, int]:
    """The proxies asked for with their directions; ``all`` holds those that need no option and those that got theirs."""
    from ranknosh.training.proxies import NEEDS_OPTIONS, check_options, directions, known_proxies

    known = known_proxies()
    names: list[str] = []
    for word in (part.strip() for part in text.split(",")):
        if word == ALL:
            names += [name for name in known if name not in NEEDS_OPTIONS or name in options]
        elif word:
            names.append(word)
    for source, name in [*(("--proxies", name) for name in names), *(("--option", name) for name in options)]:
        if name not in known:
            raise ConfigError(
                f"{source} names {name!r}, which is no proxy; known proxies are {', '.join(known)}{did_you_mean(name, known)}"
            )
    if not names:
        raise ConfigError(f"--proxies is {text!r} and names no proxy; give {ALL}, or some of {', '.join(known)}")
    for name in options:
        if name not in names:
            raise ConfigError(f"--option is given for {name}, which --proxies does not name; add it there")
    check_options({name: options.get(name, {}) for name in names if name in options or name in NEEDS_OPTIONS})
    return dict(directions(tuple(dict.fromkeys(names))))
