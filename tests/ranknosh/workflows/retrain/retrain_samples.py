"""Small cells, images and recipes for the tests of retraining: an epoch takes a fraction of a second."""

from __future__ import annotations

import dataclasses

import torch

from ranknosh.config.retrain import RetrainSettings
from ranknosh.core.records import EpochPoint
from ranknosh.runs.events import Event, Message, Progress, Recorded
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.darts import Darts
from ranknosh.spaces.genotype import Genotype, format_genotype
from ranknosh.tasks.data import Data, Split
from ranknosh.tasks.data.base import assemble
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.workflows import open_run
from ranknosh.workflows.retrain import Retrained, preset

CELL = Architecture("nasbench201", (3, 1, 2, 4, 3, 0))
TWO_NODES = Darts(steps=2)
CELLS = Genotype(
    normal=(("sep_conv_3x3", 0), ("skip_connect", 1), ("max_pool_3x3", 1), ("dil_conv_3x3", 2)),
    normal_concat=(2, 3),
    reduce=(("max_pool_3x3", 0), ("skip_connect", 1), ("sep_conv_3x3", 0), ("skip_connect", 2)),
    reduce_concat=(2, 3),
)
GENOTYPE = TWO_NODES.of_genotype(CELLS)
GENOTYPE_TEXT = format_genotype(CELLS)


def quadrants(train: int = 96, validation: int = 40, test: int = 36, seed: int = 0) -> Data:
    """Noise images of 1x8x8 with one bright quadrant, which is the class (0..3)."""
    generator = torch.Generator().manual_seed(seed)

    def part(count: int) -> Split:
        labels = torch.arange(count) % 4
        images = torch.randint(0, 120, (count, 1, 8, 8), generator=generator)
        for image, label in zip(images, labels.tolist(), strict=True):
            row, column = 4 * (label // 2), 4 * (label % 2)
            image[:, row : row + 4, column : column + 4] += 100
        return Split(images.to(torch.uint8), labels)

    return assemble("quadrants", [part(train), part(validation), part(test)], ["a", "b", "c", "d"])


class Heard:
    """Keeps what a retraining reports: epochs on disk, steps (epochs done, words) and messages."""

    def __init__(self):
        self.lines, self.steps, self.messages = [], [], []

    def __call__(self, event: Event) -> None:
        if isinstance(event, Recorded):
            self.lines += [record for record in event.records if isinstance(record, EpochPoint)]
        elif isinstance(event, Progress) and event.text:
            self.steps.append((event.done, event.text))
            assert event.left is not None  # however long the first epoch takes
        elif isinstance(event, Message):
            self.messages.append(event.text)


def a_recipe(*settings: str, space: str = "darts") -> RetrainSettings:
    """``tiny`` with drop-path and the auxiliary head, smaller still: 3 cells of 4 channels (DARTS), 3 epochs."""
    cells = "3" if space == "darts" else "1"
    more = ["train.drop_path=0.3", "train.epochs=3", "train.batch=32", "space.channels=4", f"space.cells={cells}"]
    return preset("tiny", TWO_NODES if space == "darts" else get_space(space)).replace([*more, *settings])


def untimed(result: Retrained):
    return dataclasses.replace(result, device_seconds=0.0)


def tensors(folder):
    found = CheckpointStore(folder / "checkpoints").read(0).checkpoint
    velocities = {f"velocity of {name}": value for name, value in found.momentum.items()}
    return {**found.weights, **velocities, **{f"head's {name}": value for name, value in found.auxiliary.items()}}


def assert_same_end(folder, whole):
    """The bits, the journal's curve and what is exported are those of the retraining that ran through."""
    first, second = tensors(whole), tensors(folder)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    curves = [[dataclasses.replace(line, seconds=0) for line in open_run(run).state.curve] for run in (folder, whole)]
    assert curves[0] == curves[1]
    assert (folder / "best" / "card.json").read_bytes() == (whole / "best" / "card.json").read_bytes()
