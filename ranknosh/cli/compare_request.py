"""What ``compare`` was asked for: from flags alone for a new comparison, joined with its journal for one that goes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.config.units import parse_device_time
from ranknosh.errors import BudgetTooSmall, ConfigError

if TYPE_CHECKING:
    from ranknosh.config.search import SearchSettings
    from ranknosh.workflows.compare.comparison import Wanted
    from ranknosh.workflows.compare.journal import Kept

METHODS = "ranknosh,random"
SEEDS = 3


@dataclass(frozen=True)
class Flags:
    """The command line; None where an option was not given. ``overrides``: in the form of ``--set``."""

    config: Path
    methods: str | None
    seeds: int | None
    budget: str | None
    table: Path | None
    final_epochs: int | None
    overrides: tuple[str, ...]
    resume: bool


@dataclass(frozen=True)
class Request:
    """``kept``: what an earlier session left in ``folder``, None for a new comparison."""

    wanted: Wanted
    folder: Path
    table: Path | None
    kept: Kept | None


def make_request(flags: Flags) -> Request:
    """Raises ConfigError for what does not fit together, and with --resume for a setting that changed, named."""
    from ranknosh.config.search import SearchSettings
    from ranknosh.workflows.compare.comparison import check_same
    from ranknosh.workflows.compare.journal import read_comparison

    kept: Kept | None = None
    if flags.config.is_dir():
        if not flags.resume:
            raise ConfigError(
                f"{flags.config} is a folder; to go on with its comparison add --resume, for a new one give a config file"
            )
        folder = flags.config
        kept = read_comparison(folder)
        config = SearchSettings.from_dict(kept.header["config"], origin=str(folder)).replace(list(flags.overrides))
    else:
        config = SearchSettings.load(flags.config, list(flags.overrides))
        folder = _folder(config, f"{flags.config.stem}-compare", flags.resume)
        kept = read_comparison(folder) if flags.resume else None
    wanted = _wanted(flags, config, kept)
    table = flags.table
    if kept is not None:
        check_same(kept.header, kept.sessions, wanted)
        if table is None and kept.sessions and kept.sessions[-1]["table"]:
            table = Path(kept.sessions[-1]["table"])
    return Request(wanted, folder, table, kept)


def _wanted(flags: Flags, config: SearchSettings, kept: Kept | None) -> Wanted:
    from ranknosh.workflows.compare.catalog import checked
    from ranknosh.workflows.compare.comparison import Wanted

    settings: dict[str, Any] = kept.header["settings"] if kept else {}
    last: dict[str, Any] = kept.sessions[-1] if kept and kept.sessions else {}
    budget = flags.budget or settings.get("budget")
    if budget is None:
        raise ConfigError("--budget says how much device time every search gets; write for example --budget 10m")
    names = [name.strip() for name in (flags.methods or ",".join(last.get("methods", ())) or METHODS).split(",")]
    seeds = flags.seeds or last.get("seeds") or SEEDS
    final_epochs = flags.final_epochs or settings.get("final_epochs") or config.pyramid.epochs[-1]
    methods = checked([name for name in names if name], config.space.name)
    return Wanted(config, methods, seeds, _seconds(budget), final_epochs)


def _seconds(text: str) -> float:
    try:
        return parse_device_time(text)
    except ValueError as error:
        if text.strip().rstrip("smhd") in ("0", "0.0"):
            raise BudgetTooSmall(f"--budget {text} holds no training; give several times what one takes") from error
        raise ConfigError(f"--budget {text}: {error}") from error


def _folder(config: SearchSettings, stem: str, resume: bool) -> Path:
    """``out/name``; without a name ``out/stem-001`` or the next free number, with ``resume`` the last number taken."""
    out = Path(config.out)
    if config.name:
        return out / config.name
    numbers = [path.name.rpartition("-")[2] for path in out.glob(f"{stem}-*")] if out.is_dir() else []
    last = max((int(number) for number in numbers if number.isdigit()), default=0)
    if resume and not last:
        raise ConfigError(
            f"{out} holds no comparison named {stem}-...; give --name, or its folder in place of the config"
        )
    return out / f"{stem}-{last + (0 if resume else 1):03d}"
