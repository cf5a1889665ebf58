"""An export: files written beside, proved, and only then put in their place."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ranknosh.errors import ConfigError, did_you_mean, printable
from ranknosh.export.card import TASKS, card_of, markdown
from ranknosh.export.finished import Finished
from ranknosh.export.formats import refuse_random, write_onnx, write_torch_export
from ranknosh.export.proof import Proof, prove
from ranknosh.export.stand_alone import StandAlone, imported, stand_alone
from ranknosh.export.weights import encode_tensors
from ranknosh.runs.files import writing

FORMATS = {
    "py": ("model.py", "weights.safetensors", "example.safetensors"),
    "safetensors": ("weights.safetensors",),
    "torch_export": ("model.pt2",),
    "onnx": ("model.onnx",),
    "genotype": ("genotype.txt",),
    "card": ("card.json", "card.md"),
}
"""The files of each format."""
_EXAMPLES = 4
_FURTHER = {"onnx": write_onnx, "torch_export": write_torch_export}


@dataclass(frozen=True)
class Exported:
    """What was written, and what was found equal before it was put in its place.

    Args:
        folder: of the files.
        files: their names.
        what: was exported, in words.
        architecture: of the network.
        own: ``module:name`` of a class of the user's own that ``model.py`` imports; None where it stands alone.
        proof: what was compared.
    """

    folder: Path
    files: tuple[str, ...]
    what: str
    architecture: str
    own: str | None
    proof: Proof

    @property
    def plain(self) -> dict[str, Any]:
        """As plain JSON data."""
        return {**asdict(self), "folder": str(self.folder), "files": list(self.files)}


def export(finished: Finished, to: Sequence[str], out: Path, command: str = "Run.export(...)") -> Exported:
    """Write a trained network, and prove that the files are it.

    Args:
        finished: the network.
        to: formats, of :data:`FORMATS`.
        out: the folder, empty or not there.
        command: for the card.

    Raises:
        ConfigError: for an unknown format, a folder that is not empty, and what cannot be written in a format.
        ExportDiffers: the files are not the network; nothing is left of them.
        StoreError: where the folder cannot be written.
    """
    check(to, out)
    inputs = _first(finished, _EXAMPLES)
    with writing(out.parent):
        out.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        with writing(place):
            module = write_model(finished, place)
            _write_example(finished, place, inputs)
            formats = {}
            model = imported(place).load(place)
            for name in to:
                if name in _FURTHER:
                    refuse_random(module.is_random, name, finished)
                    path = place / FORMATS[name][0]
                    formats[path.name] = _FURTHER[name](model, finished, path, inputs)
            proof = prove(finished, place, module.left_out, module.is_random, formats)
            (place / "genotype.txt").write_text(finished.text + "\n")
            card = card_of(finished, proof, command)
            (place / "card.json").write_text(json.dumps(card, indent=1) + "\n")
            (place / "card.md").write_text(markdown(card, finished))
            files = tuple(dict.fromkeys(file for name in FORMATS if name in to for file in FORMATS[name]))
            out.mkdir(exist_ok=True)
            for file in files:
                (place / file).replace(out / file)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    own = finished.section.name if finished.is_own else None
    return Exported(out, files, finished.what, finished.text, own, proof)


def check(to: Sequence[str], out: Path) -> None:
    """Raises ConfigError for an unknown format, none, and a folder that is not empty."""
    for name in to:
        if name not in FORMATS:
            raise ConfigError(f"unknown format {name!r}; known are {', '.join(FORMATS)}{did_you_mean(name, FORMATS)}")
    if not to:
        raise ConfigError(f"no format is given; known are {', '.join(FORMATS)}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} is not an empty folder; give another one with --out, or remove it")


def _first(finished: Finished, count: int) -> torch.Tensor:
    """The first validation inputs as they are kept, repeated where there are fewer."""
    data = finished.recipe.learned
    kept, _ = next(iter((data.validation if len(data.validation) else data.train).read(count)))
    return kept.repeat(count, *[1] * (kept.ndim - 1))[:count].contiguous()


def write_model(finished: Finished, place: Path) -> StandAlone:
    """Write ``model.py`` and its weights into a folder.

    Args:
        finished: the network.
        place: the folder.

    Raises:
        ConfigError: it cannot be written.
    """
    module = stand_alone(finished, about(finished))
    weights = encode_tensors(module.weights)
    (place / "weights.safetensors").write_bytes(weights)
    (place / "model.py").write_text(module.with_digest(hashlib.sha256(weights).hexdigest()))
    return module


def _write_example(finished: Finished, place: Path, inputs: torch.Tensor) -> None:
    """A few inputs with the outputs that they have to have."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        example = {"inputs": inputs, "outputs": finished.outputs(inputs)}
    (place / "example.safetensors").write_bytes(encode_tensors(example))


def about(finished: Finished) -> str:
    """The docstring of ``model.py``."""
    shape = "x".join(map(str, finished.task.signature.inputs))
    kind = finished.recipe.learned.preparation.kind
    source = {"pictures": "cat.png dog.png", "numbers": "rows.csv", "tokens": "sequences.csv"}[kind]
    alone = "Needs torch alone" if not finished.is_own else "Needs ranknosh and your own class, which it imports"
    needs = f"{alone}{', and Pillow for image files' if kind == 'pictures' else ''}."
    first, width = source.split()[0], 34
    lines = {
        f"python model.py {source}": "answers files",
        "python model.py --check": "runs the recorded examples",
        "": "",
        "import model": "",
        "network = model.load()": "the trained torch module; the digest of its weights is checked",
        f'outputs = network(model.read("{first}"))': "",
        "model.answer(outputs)": "",
    }
    shown = "\n".join(f"    {code:{width}}  {about}".rstrip() for code, about in lines.items())
    return (
        f"{TASKS[finished.answers].capitalize()} on {printable(finished.recipe.data.name)}, {kind} {shape}: {finished.what} of "
        f"the RankNOSH run {finished.run.header.id}.\n\n{needs}\n\n{shown}"
    )
