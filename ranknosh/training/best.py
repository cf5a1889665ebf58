"""What a run leaves for others: the best architecture, its trained weights, and a card that says what they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.runs.files import write_atomic
from ranknosh.runs.provenance import versions
from ranknosh.training.settings import Recipe

if TYPE_CHECKING:
    from ranknosh.training.checkpoint import Checkpoint


def write_best(folder: Path, facts: Mapping[str, Any], recipe: Recipe, found: Checkpoint | None) -> None:
    """Write ``best/`` of a run folder: ``genotype.txt``, ``weights.safetensors``, and ``card.json`` with the digests of
    the weights and of its own.

    Args:
        folder: the run folder.
        facts: what the card says besides space, signature and preparation of inputs; ``architecture`` is its exchange string.
        recipe: what was trained.
        found: the checkpoint, whose weights are written where safetensors is installed, the averaged ones where the metric of
            the card reads them; None where there is none.
    """
    data, weights = recipe.learned, None if found is None else _safetensors(found)
    card = {
        **facts,
        "space": recipe.space.spec,
        "signature": recipe.task.facts["signature"],
        "task": recipe.task.facts["task"],
        "classes": list(data.classes),
        "preparation": {"resize": data.resize, **data.preparation.facts},
        "made_by": versions(),
        "weights": None,
    }
    if found is not None and weights is not None:
        digest = hashlib.sha256(weights).hexdigest()
        card["weights"] = {"size": len(weights), "sha256": digest, "averaged": found.is_averaged}
    card["digest"] = hashlib.sha256(json.dumps(card, sort_keys=True).encode()).hexdigest()
    write_atomic(folder / "best" / "genotype.txt", (card["architecture"] + "\n").encode())
    write_atomic(folder / "best" / "card.json", (json.dumps(card, indent=1) + "\n").encode())
    if weights is None:  # those of an earlier best are not this one's
        (folder / "best" / "weights.safetensors").unlink(missing_ok=True)
    else:
        write_atomic(folder / "best" / "weights.safetensors", weights)


def _safetensors(found: Checkpoint) -> bytes | None:
    """The tensors of the network as it is ranked, as a file; None where they stay in the checkpoint only."""
    try:
        from safetensors.torch import save
    except ImportError:
        return None
    return save({name: tensor.clone().contiguous() for name, tensor in found.ranked.items()})
