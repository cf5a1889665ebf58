"""Options of verbs: those that several verbs have, and those made from the settings of a workflow.

An option of a setting has its words in the verb's module and nothing else: type, description and default are those of the
settings class, which also checks its bounds.
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from ranknosh.config.learning import source_section
from ranknosh.config.messages import choices_of, schemas_of
from ranknosh.config.sections import budget_section
from ranknosh.config.settings import Given, Settings, by_name, read_setting
from ranknosh.errors import ConfigError

ConfigFile = Annotated[
    Path,
    typer.Argument(
        metavar="CONFIG|DATA",
        help="A YAML config; or data (a folder or archive of images, an npz file, texts, MODULE:NAME of your own), of "
        "which 'ranknosh init' would make one.",
        show_default=False,
    ),
]
SetOptions = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one setting, such as data.limit=500; may be repeated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the results as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the summary only.")]


class _SectionFlag(NamedTuple):
    """How one flag gives several settings of a section, and what it takes."""

    read: Callable[[str], Mapping[str, Any]]
    takes: str
    repeated: bool = False


def _tracked(place: str) -> Mapping[str, Any]:
    name, _, uri = place.partition("=")
    if place == "tensorboard":
        return {"tensorboard": True}
    if name == "mlflow" and uri:
        return {"mlflow": uri}
    raise ConfigError(f"--track {place}: give tensorboard, or mlflow=URI such as mlflow=sqlite:///mlflow.db")


_SECTIONS = {
    "data": _SectionFlag(source_section, "a name, a folder or archive of images, texts, or an npz file"),
    "budget": _SectionFlag(
        budget_section, "epochs (130), wall time (2h), or busy time of all workers together (2gpuh, 2cpuh)"
    ),
    "executor": _SectionFlag(
        lambda address: {"name": "ray", "address": address},
        "on Ray; alone for a cluster of its own on this machine, 'auto' for the one that runs here, or host:port",
    ),
    "track": _SectionFlag(_tracked, "'tensorboard' or 'mlflow=URI'", repeated=True),
}
_TYPES = {"integer": int, "number": float, "boolean": bool}


@dataclass(frozen=True)
class _Flag:
    """The option of one setting. ``schema``: as :func:`schemas_of` gives it; ``words``: its names and its metavar."""

    setting: str
    schema: Mapping[str, Any]
    words: Sequence[str]
    default: Any

    @property
    def name(self) -> str:
        return self.words[0].lstrip("-").replace("-", "_")

    @property
    def metavar(self) -> str | None:
        return next((word for word in self.words if not word.startswith("-")), None)

    def annotation(self) -> Any:
        """What typer makes an option of; nothing given is None."""
        section, about, kind = _SECTIONS.get(self.setting), self.schema["description"], self.schema.get("type", "")
        bare: Any = _TYPES.get(kind, str)
        if section:
            about, bare = f"{about}: {section.takes}", str
        elif choices := choices_of(self.schema):
            make: Any = Enum  # the names are known at run time only
            bare = make(self.name, [(word, word) for word in choices])
        if kind == "object" or (section and section.repeated):
            about, bare = f"{about}; may be repeated", list[str]
        default = ",".join(self.default) if isinstance(self.default, list) else self.default
        if default is not False and isinstance(default, str | int | float) and len(str(default)) < 80:
            about += f"; default: {default}"
        flags = [word for word in self.words if word.startswith("-")]
        help_text = f"{about[:1].upper()}{about[1:]}."
        return Annotated[bare | None, typer.Option(*flags, metavar=self.metavar, help=help_text)]

    def given(self, value: Any) -> list[Given]:
        """The settings that a value gives. Raises ConfigError for a text of another form."""
        if value is None or isinstance(value, list):
            return [each for one in value or () for each in self.given(one)]
        plain, path = value.value if isinstance(value, Enum) else value, tuple(self.setting.split("."))
        text = self.words[0] if plain is True else f"{self.words[0]} {plain}"
        if self.setting in _SECTIONS:
            return [Given((*path, key), each, text) for key, each in _SECTIONS[self.setting].read(plain).items()]
        if self.schema.get("type") == "object":
            return [read_setting(plain, self.words[0], self.metavar or "NAME=VALUE", self.schema["description"], path)]
        return [Given(path, plain, text)]


def named(*settings: str) -> dict[str, str]:
    """Options that have the last word of their setting's name, for :func:`flags_of`."""
    return {each: f"--{each.rpartition('.')[2].replace('_', '-')}" for each in settings}


def flags_of(kind: type[Settings], names: Mapping[str, str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a verb an option for each of some settings, and ``--set`` for all of them.

    Args:
        kind: the settings class.
        names: the option of each setting, such as ``{"count": "--count -n", "budget.time": "--time DURATION"}``, with its
            metavar if any. That of a mapping takes texts of the form of its metavar and may be repeated.

    Returns:
        A decorator. The verb takes an argument ``given`` in their place, the ``Overrides`` of the user.
    """
    schemas, defaults = schemas_of(kind), by_name(kind.model_construct().to_dict())
    defaults["data"] = defaults.get("data.name")
    flags = [_Flag(name, schemas[name], words.split(), defaults.get(name)) for name, words in names.items()]
    options = {flag.name: flag.annotation() for flag in flags} | {"settings": SetOptions}

    def decorate(verb: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(verb)
        def run(**arguments: Any) -> None:
            texts = arguments.pop("settings") or []
            values = [given for flag in flags for given in flag.given(arguments.pop(flag.name))]
            verb(**arguments, given=[*texts, *values])

        parameters = []
        for own in inspect.signature(verb, eval_str=True).parameters.values():
            kept = own.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            made = [kept.replace(name=name, default=None, annotation=option) for name, option in options.items()]
            parameters += made if own.name == "given" else [kept]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": None}
        return run

    return decorate
