"""``score``: train-free scores of many architectures, as a table, a page and a summary; or what a search's proxies were worth."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ranknosh.cli.flags import flags_of
from ranknosh.cli.options import Quiet, Ray
from ranknosh.cli.options import Settings as SetOptions
from ranknosh.cli.outcome import say_error
from ranknosh.cli.working import begun
from ranknosh.config.score import ScoreSettings
from ranknosh.config.screen import print_json
from ranknosh.config.sections import SOURCES
from ranknosh.config.settings import with_changes
from ranknosh.errors import ConfigError, SpaceError

if TYPE_CHECKING:
    from ranknosh.workflows.score.run import ScoreRun

SHARED = ("seed", "space", "network", "data", "executor")
"""What is taken of a search's settings."""
FLAGS = {
    "count": "--count -n",
    "all": "--all",
    "draw": "--draw",
    "network.channels": "--channels",
    "network.cells": "--cells",
    "batch": "--batch",
    "seed": "--seed",
    "device": "--device",
    "data.root": "--data-root",
    "table": "--table",
    "csv": "--csv",
    "name": "--name",
    "out": "--out",
}
OF_A_SEARCH = ("count", "all", "draw", "network.channels", "network.cells", "seed", "table")
"""Settings that ``--audit`` takes from the search."""


