"""The spaces a search can name."""

import inspect
from collections.abc import Mapping
from typing import Any

from ranknosh.errors import FOREIGN, ConfigError, RankNoshError, SpaceError, did_you_mean, first_line
from ranknosh.registry import Registry, reference_of
from ranknosh.spaces.base import Space
from ranknosh.spaces.building import is_module_class, needed_arguments
from ranknosh.spaces.module import ModuleSpace
from ranknosh.spaces.settings import WrongSetting

SPACES = Registry(
    "spaces",
    "search space",
    {
        "nasbench201": "ranknosh.spaces.nasbench201:NasBench201",
        "nasbench101": "ranknosh.spaces.nasbench101:NasBench101",
        "size": "ranknosh.spaces.size:Size",
        "chain": "ranknosh.spaces.chain:Chain",
        "flat": "ranknosh.spaces.flat:FlatSpace",
        "darts": "ranknosh.spaces.darts:Darts",
        "s1": "ranknosh.spaces.robust:S1",
        "s2": "ranknosh.spaces.robust:S2",
        "s3": "ranknosh.spaces.robust:S3",
        "s4": "ranknosh.spaces.robust:S4",
        "mobile": "ranknosh.spaces.mobile:MobileSpace",
        "mobile224": "ranknosh.spaces.mobile:Mobile224Space",
        "transformer": "ranknosh.spaces.transformer:TransformerSpace",
        "mlp": "ranknosh.spaces.mlp:MlpSpace",
        "stock": "ranknosh.spaces.stock:Stock",
    },
)
DEFAULT = "nasbench201"
"""What is searched where no space is named."""


def get_space(name: str, **settings: Any) -> Space:
    """The space called ``name``, see :class:`~ranknosh.registry.Registry`.

    Args:
        name: of a built-in or installed space, or ``module:name`` of a subclass of Space, a Space, or a function that gives one;
            or of a class of modules, or a function of the signature that gives a module, see
            :class:`~ranknosh.spaces.module.ModuleSpace`.
        settings: its own, such as channels and cells.

    Raises:
        ConfigError: the name is unknown or cannot be loaded.
        SpaceError: it has no such setting, refuses a value, or is no space.
    """
    found = _loaded(name)
    if _builds_networks(found, settings):
        return ModuleSpace(found, **settings)
    if isinstance(found, ModuleSpace):
        return found.scaled(**settings)
    make = found.scaled if isinstance(found, Space) else found
    if not callable(make):
        raise SpaceError(
            f"{name} is {type(found).__name__}, no space; name a Space, a subclass of it, or a function of one"
        )
    known = _parameters(found)
    for setting in settings:
        if setting not in known:
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            raise WrongSetting(
                f"the space {name} has no setting {setting!r}; {takes}{did_you_mean(setting, [*known, 'name'])}",
                setting,
            )
    try:
        space = make(**settings)
    except RankNoshError:
        raise
    except FOREIGN as error:
        raise SpaceError(f"the space {name} cannot be made: {first_line(error, named=True)}") from error
    if not isinstance(space, Space):
        raise SpaceError(f"{name} gave {type(space).__name__}, no space; it has to give a ranknosh.spaces.Space")
    return space


def settings_known(name: str) -> dict[str, Any]:
    """What a space of this name can be set to, with defaults (None where there is none); nothing for one that does not load."""
    try:
        taken = _parameters(SPACES.load(name)).values()
    except (ConfigError, TypeError, ValueError):
        return {}
    return {each.name: None if each.default is each.empty else each.default for each in taken}


def _parameters(found: Any) -> Mapping[str, inspect.Parameter]:
    """The settings that a space, a class or a function takes."""
    return inspect.signature(type(found) if isinstance(found, Space) else found).parameters


def published(name: str) -> dict[str, Any]:
    """Settings of the networks that papers search in a space (:attr:`Space.published`). Raises ConfigError for an unknown one."""
    return dict(getattr(SPACES.load(name), "published", {}))


def has_form(text: str) -> bool:
    """Whether a text has the form of an exchange string of a built-in space, whatever it says."""
    return any(SPACES.load(name).reads(text) for name in SPACES.builtins)


def space_reading(text: str) -> Space:
    """The space, sized as papers search it and as wide as it has to be, that has the architecture of an exchange string.

    Raises:
        SpaceError: what is wrong with it in the space that it looks like, or which forms are known where it looks like none.
    """
    problems = []
    for name in SPACES.builtins:
        if SPACES.load(name).reads(text):
            try:
                return get_space(name, **published(name)).holding(text)
            except SpaceError as error:
                problems.append(error)
    if problems:
        raise problems[0]
    shown = text.strip() if len(text.strip()) <= 80 else f"{text.strip()[:80]}..."
    raise SpaceError(
        f"{shown!r} is no architecture of a space that texts tell by their form; name its space, whose architectures "
        "`ranknosh space sample --space NAME` shows"
    )


def _builds_networks(found: Any, settings: Mapping[str, Any]) -> bool:
    """Whether it is a class of torch's modules, or a function that cannot be called with the settings alone: what it lacks is the
    signature."""
    if inspect.isclass(found):
        return is_module_class(found)
    return inspect.isfunction(found) and any(name not in settings for name in needed_arguments(found))


MAIN = "__main__:"
"""Begins the name of what a script or a notebook defines: it is known there alone, and workers get it by value."""


def _loaded(name: str) -> Any:
    try:
        return SPACES.load(name)
    except ConfigError as error:
        if not name.startswith(MAIN):
            raise
        raise SpaceError(
            f"the space {name.removeprefix(MAIN)} was defined in a script or a notebook, which is known there alone: continue "
            "from there with ranknosh.open_run(folder).resume(), or move it to a file and name it MODULE:NAME"
        ) from error


def section_of(space: Any) -> str | Mapping[str, Any]:
    """The ``space:`` section of a config for what was given in Python.

    Args:
        space: a name, a section, a Space, or what a :class:`~ranknosh.spaces.module.ModuleSpace` is made of.

    Raises:
        SpaceError: it has no name that it can be loaded by again.
    """
    if isinstance(space, str | Mapping):
        return space
    settings = dict(space.settings) if isinstance(space, Space) else {}
    named = space.net if isinstance(space, ModuleSpace) else type(space) if isinstance(space, Space) else space
    reference = reference_of(named)
    if reference is None:
        raise SpaceError(
            f"{named!r} has no name that it can be loaded by again when a run goes on: define it at the top of a module or script"
        )
    builtin = {place: name for name, place in SPACES.builtins.items()}
    return {"name": builtin.get(reference, reference), **settings}
