"""``score``: train-free scores of many architectures, as a table, a page and a summary; or what a search's proxies were worth."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ranknosh.cli.configs import settings_of
from ranknosh.cli.flags import AsJson, Quiet, flags_of, named
from ranknosh.cli.working import begun, check_end
from ranknosh.config.score import ScoreSettings
from ranknosh.config.search import SearchSettings
from ranknosh.config.settings import Given, Overrides
from ranknosh.errors import ConfigError, SpaceError, to_type

if TYPE_CHECKING:
    from ranknosh.workflows.score.run import ScoreRun
    from ranknosh.workflows.search.run import SearchRun

SHARED = ("seed", "space", "data", "executor")
"""What is taken of a search's settings."""
FLAGS = {
    "options": "--option PROXY.NAME=VALUE",
    "count": "--count -n",
    **named("proxies", "all", "draw", "batch", "seed", "device", "name", "out"),
    "data": "--data NAME|PATH",
    "data.root": "--data-root",
    "executor": "--ray [ADDRESS]",
    "table": "--table FILE.npz",
    "csv": "--csv FILE.csv",
    "audit": "--audit RUN",
}
OF_A_SEARCH = {"count", "all", "draw", "space", "seed", "table"}
"""Settings and sections that ``--audit`` takes from the search."""


@flags_of(ScoreSettings, FLAGS)
def score(
    given: Overrides,
    things: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SPACE|ARCH...",
            help="A search space to draw from, or texts of architectures.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="Take space, data, executor and seed of a search: of its config, or what data suggest; flags win.",
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Score architectures without training them; leaves a run folder that 'ranknosh resume' continues and extends.

    It holds scores.csv (a row each) and report.html (how proxies agree with each other and with finished trainings).
    Architectures of the same function are scored once. One thread a network: --ray uses all cores.

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
    from ranknosh.cli.score_text import print_audit
    from ranknosh.workflows.score.run import ScoreRun
    from ranknosh.workflows.search.run import SearchRun

    flags = {each.path[0]: each.value for each in given if isinstance(each, Given)}
    if "audit" in flags:
        if things or config or flags.keys() & OF_A_SEARCH or ("proxies" not in flags and len(given) > 1):
            raise ConfigError(
                f"--audit{'' if 'proxies' in flags else ' without --proxies'} reads a search that was run, with its space, "
                "data and seed. It takes --json; with --proxies also --option, --batch, --device, --data, "
                "--data-root, --ray, --name, --out, --csv and --set; leave the rest out"
            )
        search = SearchRun.read(flags["audit"])
        if "proxies" not in flags:
            print_audit(search, as_json)
            return
        base = {**_shared(search.settings), **_candidates_of(search)}
    else:
        base = {} if config is None else _shared(settings_of(SearchSettings, config, (), quiet or as_json))
        base |= _asked(things or [], config, flags)
    wanted = ScoreSettings.from_dict({**ScoreSettings().to_dict(), **base}, "ranknosh score", given)
    sum_up(begun(ScoreRun, wanted, quiet or as_json), as_json)


def sum_up(run: ScoreRun, as_json: bool = False) -> None:
    """The end of a table of scores: the summary, or the audit that it was made for, and what is left to do."""
    from ranknosh.cli.score_text import print_audit, print_scores
    from ranknosh.workflows.search.run import SearchRun

    if run.settings.audit is None:
        print_scores(run, as_json)
    else:
        scores = {row.canonical: row.values for row in run.results.rows}
        print_audit(SearchRun.read(run.settings.audit), as_json, scores)
    why = "no proxy has a value for any architecture; the reasons are in the table"
    if run.left:
        why = (
            f"{run.left} of {run.networks} networks lack scores because memory ran out; try them again with: "
            f"{to_type('resume', run.folder)}"
        )
    check_end(run, f"not everything has a score: {why}")


def _shared(search: SearchSettings) -> dict[str, Any]:
    return {key: value for key, value in search.to_dict().items() if key in SHARED}


def _candidates_of(search: SearchRun) -> dict[str, Any]:
    """The candidates of a search that can be judged, as what is scored. Raises ConfigError where there is none."""
    members = [each.text for each in search.pool.candidates.values() if each.level or each.failed]
    if not members:
        folder = search.folder
        raise ConfigError(
            f"no candidate of {folder} has a result to judge proxies by; continue it with: {to_type('resume', folder)}"
        )
    return {"architectures": members, "count": 0}


def _asked(things: Sequence[str], config: Path | None, flags: Container[str]) -> dict[str, Any]:
    """What is scored, as settings: a space to draw from, or architectures.

    Args:
        things: words of the command line: a space, or architectures.
        config: a search config, which names a space too.
        flags: the settings that were given by flags.
    """
    from ranknosh.spaces.catalog import SPACES, section_of
    from ranknosh.workflows.score.population import named

    if "all" in flags and "count" in flags:
        raise ConfigError("--all scores the whole space and --count a part of it; give one of them")
    if not things:
        if config is None:
            raise ConfigError(
                f"nothing to score: give a search space ({', '.join(SPACES.names)}), texts of architectures, or "
                "--config"
            )
        return {}
    if len(things) == 1 and not _is_architecture(things[0]):
        return {"space": {"name": things[0]}}
    if any(name in flags for name in ("all", "count", "draw")):
        raise ConfigError(
            "--all, --count and --draw are about a search space; leave them out where architectures are given"
        )
    words = [text for text in things if not _is_architecture(text)]
    if words:
        raise SpaceError(f"{words[0]!r} is among {len(things)} words to score; give one space, or architectures only")
    space, _ = named(things)
    return {"space": section_of(space), "architectures": list(things), "count": 0}


def _is_architecture(text: str) -> bool:
    """Whether a word is meant as an exchange string and not as the name of a space."""
    from ranknosh.spaces.catalog import SPACES, has_form

    return text not in SPACES.builtins and (any(sign in text for sign in "|~+({") or has_form(text))
