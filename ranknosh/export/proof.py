"""The proof that exported files are the network they are made of: run by a clean process, compared number by number."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ranknosh.errors import RankNoshError
from ranknosh.export.finished import Finished
from ranknosh.tasks.meters import Measured

SCRIPT = Path(__file__).with_name("clean.py")
CLOSE = 1e-5
"""How far outputs may be apart, in the unit of the larger of 1 and the largest output."""
SAME_METRIC = 1e-4
"""How far a metric may be apart, in the unit of the larger of 1 and its value."""
_BATCH = 128


class ExportDiffers(RankNoshError, exit_code=1):
    """Exported files do not give what the run's network gives."""


class Clean:
    """A process without ranknosh that runs exported models; see :mod:`ranknosh.export.clean`.

    Args:
        paths: where it finds modules of the user's own; with any it may import ranknosh, too.
    """

    def __init__(self, paths: tuple[str, ...] = ()) -> None:
        self._place = tempfile.TemporaryDirectory(prefix="ranknosh-clean-")
        self.folder = Path(self._place.name)
        self._errors = open(self.folder / "stderr", "w+")  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(SCRIPT)],
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.ask({"paths": list(paths)})

    def __enter__(self) -> Clean:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()
        self._place.cleanup()

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request. Raises ExportDiffers where it is an error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._errors.seek(0)
            last = (self._errors.read().strip().splitlines() or ["it said nothing"])[-1]
            raise ExportDiffers(f"the process that runs the exported model ended by itself: {last}")
        said: dict[str, Any] = json.loads(line)
        if "error" in said:
            raise ExportDiffers(f"the exported model cannot be run on its own: {said['error']}")
        return said

    def open(self, folder: Path) -> dict[str, Any]:
        """Load the model of a folder; says its weights, and what of ours it imported."""
        return self.ask({"open": str(folder.resolve())})

    def outputs(self, inputs: Tensor, seed: int = 0) -> Tensor:
        """What the model makes of inputs as they are kept, with torch's random numbers from a seed."""
        given, made = self.folder / "inputs.pt", self.folder / "outputs.pt"
        torch.save(inputs.clone(), given)
        self.ask({"inputs": str(given), "outputs": str(made), "seed": seed})
        found: Tensor = torch.load(made, weights_only=True)
        return found


@dataclass(frozen=True)
class Proof:
    """What was compared, and found equal.

    Args:
        examples: that were run.
        part: of the data that they are.
        difference: of outputs, the largest one, in the unit of the larger of 1 and the largest output.
        parameters: of the exported model.
        left_out: weights of operations that the network never runs.
        metrics: of the exported model on these examples.
        recorded: what the run wrote down of them; empty where it wrote nothing.
        alone: whether the process could not import ranknosh.
        formats: differences of further formats, by name.
    """

    examples: int
    part: str
    difference: float
    parameters: int
    left_out: int
    metrics: Mapping[str, float]
    recorded: Mapping[str, float]
    alone: bool
    formats: Mapping[str, float]


def difference(found: Tensor, wanted: Tensor) -> float:
    """How far outputs are apart at most, in the unit of the larger of 1 and the largest that is wanted; infinite for other shapes
    and for what is finite in one of them alone."""
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        return float("inf")
    same = torch.isfinite(found) == torch.isfinite(wanted)
    finite = torch.isfinite(wanted) & torch.isfinite(found)
    if not bool(same.all()):
        return float("inf")
    if not bool(finite.any()):
        return 0.0
    return float((found - wanted)[finite].abs().max()) / max(1.0, float(wanted[finite].abs().max()))


def prove(finished: Finished, folder: Path, left_out: int, is_random: bool, formats: Mapping[str, float]) -> Proof:
    """Run the model of a folder in a clean process on the validation data and compare it with the network it is made of.

    Args:
        finished: the network.
        folder: of the model.
        left_out: weights that the model does not have, because they are never run.
        is_random: it draws random numbers in every pass, so that what the run measured cannot be measured again.
        formats: differences of further formats.

    Raises:
        ExportDiffers: outputs, number of weights, or a metric are others.
    """
    task, data = finished.task, finished.recipe.learned
    part, split = ("validation", data.validation) if len(data.validation) else ("train", data.train)
    measured, wanted = Measured(task, torch.device("cpu")), Measured(task, torch.device("cpu"))
    far = 0.0
    with Clean(tuple(sys.path) if finished.is_own else ()) as process:
        said = process.open(folder)
        _check_weights(finished, said["parameters"], left_out)
        for number, (kept, targets) in enumerate(split.read(_BATCH)):
            found = process.outputs(kept, number)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(number)
                here = finished.outputs(kept)
            far = max(far, difference(found, here))
            if not far <= CLOSE:
                raise ExportDiffers(
                    f"the exported model gives outputs that differ by {far:.1e} from those of {finished.what} (at most {CLOSE:g} "
                    "is rounding); please report this with the architecture: " + finished.text
                )
            for meter, outputs in ((measured, found), (wanted, here)):
                raw = finished.raw(outputs)
                meter.add(raw, targets, task.evaluation_loss(raw, targets))
    metrics, recorded = measured.values(), dict(finished.metrics) if part == "validation" else {}
    _check_metrics(metrics, wanted.values(), "the run's network gives here")
    if finished.device.startswith("cpu") and not is_random:  # another device rounds otherwise
        _check_metrics(metrics, recorded, "the run wrote down")
    return Proof(
        len(split), part, far, said["parameters"], left_out, metrics, recorded, not finished.is_own, dict(formats)
    )


def _check_weights(finished: Finished, found: int, left_out: int) -> None:
    whole = sum(parameter.numel() for parameter in finished.network.parameters())
    written = finished.costs.get("params", whole)
    if found + left_out != whole or whole != written:
        raise ExportDiffers(
            f"the exported model has {found:,} weights, and {left_out:,} are left out because they are never run; the network "
            f"has {whole:,}, and the run wrote down {written:,.0f}"
        )


def _check_metrics(found: Mapping[str, float], wanted: Mapping[str, float], who: str) -> None:
    for name, value in wanted.items():
        if name in found and not abs(found[name] - value) <= SAME_METRIC * max(1.0, abs(value)):
            raise ExportDiffers(
                f"the exported model has {name} {found[name]:.6g} on the validation data, and {who} {value:.6g}; please "
                "report this"
            )
