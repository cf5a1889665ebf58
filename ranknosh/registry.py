"""What a name stands for: one of ours, ``module:name`` of the user's own, or what an installed package offers.

Every kind of part (spaces, stock networks, tasks, data, predictors, proxies, methods, rivals, executors) has one registry, so
that adding one of any kind is a file of the user's own.
"""

import inspect
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from ranknosh.errors import FOREIGN, ConfigError, MissingDependency, RankNoshError, first_line, no_option, unknown

OWN_MODULES: dict[str, Path] = {}
"""Modules of the user's own that were loaded, as they were written, and the folder each was found from: a run that is resumed
elsewhere, and workers, need them too."""
FOLDERS: list[Path] = []
"""Where modules are looked for before the working directory: the folders of configs, and those that runs were begun with. The
latest comes first."""
_OURS = ("ranknosh", "zerocost", "supernet")


def look_in(*folders: Path | str) -> None:
    """Look for modules of the user's own in these folders first."""
    for folder in reversed([Path(each).resolve() for each in folders]):
        if folder in FOLDERS:
            FOLDERS.remove(folder)
        FOLDERS.insert(0, folder)


def own_modules() -> dict[str, Path]:
    """Modules of the user's own that were loaded, by their import path, and the folder that each is imported from."""
    return dict(_importable(place, folder) for place, folder in OWN_MODULES.items())


def own_modules_of(settings: Any) -> dict[str, str]:
    """Modules of the user's own that plain settings name, as they are written there, and the folder each was found from."""
    named = {text.rpartition(":")[0] for text in _texts(settings)}
    return {place: str(folder) for place, folder in OWN_MODULES.items() if place in named}


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for each in data.values():
            yield from _texts(each)
    elif isinstance(data, list | tuple):
        for each in data:
            yield from _texts(each)


class Registry:
    """The parts of one kind.

    Args:
        kind: plural, such as ``predictors``; installed packages offer theirs as entry points of the group ``ranknosh.<kind>``.
        noun: what one is called in messages.
        builtins: name -> the part, or ``module:attribute`` of it, which is imported when asked for.
    """

    def __init__(self, kind: str, noun: str, builtins: Mapping[str, Any]) -> None:
        self.kind, self.noun, self.builtins = kind, noun, dict(builtins)

    @cached_property
    def _offered(self) -> dict[str, EntryPoint]:
        """Those of installed packages; a name of ours stays ours."""
        found = entry_points(group=f"ranknosh.{self.kind}")
        return {point.name: point for point in found if point.name not in self.builtins}

    @property
    def names(self) -> tuple[str, ...]:
        """Built-in ones first, then those of installed packages."""
        return (*self.builtins, *sorted(self._offered))

    def check(self, name: str) -> None:
        """Raises ConfigError for a name that is neither known nor of the form MODULE:NAME. Nothing is imported."""
        if ":" in name:
            _split(name, self.noun)
        elif name not in self.builtins and name not in self._offered:
            raise ConfigError(f"{unknown(self.noun, name, self.names)} (one of your own is given as MODULE:NAME)")

    def load(self, name: str) -> Any:
        """What ``name`` stands for: a built-in or installed part, or ``module:attribute``, where the module lies beside the
        config or in the working directory, is one that Python can import, or is the path of a ``.py`` file.

        Raises:
            ConfigError: the name is unknown (the message lists the known ones), or what it names cannot be imported.
        """
        self.check(name)
        if name in self.builtins:
            built_in = self.builtins[name]
            return load(built_in, self.noun) if isinstance(built_in, str) else built_in
        if ":" in name:
            return load(name, self.noun)
        return _guarded(self._offered[name].load, name, self.noun)


def load(reference: str, noun: str) -> Any:
    """What ``module:attribute`` names.

    Args:
        reference: the module by its import path, or by the path of its ``.py`` file; attributes of attributes have dots between.
        noun: what it should be, for messages.

    Raises:
        ConfigError: the module cannot be imported or has no such attribute.
    """
    place, attribute = _split(reference, noun)
    found = _guarded(lambda: _module(place), reference, noun)
    for part in attribute.split("."):
        if not hasattr(found, part):
            public = {
                each: value
                for each, value in getattr(found, "__dict__", {}).items()
                if each.isidentifier() and each[0] != "_"
            }
            own = [
                each
                for each, value in public.items()
                if getattr(value, "__module__", "") == getattr(found, "__name__", None)
            ]
            known = own or list(public)
            raise ConfigError(f"the {noun} {reference} cannot be loaded: {unknown('name', part, known)}")
        found = getattr(found, part)
    return found


def made(found: Any, kind: type[Any], name: str, noun: str, options: Mapping[str, Any]) -> Any:
    """A part out of what a name stands for: a subclass of ``kind``, a function that gives one, or one itself.

    Args:
        found: what :meth:`Registry.load` gave.
        kind: the class of such parts.
        name: that was asked for, for messages.
        noun: what it should be, for messages.
        options: arguments of the class or function.

    Raises:
        ConfigError: it is nothing of this kind, does not take these options or lacks one, or raises.
    """
    wanted = f"a subclass of {kind.__module__}.{kind.__qualname__}, a function that gives one, or one itself"
    if isinstance(found, kind):
        if options:
            raise ConfigError(f"the {noun} {name} is made already and takes no options; name its class instead")
        return found
    if not callable(found) or (inspect.isclass(found) and not issubclass(found, kind)):
        what = f"the class {found.__qualname__}" if inspect.isclass(found) else type(found).__name__
        raise ConfigError(f"{name} is {what}, no {noun}; give {wanted}")
    if inspect.isabstract(found):
        lacking = ", ".join(sorted(found.__abstractmethods__))
        raise ConfigError(f"the {noun} {name} is not complete: its class lacks the methods {lacking}")
    check_arguments(found, name, noun, options)
    try:
        part = found(**options)
    except RankNoshError:
        raise
    except FOREIGN as error:
        raise ConfigError(f"the {noun} {name} cannot be made: {first_line(error, named=True)}") from error
    if not isinstance(part, kind):
        raise ConfigError(f"{name} gave {type(part).__name__}, no {noun}; it has to give {wanted}")
    return part


