"""From the words of ``ranknosh supernet`` to settings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ranknosh.config.fields import DATA_NAMES, did_you_mean
from ranknosh.config.source import parse_value
from ranknosh.errors import ConfigError

KINDS = ("name", "folder", "npz")


def source_setting(text: str) -> str:
    """``--data`` as a setting: a known name, an npz file, a folder or an archive of one; ``folder=PATH`` says which it is.

    Raises ConfigError for what is none of these.
    """
    kind, equals, rest = text.partition("=")
    if equals and kind in KINDS:
        return f"data.{kind}={json.dumps(rest)}"
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


def option_settings(texts: Sequence[str]) -> list[str]:
    """``--option name=value`` as settings; whether the method takes them is checked later. Raises ConfigError."""
    settings = []
    for text in texts:
        key, equals, raw = text.partition("=")
        if not equals or not key.strip().isidentifier():
            raise ConfigError(f"--option {text}: it has the form NAME=VALUE; write for example --option patience=0")
        try:
            parse_value(raw)
        except ValueError as error:
            raise ConfigError(f"--option {text}: the value is {error}") from error
        settings.append(f"method.options.{key.strip()}={raw}")
    return settings
