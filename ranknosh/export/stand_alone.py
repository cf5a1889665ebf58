"""``model.py``: a network as a module that needs torch alone, with what its inputs and outputs mean."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor

from ranknosh.errors import ConfigError, printable
from ranknosh.export.finished import Finished
from ranknosh.export.writing.classes import source_of
from ranknosh.spaces.catalog import MAIN

_OPENING = "import torch\nimport torch.nn.functional as F\nfrom torch import Tensor, nn"
_READERS = {"pictures": "pictures", "numbers": "rows", "tokens": "tokens"}
_WIDTH = 110


@dataclass(frozen=True)
class StandAlone:
    """A module and its weights.

    Args:
        text: of the module, with a place for the digest of the weights' file.
        weights: by their names in the module.
        left_out: weights of operations that are never run, which the module does not have.
        is_random: it draws random numbers in every pass.
    """

    text: str
    weights: Mapping[str, Tensor]
    left_out: int
    is_random: bool

    def with_digest(self, digest: str) -> str:
        """The module for weights whose file has this SHA-256."""
        return self.text.replace(_DIGEST, digest)


_DIGEST = "DIGEST OF THE WEIGHTS"


def stand_alone(finished: Finished, about: str) -> StandAlone:
    """The module of a trained network.

    Args:
        finished: the network.
        about: the first lines of the module's docstring.

    Raises:
        Unwritable: the network holds what has no plain form.
        ConfigError: it is a class of a script or a notebook, which cannot be imported.
    """
    state = finished.network.state_dict()
    if finished.is_own:
        imports, classes, made = _imported(finished)
        places, is_random = {name: name for name in state}, False
    else:
        source = source_of(finished.network)
        imports, classes, made = [], source.text, source.constructor
        places, is_random = source.places, source.is_random
    kind = finished.recipe.learned.preparation.kind
    parts = [_functions(part) for part in (_READERS[kind], finished.answers, "loading")]
    lines = sorted({line for each, _ in parts for line in each} | set(imports))
    torch_lines = [line for line in _OPENING.splitlines() if "functional" not in line or re.search(r"\bF\.\w", classes)]
    own = [line for line in lines if "ranknosh" in line]
    standard = sorted((line for line in lines if line not in own and "torch" not in line), key=_import_order)
    blocks = [
        f'"""{_docstring(about)}\n"""',
        "\n\n".join("\n".join(group) for group in (standard, torch_lines, own) if group),
        _constants(finished),
    ]
    blocks = ["\n\n".join(blocks), classes.strip(), _model(finished, made)]
    blocks += [function for _, functions in parts for function in functions]
    blocks.append('if __name__ == "__main__":\n    main(sys.argv[1:])')
    weights = {f"network.{places[name]}": tensor for name, tensor in state.items() if name in places}
    known = dict(finished.network.named_parameters())
    left_out = sum(parameter.numel() for name, parameter in known.items() if name not in places)
    return StandAlone("\n\n\n".join(block for block in blocks if block) + "\n", weights, left_out, is_random)


def _docstring(about: str) -> str:
    """A text that ends no string and holds nothing that an editor would obey."""
    return printable(about.strip(), "\n").replace("\\", "\\\\").replace('"""', "'''")


def _literal(text: str) -> str:
    """A text as Python has it, in double quotes."""
    return printable(json.dumps(text, ensure_ascii=False))


def _import_order(line: str) -> tuple[bool, str]:
    """Whole modules first, as isort has it."""
    return line.startswith("from"), line


def _imported(finished: Finished) -> tuple[list[str], str, str]:
    """Imports, nothing, and an expression for a network of a class of the user's own, which ranknosh has to build."""
    section, signature = finished.section, finished.task.signature
    if section.name.startswith(MAIN):
        raise ConfigError(
            f"the network is the class {section.name.removeprefix(MAIN)} of a script or a notebook, which nothing can import; "
            "move it to a file, and search it there"
        )
    homes = sorted(set(finished.run.header.modules.values()))
    imports = ["from ranknosh.registry import look_in", "from ranknosh.spaces.signature import Signature"]
    imports.append("from ranknosh.spaces.catalog import get_space")
    settings = "".join(f", {name}={value!r}" for name, value in (section.model_extra or {}).items())
    lines = [
        *(f"look_in({_literal(home)})  # where your own class is, which is imported as it is" for home in homes),
        f'SPACE = get_space("{section.name}"{settings})',
        f"ARCHITECTURE = {finished.text!r}",
        f"SIGNATURE = Signature({signature.inputs}, {signature.outputs}, {signature.dtype!r}, {signature.vocabulary})",
    ]
    return imports, "\n".join(lines), "SPACE.network(SPACE.parse(ARCHITECTURE), SIGNATURE)"


def _functions(part: str) -> tuple[list[str], list[str]]:
    """The imports and the functions of a part, as they stand there."""
    path = Path(str(import_module(f"ranknosh.export.parts.{part}").__file__))
    text = path.read_text()
    imports, functions = [], []
    for node in ast.parse(text).body:
        source = ast.get_source_segment(text, node) or ""
        if isinstance(node, ast.FunctionDef):
            functions.append(source)
        elif isinstance(node, ast.Import | ast.ImportFrom) and "ranknosh" not in source:
            imports.append(source)
    return imports, functions


