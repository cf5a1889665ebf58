"""``predict``: what a run's network, or an exported model, says of files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ranknosh.cli.export import Candidate, Where, home_of
from ranknosh.cli.flags import AsJson, flags_of
from ranknosh.config.screen import print_result, table
from ranknosh.config.search import SearchSettings
from ranknosh.config.settings import Overrides
from ranknosh.errors import ConfigError

if TYPE_CHECKING:
    from ranknosh.export.predicting import Predictions


@flags_of(SearchSettings, {})
def predict(
    given: Overrides,
    model: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|MODEL",
            help="A run folder, a folder that `ranknosh export` wrote, or the model.onnx in one.",
            show_default=False,
        ),
    ],
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUTS...", help="Image files, folders of them, .npz or .csv files.", show_default=False
        ),
    ],
    candidate: Candidate = None,
    where: Where = None,
    top: Annotated[int | None, typer.Option("--top", min=1, help="How many classes are named for each input.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.csv", help="Write the answers there too; of maps a folder for the masks."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is in images or rows: classes with probabilities, values, or masks as PNG files.

    A folder that was exported is enough: neither the run nor its data are needed.

    \b
    Examples:
    ranknosh predict runs/demo-001 cat.png dog.png --top 3
    ranknosh predict model photos/ --out answers.csv
    ranknosh predict model/model.onnx photos/
    ranknosh predict model rows.csv --json
    ranknosh predict segmenter photos/ --out masks
    """
    from ranknosh.export import predicting
    from ranknosh.runs.journal import FILE

    if (model / FILE).exists():
        opened = predicting.model_of(home_of(model, given).finished(candidate, where or ()))
    elif candidate is not None or where or given:
        raise ConfigError(
            f"{model} is an exported model, which holds one network and needs no data; leave out --candidate, --where and --set"
        )
    else:
        opened = predicting.open_model(model)
    found = predicting.predict(opened, inputs, top)
    written: list[Path] = []
    if found.are_maps:
        written = found.write_masks(out or Path("masks"))
        for row, path in zip(found.rows, written, strict=True):
            row["mask"] = str(path)
    elif out is not None:
        found.write_csv(out)
    print_result(found.rows, as_text(found), as_json)


def as_text(found: Predictions) -> str:
    """A line an input, the likeliest class in front."""
    rows = [{name: _text(name, value) for name, value in row.items()} for row in found.columns()]
    names = list(dict.fromkeys(name for row in rows for name in row))
    sides = "".join("r" if name.startswith(("probability", "value")) else "l" for name in names)
    return table(names, [[row.get(name, "") for name in names] for row in rows], sides)


def _text(name: str, value: Any) -> str:
    if name.startswith("probability"):
        return f"{100 * value:.2f} %"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
