"""What is left of a retraining for others: the cell, the trained network's weights, and a card that says what they are."""

from __future__ import annotations

import json
from pathlib import Path

from ranknosh.runs.files import write_atomic
from ranknosh.workflows.retrain.outcome import Retrained
from ranknosh.workflows.retrain.training import Plan, Training


def write_best(folder: Path, plan: Plan, training: Training, result: Retrained) -> None:
    """``best/`` in the layout of a search: genotype.txt, card.json, and weights.safetensors where safetensors is installed.

    The weights are those of the plain network, by its own names, without the auxiliary head.
    """
    size, data = plan.size, plan.learned
    card = {
        "architecture": result.architecture,
        "space": result.space,
        "epochs": result.epochs,
        "validation_accuracy": result.validation_accuracy,
        "test_accuracy": result.test_accuracy,
        "params": result.params,
        "macs": result.macs,
        "network": {
            "channels": size.channels,
            "cells": size.cells,
            "classes": size.classes,
            "in_channels": size.in_channels,
        },
        "classes": list(data.classes),
        "mean": [float(value) for value in data.mean],
        "std": [float(value) for value in data.std],
    }
    write_atomic(folder / "best" / "genotype.txt", (result.architecture + "\n").encode())
    write_atomic(folder / "best" / "card.json", (json.dumps(card, indent=1) + "\n").encode())
    try:
        from safetensors.torch import save
    except ImportError:
        return
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in training.network.plain.state_dict().items()}
    write_atomic(folder / "best" / "weights.safetensors", save(weights))