@flags_of(ScoreSettings, FLAGS)
def score(
    given: Mapping[str, Any],
    things: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SPACE|ARCH...",
            help="A search space to draw from, or architectures as exchange strings.",
            show_default=False,
        ),
    ] = None,
    proxies: Annotated[
        str | None,
        typer.Option("--proxies", help="Names with commas between, or 'all' that need no option; default: all."),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--option", metavar="PROXY.NAME=VALUE", help="An option of a proxy, such as swap_reg.mu=900; repeat it."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="NAME|PATH",
            help="Images: a name, an image folder or archive, or an npz file; default: digits.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Take space, network, data, executor and seed of a search; flags win."),
    ] = None,
    settings: SetOptions = None,
    ray: Ray = None,
    audit: Annotated[
        Path | None,
        typer.Option(
            "--audit",
            metavar="RUN",
            help="Say which proxies agreed with the results of a search: its own, or with --proxies any others.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary and all rows as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Score architectures without training them; leaves a run folder that 'ranknosh resume' continues and extends.

    It holds scores.csv (a row each) and report.html (how proxies agree with each other and with known accuracies). Isomorphic
    cells are scored once. One thread a network: --ray uses all cores.

    \b
    Examples:
    ranknosh score nasbench201
    ranknosh score nasbench201 --proxies all --data cifar10.zip --count 300 --draw codes --table nasbench201.npz
    ranknosh score '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|' --json
    ranknosh score nasbench201 --all --proxies synflow,nwot --ray
    ranknosh score nasbench201 --option swap_reg.mu=900 --option swap_reg.sigma=800000
    ranknosh score --config search.yaml --csv scores.csv
    ranknosh resume runs/score-001 --set count=400 --set proxies=all
    ranknosh score --audit runs/demo-001
    ranknosh score --audit runs/demo-001 --proxies all
    """
    from ranknosh.data.catalog import source_section
    from ranknosh.workflows.score.run import ScoreRun

    if audit is not None:
        _alone("--audit", things, config, *(given.get(name) for name in OF_A_SEARCH))
        if proxies is None:
            _alone("--audit without --proxies", options, ray, data, settings, *given.values())
            from ranknosh.cli.score_audit import audit_run

            audit_run(audit, as_json)
            return
    asked = _audited(audit) if audit is not None else _asked(things or [], config, given)
    named = {
        "proxies": None if proxies is None else [word for part in proxies.split(",") if (word := part.strip())],
        "options": _options(options or []) or None,
        "data": None if data is None else source_section(data),
        "executor.name": None if ray is None else "ray",
        "executor.address": ray,
    }
    wanted = _settings({**named, **given, **asked}, audit, config).replace(list(settings or ()))
    sum_up(begun(ScoreRun, wanted, quiet or as_json), as_json)


def sum_up(run: ScoreRun, as_json: bool = False) -> None:
    """The end of a table of scores: the summary, or the audit that it was made for, and what is left to do."""
    from ranknosh.cli.score_text import as_dict, as_text

    if run.settings.audit is not None:
        from ranknosh.cli.score_audit import audit_run

        audit_run(Path(run.settings.audit), as_json, {row.canonical: row.values for row in run.results.rows})
    elif as_json:
        print_json(as_dict(run))
    else:
        print(as_text(run), flush=True)
    if run.exit_code:
        why = (
            f"{run.left} of {run.networks} networks lack scores because memory ran out; try them again with: "
            f"ranknosh resume {shlex.quote(str(run.folder))}"
            if run.left
            else "no proxy has a value for any architecture; the reasons are in the table"
        )
        say_error(f"not everything has a score: {why}")
        raise typer.Exit(run.exit_code)


def _alone(flag: str, *others: Any) -> None:
    if any(other is not None and other is not False and other != [] for other in others):
        raise ConfigError(
            f"{flag} reads a search that was run, with its space, network, images and seed. It takes --json; with --proxies also "
            "--option, --batch, --device, --data, --data-root, --ray, --name, --out, --csv and --set; leave the rest out"
        )


def _settings(given: Mapping[str, Any], audit: Path | None, config: Path | None) -> ScoreSettings:
    """Settings of a run.

    Args:
        given: values by the name of the setting; they win. None is nothing given.
        audit: the folder of a search whose settings are taken.
        config: else the config of a search, whose settings are taken.
    """
    base = ScoreSettings().to_dict()
    if audit is not None:
        from ranknosh.workflows.search.run import SearchRun

        search = SearchRun.read(audit).settings.to_dict()
    else:
        from ranknosh.config.search import SearchSettings

        search = {} if config is None else SearchSettings.load(config).to_dict()
    base.update({key: search[key] for key in SHARED if key in search})
    known = {key: value for key, value in given.items() if value is not None}
    if "data" in known:  # another source, with how the one before was split and resized
        kept = {key: value for key, value in base["data"].items() if key not in (*SOURCES, "options")}
        known["data"] = {**kept, **known["data"]}
    return ScoreSettings.from_dict(with_changes(base, known), "ranknosh score")


def _audited(audit: Path) -> dict[str, Any]:
    """The candidates of a search as what is scored."""
    from ranknosh.cli.score_audit import candidates_of

    return {"architectures": list(candidates_of(audit)), "count": 0, "audit": str(audit)}


def _asked(things: Sequence[str], config: Path | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """What is scored, as settings: a space to draw from, or architectures.

    Args:
        things: words of the command line: a space, or architectures.
        config: a search config, which names a space too.
        given: settings by flags.
    """
    from ranknosh.spaces.catalog import SPACES, get_space
    from ranknosh.workflows.score.population import named

    if "all" in given and "count" in given:
        raise ConfigError("--all scores the whole space and --count a part of it; give one of them")
    if not things:
        if config is None:
            raise ConfigError(
                f"nothing to score: give a search space ({', '.join(SPACES)}), architectures as exchange strings, or --config"
            )
        return {}
    if len(things) == 1 and not _is_architecture(things[0]):
        return {"space": {"name": get_space(things[0]).name}}
    if given.keys() & {"all", "count", "draw"}:
        raise ConfigError(
            "--all, --count and --draw are about a search space; leave them out where architectures are given"
        )
    words = [text for text in things if not _is_architecture(text)]
    if words:
        raise SpaceError(f"{words[0]!r} is among {len(things)} words to score; give one space, or architectures only")
    space, _ = named(things)
    return {"space": {"name": space.name}, "architectures": list(things), "count": 0}


def _is_architecture(text: str) -> bool:
    """Whether a word is meant as an exchange string and not as the name of a space."""
    return any(sign in text for sign in "|~+(")


def _options(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """``--option PROXY.NAME=VALUE`` as settings. Raises ConfigError for a text of another form."""
    from ranknosh.config.source import parse_value

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
