"""Weights of a safetensors file, its digest checked, without the package of that name."""

import hashlib
import json
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from ranknosh.export.parts.stand_ins import WEIGHTS_SHA256, Model, read, tell


def read_tensors(path: str | Path, digest: str | None = None) -> dict[str, Tensor]:
    """The tensors of a safetensors file. Raises ValueError where its SHA-256 is another than ``digest``."""
    data = bytearray(Path(path).read_bytes())
    found = hashlib.sha256(data).hexdigest()
    if digest is not None and found != digest:
        raise ValueError(
            f"{path} was changed or is another model's: its SHA-256 is {found}, and {digest} was written down; copy it again"
        )
    types = {"F64": torch.float64, "F32": torch.float32, "I64": torch.int64, "U8": torch.uint8, "BOOL": torch.bool}
    begin = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, about in json.loads(data[8:begin]).items():
        if name != "__metadata__":
            first, last = (begin + offset for offset in about["data_offsets"])
            kind = types[about["dtype"]]
            flat = torch.frombuffer(data[first:last], dtype=kind) if last > first else torch.empty(0, dtype=kind)
            tensors[name] = flat.reshape(about["shape"])
    return tensors


def load(folder: str | Path | None = None) -> nn.Module:
    """The trained model, on the CPU, in evaluation mode; ``folder`` holds its weights, by default that of this file."""
    model = Model()
    place = Path(__file__).parent if folder is None else Path(folder)
    model.load_state_dict(read_tensors(place / "weights.safetensors", WEIGHTS_SHA256))
    return model.eval()


def check(folder: str | Path | None = None) -> float:
    """How far the outputs of the recorded examples are from those at the time of the export, in the unit of the larger of 1
    and the largest output."""
    place = Path(__file__).parent if folder is None else Path(folder)
    example = read_tensors(place / "example.safetensors")
    model = load(folder)
    with torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # as then: a network may draw random numbers in every pass
        outputs = model(example["inputs"])
    largest = max(1.0, float(example["outputs"].abs().max()))
    return float((outputs - example["outputs"]).abs().max()) / largest


def shown(line: str) -> str:
    """A line for a terminal, which obeys nothing in it."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in line)


def main(arguments: list[str]) -> None:
    """``python model.py FILE...`` answers files; ``python model.py --check`` runs the recorded examples."""
    if not arguments:
        print(__doc__)
    elif arguments == ["--check"]:
        far = check()
        print(f"outputs of the recorded examples differ by {far:.1e}, of at most 1e-05")
        sys.exit(far > 1e-5)
    else:
        model = load()
        for path in arguments:
            with torch.inference_mode():
                outputs = model(read(path))
            print(*map(shown, tell(outputs, path)), sep="\n")
