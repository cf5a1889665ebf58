"""Architectures of inverted residual blocks as texts: ``r0.75 | w1 k3e6 k5e3 | w0.75 se k3e3 k3e4 k7e6``.

The resolution; then stage by stage the factor of its width, ``se`` where it has squeeze-and-excite, and kernel and expansion of
its blocks.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Stage = tuple[float, bool, Sequence[tuple[int, int]]]
"""Factor of the width, squeeze-and-excite, and kernel and expansion of every block."""
BEGIN = re.compile(r"\s*r[\d.]+\s*\|\s*w[\d.]+")
"""How texts of this form begin."""
_LAYER = re.compile(r"k(\d{1,9})e(\d{1,9})")
_PLURAL = {
    "resolution": "resolutions",
    "width": "widths",
    "squeeze": "squeeze",
    "depth": "depths",
    "kernel": "kernels",
    "expansion": "expansions",
}
"""The setting that lists the options of a choice, by the last part of its name."""


def write(resolution: float, stages: Iterable[Stage]) -> str:
    """The text of an architecture."""
    parts = [f"r{resolution:g}"]
    for factor, squeeze, layers in stages:
        blocks = [f"k{kernel}e{expansion}" for kernel, expansion in layers]
        parts.append(" ".join([f"w{factor:g}", *(["se"] if squeeze else []), *blocks]))
    return " | ".join(parts)


def read(text: str, stages: int) -> dict[str, Any]:
    """What a text says, by the names of the choices of :class:`~ranknosh.spaces.mobile.MobileSpace`.

    Raises ValueError where it has another form, or another number of stages.
    """
    first, *parts = (part.split() for part in text.split("|"))
    if len(parts) != stages or len(first) != 1:
        raise ValueError(f"a resolution and {stages} stages with | between are wanted")
    config: dict[str, Any] = {"resolution": _number(first[0], "r")}
    for stage, words in enumerate(parts, start=1):
        if not words:
            raise ValueError(f"stage {stage} is empty")
        squeeze = words[1:2] == ["se"]
        layers = words[2 if squeeze else 1 :]
        config |= {
            f"stage{stage}.width": _number(words[0], "w"),
            f"stage{stage}.squeeze": squeeze,
            f"stage{stage}.depth": len(layers),
        }
        for layer, word in enumerate(layers, start=1):
            found = _LAYER.fullmatch(word)
            if found is None:
                raise ValueError(f"a block of stage {stage} is not of the form k3e6")
            config[f"stage{stage}.layer{layer}.kernel"] = int(found[1])
            config[f"stage{stage}.layer{layer}.expansion"] = int(found[2])
    return config


def options(config: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Settings of a space with just the options that a configuration takes."""
    taken: dict[str, set[Any]] = {}
    for name, option in config.items():
        taken.setdefault(_PLURAL[name.rpartition(".")[2]], set()).add(option)
    return {name: tuple(sorted(found)) for name, found in taken.items()}


def _number(word: str, letter: str) -> float:
    try:
        return float(word.removeprefix(letter)) if word.startswith(letter) else float("")
    except ValueError:
        raise ValueError(f"{word!r} is not of the form {letter}0.75") from None
