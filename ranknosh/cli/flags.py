"""Options of a verb made from the settings of its workflow: type, bounds, description and default are in one place."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from ranknosh.config.settings import Settings, by_name


def flags_of(kind: type[Settings], names: Mapping[str, str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a verb an option for each of some settings.

    Args:
        kind: the settings class.
        names: the option of each setting, such as ``{"network.channels": "--channels", "count": "--count -n"}``.

    Returns:
        A decorator. The verb takes an argument ``given`` in their place: the values that the user gave, by setting.
    """
    words = {setting: flag.split()[0].lstrip("-").replace("-", "_") for setting, flag in names.items()}
    defaults = by_name(kind().to_dict())
    options = [
        inspect.Parameter(
            words[setting],
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=_option(_field(kind, setting), flag.split(), defaults.get(setting)),
        )
        for setting, flag in names.items()
    ]

    def decorate(verb: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(verb)
        def run(**arguments: Any) -> None:
            values = {setting: arguments.pop(word) for setting, word in words.items()}
            given = {setting: _plain(value) for setting, value in values.items() if value is not None}
            verb(**arguments, given=given)

        own = inspect.signature(verb, eval_str=True)
        kept = [each for each in own.parameters.values() if each.name != "given"]
        run.__signature__ = own.replace(  # type: ignore[attr-defined]
            parameters=[each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in kept] + options
        )
        run.__annotations__ = {each.name: each.annotation for each in [*kept, *options]} | {"return": None}
        return run

    return decorate


def _field(kind: type[Any], setting: str) -> FieldInfo:
    """The field of a dotted setting."""
    *sections, leaf = setting.split(".")
    for section in sections:
        kind = kind.model_fields[section].annotation
    field: FieldInfo = kind.model_fields[leaf]
    return field


def _option(field: FieldInfo, flags: list[str], default: Any) -> Any:
    """The annotation that typer makes an option of; nothing given is None."""
    bare: Any = field.annotation
    if get_origin(bare) in (Union, types.UnionType):
        bare = next(part for part in get_args(bare) if part is not type(None))
    if get_origin(bare) is Literal:
        make: Any = Enum  # the names are known at run time only
        bare = make(flags[0].lstrip("-"), [(word, word) for word in get_args(bare)])
    least = next((bound.ge for bound in field.metadata if hasattr(bound, "ge")), None)
    about = field.description or ""
    if default is not None and bare is not bool:
        about += f"; default: {default}"
    return Annotated[bare | None, typer.Option(*flags, min=least, help=f"{about[:1].upper()}{about[1:]}.")]


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