def _constants(finished: Finished) -> str:
    """What the inputs and the outputs are."""
    preparation, signature = finished.recipe.learned.preparation, finished.task.signature
    known = preparation.facts
    lines = [_value("KIND", preparation.kind), _value("INPUTS", tuple(signature.inputs), "shape of one input")]
    if preparation.kind == "pictures":
        of = "side that training pictures were scaled and cut to; None for as they are"
        lines.append(_value("RESIZE", finished.recipe.data.resize, of))
    if preparation.kind == "tokens":
        lines.append(_value("VOCABULARY", preparation.vocabulary, "tokens are below it"))
    if "mean" in known:
        of = "of pixels / 255, by channel" if preparation.kind == "pictures" else "of the training inputs, by column"
        lines += [_value("MEAN", known["mean"], of), _value("STD", known["std"])]
    if finished.classes:
        lines.append(_value("CLASSES", finished.classes))
    if finished.units is not None:
        scale, shift = (each.flatten().tolist() for each in finished.units)
        lines += [_value("TARGET_MEAN", shift, "of the training targets"), _value("TARGET_STD", scale)]
    lines.append(_value("WEIGHTS_SHA256", _DIGEST, "of weights.safetensors"))
    return "\n".join(lines)


def _value(name: str, value: Any, comment: str = "") -> str:
    """``NAME = value``, broken where it is long."""
    items = [_literal(each) if isinstance(each, str) else repr(each) for each in _several(value)]
    text = json.dumps(value) if isinstance(value, str) else repr(value)
    if isinstance(value, list | tuple):
        text = f"({', '.join(items)}{',' if len(items) == 1 else ''})"
    behind = f"  # {comment}" if comment else ""
    if len(f"{name} = {text}{behind}") <= _WIDTH:
        return f"{name} = {text}{behind}"
    if not isinstance(value, list | tuple):
        return f"{f'# {comment}' if comment else ''}\n{name} = {text}".lstrip()
    inside = textwrap.indent(_wrapped(items), "    ")
    return f"{name} = ({behind}\n{inside}\n)"


def _several(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _wrapped(items: Sequence[str]) -> str:
    """Items with commas, as many in a line as fit; an item is never broken."""
    lines, line = [], ""
    for item in items:
        if line and len(line) + len(item) + 6 > _WIDTH:
            lines.append(line.rstrip())
            line = ""
        line += f"{item}, "
    return "\n".join([*lines, line.rstrip()])


def _model(finished: Finished, made: str) -> str:
    """The class that takes inputs as they come and gives outputs in the unit of the targets."""
    preparation, signature = finished.recipe.learned.preparation, finished.task.signature
    kind, argument = preparation.kind, {"pictures": "pictures", "numbers": "rows", "tokens": "tokens"}[preparation.kind]
    shape = ", ".join(map(str, ("n", *signature.inputs)))
    outputs = ", ".join(map(str, ("n", *signature.outputs)))
    dtype = {"pictures": "uint8", "numbers": "float32", "tokens": "int64"}[kind]
    gives = "values" if finished.answers == "numbers" else "logits"
    unit = "values are in the unit of the targets" if finished.units is not None else "and are prepared here"
    set_up, inputs, result = [f"self.network = {made}"], argument, "self.network({inputs})"
    sides = "" if kind == "tokens" else ", 1" * (len(signature.inputs) - 1)
    if kind != "tokens":
        for name in ("mean", "std"):
            size = f".reshape(-1{sides})" if sides else ""
            set_up.append(f'self.register_buffer("{name}", torch.tensor({name.upper()}){size}, persistent=False)')
        inputs = f"({argument}{' / 255' if kind == 'pictures' else ''} - self.mean) / self.std"
    result = result.format(inputs=inputs)
    if finished.units is not None:
        after = tuple(finished.units[0].shape)
        for name in ("target_mean", "target_std"):
            size = f".reshape{after}" if len(after) > 1 else ""
            set_up.append(f'self.register_buffer("{name}", torch.tensor({name.upper()}){size}, persistent=False)')
        result = f"{result} * self.target_std + self.target_mean"
    lines = [
        "class Model(nn.Module):",
        f'    """{dtype} ({shape}) to {gives} ({outputs}); inputs come as they are read, {unit}."""',
        "",
        "    def __init__(self) -> None:",
        "        super().__init__()",
        *(f"        {line}" for line in set_up),
        "",
        f"    def forward(self, {argument}: Tensor) -> Tensor:",
        f"        return {result}",
    ]
    return "\n".join(lines)


def imported(folder: Path) -> Any:
    """The module ``model.py`` of a folder, under a name of its own."""
    import importlib.util

    spec = importlib.util.spec_from_file_location(f"exported_{abs(hash(str(folder.resolve())))}", folder / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
