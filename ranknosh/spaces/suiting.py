"""Which built-in space suits the inputs of a task."""

from collections.abc import Mapping
from typing import Any

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Space
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.trial import check_networks

SMALL = 32
"""Pixels up to which pictures are searched with a space of cells."""


def suiting(signature: Signature) -> tuple[Space, Mapping[str, Any], str]:
    """The first space, in the order of preference, whose networks fit; its settings that are not the usual; why, in words.

    Raises:
        SpaceError: no network fits; what the preferred space says.
    """
    preference, why = _preference(signature)
    problem: SpaceError | None = None
    for name, settings in preference.items():
        try:
            space = get_space(name, **settings)
            check_networks(space, signature, every_choice=False)
        except SpaceError as error:
            problem = problem or error
            continue
        if problem is not None:
            why = f"{next(iter(preference))} gives one row of outputs, and these are {'x'.join(map(str, signature.outputs))}"
        return space, settings, why
    assert problem is not None
    raise problem


def _preference(signature: Signature) -> tuple[Mapping[str, Mapping[str, Any]], str]:
    """Spaces with their settings, the best first."""
    shape = signature.inputs
    sequences: dict[str, Any] = {"patches": []}
    if signature.dtype == "int64":
        return {"transformer": sequences}, "for sequences of tokens"
    if len(shape) == 3 and max(shape[1:]) > SMALL:
        why = f"for pictures above {SMALL} pixels: its stem shrinks them"
        return {"mobile": {}, "transformer": {}, "mlp": {}}, why
    if len(shape) == 3:
        return {"nasbench201": {}, "transformer": {}, "mlp": {}}, f"for pictures up to {SMALL} pixels"
    if len(shape) == 2:
        return {"transformer": sequences, "mlp": {}}, "for sequences of numbers"
    return {"mlp": {}}, "for rows of numbers"