def reference_of(part: Any) -> str | None:
    """``module:name`` of a class or function, by which it can be loaded again; None where it lies within another function."""
    module, name = getattr(part, "__module__", None), getattr(part, "__qualname__", None)
    return None if not module or not name or "<" in name else f"{module}:{name}"  # <locals>, <lambda>


def check_arguments(make: Callable[..., Any], name: str, noun: str, options: Mapping[str, Any]) -> None:
    """Judge the options that a class or function is to be called with.

    Args:
        make: is called.
        name: that was asked for, for messages.
        noun: what it should give, for messages.
        options: its arguments.

    Raises:
        ConfigError: it does not take one of them, or needs another one.
    """
    parameters = inspect.signature(make).parameters.values()
    known = [each.name for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    anything = any(each.kind is each.VAR_KEYWORD for each in parameters)
    strange = [] if anything else sorted(set(options) - set(known))
    if strange:
        raise ConfigError(no_option(f"the {name} {noun}", ", ".join(strange), known))
    needed = [each.name for each in parameters if each.default is each.empty and each.name in known]
    missing = [each for each in needed if each not in options]
    if missing:
        raise ConfigError(f"the {noun} {name} needs a value of {', '.join(missing)}; give it among its options")


def _split(reference: str, noun: str) -> tuple[str, str]:
    """Module and attribute of a reference. Raises ConfigError for a text of another form."""
    place, _, attribute = reference.rpartition(":")
    if not place or not attribute:
        raise ConfigError(
            f"the {noun} {reference!r} is not of the form MODULE:NAME, such as my_file:{attribute or 'Mine'}"
        )
    return place, attribute


def _module(place: str) -> ModuleType:
    """The module of an import path, or of the path of a ``.py`` file. Raises ImportError where another module has its name."""
    for folder in () if place.split(".")[0] in (*_OURS, "__main__") else (*FOLDERS, Path.cwd()):
        file = _file_of(place, folder)
        if file is not None:
            OWN_MODULES[place] = folder
            return _imported_from(file, *_importable(place, folder))
    if place.endswith(".py"):
        raise FileNotFoundError(f"no such file; looked {_looked()}")
    try:
        module = import_module(place)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{place}.".startswith(f"{error.name}."):
            raise  # the module is there, and what it imports is not
        raise ModuleNotFoundError(f"{error}; looked {_looked()}, and where Python looks") from error
    home = _home(module)
    if home is not None:
        OWN_MODULES[place] = home
    return module


def _looked() -> str:
    return "in " + ", ".join(dict.fromkeys(map(str, (*FOLDERS, Path.cwd()))))


def _file_of(place: str, folder: Path) -> Path | None:
    """The file of a module, written as in a config, below a folder; None where there is none."""
    if place.endswith(".py"):
        files = [folder / Path(place).expanduser()]
    else:
        path = folder.joinpath(*place.split("."))
        files = [path / "__init__.py", path.with_name(f"{path.name}.py")]
    return next((file.resolve() for file in files if file.is_file()), None)


def _importable(place: str, folder: Path) -> tuple[str, Path]:
    """The import path of a module, written as in a config, and the folder that it is imported from."""
    if not place.endswith(".py"):
        return place, folder
    file = (folder / Path(place).expanduser()).resolve()
    return file.stem, file.parent


def _imported_from(file: Path, name: str, folder: Path) -> ModuleType:
    if str(folder) not in sys.path:  # stays: what is loaded may import more from there later
        sys.path.insert(0, str(folder))
    module = import_module(name)
    found = getattr(module, "__file__", None)
    if found is None or Path(found).resolve() != file:
        raise ImportError(
            f"Python knows another module {name!r} already ({found or 'built in'}), and {file} is meant; rename the file"
        )
    return module


def _home(module: ModuleType) -> Path | None:
    """The folder that a module is imported from; None where it is installed, of Python itself, or ours."""
    found = getattr(module, "__file__", None)
    if found is None or module.__name__.split(".")[0] in (*_OURS, "__main__"):
        return None
    file = Path(found).resolve()
    if {"site-packages", "dist-packages"} & set(file.parts) or file.is_relative_to(sysconfig.get_path("stdlib")):
        return None
    return file.parents[module.__name__.count(".") + (file.name == "__init__.py")]


def _guarded(load: Callable[[], Any], name: str, noun: str) -> Any:
    """What ``load`` gives; a module of the user's own may raise anything, and may even try to end the program."""
    try:
        return load()
    except MissingDependency:
        raise
    except FOREIGN as error:
        raise ConfigError(f"the {noun} {name} cannot be imported: {first_line(error, named=True)}") from error
