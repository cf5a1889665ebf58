"""ONNX and torch.export: written from the stand-alone model, for batches of any size, and compared with the run's network."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ranknosh.errors import FOREIGN, ConfigError, MissingDependency, first_line
from ranknosh.export.finished import Finished
from ranknosh.export.proof import CLOSE, ExportDiffers, difference

ONNX_CLOSE = 1e-4
"""How far outputs of onnxruntime may be apart, whose kernels add in another order than torch's."""
SIZES = (1, 3)
"""Of the batches that are compared; the batch is exported with another one."""


class OnnxNetwork(nn.Module):
    """``model.onnx`` as a module that onnxruntime runs on the CPU.

    Args:
        path: of the file.

    Raises:
        MissingDependency: onnxruntime is not installed.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingDependency("onnxruntime", "running model.onnx", "onnx") from error
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs of a batch of inputs as they are read."""
        return torch.from_numpy(self.session.run(None, {"inputs": inputs.numpy()})[0])


def write_onnx(model: nn.Module, finished: Finished, path: Path, inputs: Tensor) -> float:
    """Write ``model.onnx`` and run it by onnxruntime.

    Args:
        model: stand-alone.
        finished: the network that it has to be.
        path: of the file.
        inputs: (n, ...) as they are kept, 3 or more.

    Returns:
        The largest difference of outputs, in the unit of the larger of 1 and the largest output.

    Raises:
        MissingDependency: onnx, onnxscript or onnxruntime is not installed.
        ConfigError: the network cannot be written so.
        ExportDiffers: onnxruntime gives something else.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        try:
            __import__(package)
        except ImportError as error:
            raise MissingDependency(package, "exporting to onnx", "onnx") from error
    settings: dict[str, Any] = {
        "input_names": ["inputs"],
        "output_names": ["outputs"],
        "dynamo": True,
        "verbose": False,
    }
    with _quiet(), _explained("onnx", finished):
        shapes = ({0: torch.export.Dim("batch")},)
        torch.onnx.export(model, (inputs[:2],), str(path), dynamic_shapes=shapes, external_data=False, **settings)
    return _compared("model.onnx", OnnxNetwork(path), finished, inputs, ONNX_CLOSE)


def write_torch_export(model: nn.Module, finished: Finished, path: Path, inputs: Tensor) -> float:
    """Write ``model.pt2`` (``torch.export``) and run it; see :func:`write_onnx`."""
    with _quiet(), _explained("torch_export", finished):
        program = torch.export.export(model, (inputs[:2],), dynamic_shapes=({0: torch.export.Dim("batch")},))
        torch.export.save(program, path)
        loaded = torch.export.load(path).module()
    return _compared("model.pt2", loaded, finished, inputs, CLOSE)


def refuse_random(is_random: bool, name: str, finished: Finished) -> None:
    """Raises ConfigError for a network that draws random numbers in every pass, in a format where they cannot be compared."""
    if is_random:
        raise ConfigError(
            f"{name} cannot be proved for {finished.text}: it draws random numbers in every pass (the operation noise), and "
            "equal outputs are what is proved; leave the format out"
        )


@torch.inference_mode()
def _compared(name: str, run: Callable[[Tensor], Tensor], finished: Finished, inputs: Tensor, close: float) -> float:
    far = 0.0
    for size in SIZES:
        batch = inputs[:size]
        far = max(far, difference(run(batch).clone(), finished.outputs(batch)))
        if not far <= close:
            raise ExportDiffers(
                f"{name} gives outputs that differ by {far:.1e} from those of {finished.what} for a batch of {size} (at most "
                f"{close:g} is rounding); please report this with the architecture: {finished.text}"
            )
    return far


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the reports of exporters on stdout and their warnings."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _explained(name: str, finished: Finished) -> Iterator[None]:
    try:
        yield
    except FOREIGN as error:  # what exporters raise is not limited to a few types
        raise ConfigError(
            f"{finished.what} cannot be written as {name} by torch {torch.__version__}: {first_line(error, named=True)}; leave "
            "the format out, or try a newer torch"
        ) from error
