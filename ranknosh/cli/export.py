"""``export``: a trained network of a run as files that need no ranknosh, proved before they are there."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ranknosh.cli.flags import AsJson, flags_of
from ranknosh.cli.results import RunFolder
from ranknosh.config.screen import facts, print_result
from ranknosh.config.search import SearchSettings
from ranknosh.config.settings import Overrides
from ranknosh.config.units import Quantity, human_size, metrics_text, plural
from ranknosh.errors import ConfigError, to_type

if TYPE_CHECKING:
    from ranknosh.export.api import Exported
    from ranknosh.export.home import TakenHome

Candidate = Annotated[
    str | None,
    typer.Option(
        "--candidate",
        metavar="ID",
        help="Of a search the number of a candidate, of a comparison the name of a method; the best by default.",
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where", metavar="CONDITION", help="Of a search: the best candidate that meets it, such as 'params <= 500K'."
    ),
]


@flags_of(SearchSettings, {})
def export(
    run: RunFolder,
    given: Overrides,
    candidate: Candidate = None,
    where: Where = None,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORMATS",
            help="Some of py, safetensors, torch_export, onnx, genotype, card; commas between.",
        ),
    ] = "py,genotype,card",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="An empty folder, or one to be made; default: export in the run's folder."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take a trained network home: model.py that needs torch alone, weights, ONNX, torch.export, a model card.

    What is written is run by a process that cannot import ranknosh, on the validation data of the run, and compared: outputs,
    number of weights, metrics. Where anything differs, it is an error and nothing is left.

    \b
    Examples:
    ranknosh export runs/demo-001
    ranknosh export runs/demo-001 --to py,onnx,card --out model
    ranknosh export runs/demo-001 --candidate 14 --out model-14
    ranknosh export runs/demo-001 --where 'params <= 50K' --to py,torch_export --out small
    ranknosh export runs/photos-001 --set data.folder=/new/place/of/the/images
    python model/model.py picture.png
    """
    from ranknosh.export import api

    home, folder = home_of(run, given), run / "export" if out is None else out
    formats = [word.strip() for word in to.split(",") if word.strip()]
    api.check(formats, folder)  # before the data are loaded
    finished = home.finished(candidate, where or ())
    found = api.export(finished, formats, folder, shlex.join(["ranknosh", *sys.argv[1:]]))
    print_result(found.plain, as_text(found, Quantity.several(finished.task.quantities)), as_json)


def home_of(run: Path, given: Overrides) -> TakenHome:
    """A run whose networks can be taken home.

    Args:
        run: the folder.
        given: settings of where its data lie now.

    Raises:
        ConfigError: it leaves no networks, or a setting is another one.
    """
    from ranknosh.export.home import TakenHome
    from ranknosh.workflows import open_run

    found = open_run(run).moved(given)
    if not isinstance(found, TakenHome):
        raise ConfigError(
            f"{run} is a run of {found.WORKFLOW}, which leaves no trained network; train what it found first: "
            f"{to_type('retrain', run)}"
        )
    return found


def as_text(found: Exported, quantities: dict[str, Quantity]) -> str:
    """What was written, and what was checked."""
    proof = found.proof
    left = f", and {proof.left_out:,} that are never run are left out" if proof.left_out else ""
    who = "a process without ranknosh" if proof.alone else "a process of its own with ranknosh and your class"
    recorded = metrics_text(proof.recorded, quantities) if proof.recorded else ""
    measured = metrics_text(proof.metrics, quantities)
    files = [f"{found.folder / name}  {human_size((found.folder / name).stat().st_size)}" for name in found.files]
    own = None
    if found.own is not None:
        own = f"model.py imports your own class {found.own} and ranknosh; onnx and torch_export need neither"
    stands = "py" if "model.py" in found.files else None
    return facts(
        [
            ("exported", f"{found.what}: {found.architecture}"),
            *(("files" if number == 0 else "", line) for number, line in enumerate(files)),
            ("own class", own),
            ("checked", f"{who} ran {plural(proof.examples, f'{proof.part} example')}"),
            ("outputs", f"equal within {proof.difference:.1e}"),
            ("weights", f"{proof.parameters:,}{left}"),
            (
                "metrics",
                measured
                + (f"; the run wrote down {recorded}" if recorded and recorded != measured else ", as in the run"),
            ),
            *((name, f"equal within {far:.1e} for batches of 1 and 3") for name, far in proof.formats.items()),
            ("next", stands and f"python {shlex.quote(str(found.folder / 'model.py'))} FILE"),
        ]
    )
