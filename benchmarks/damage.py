"""What a run notices of damage: flipped bits, lost, doubled and swapped lines of journals, flipped bits and swapped checkpoints.

A small search, a supernet search and a retraining are run on digits; then copies of what they wrote are changed and read.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import ranknosh
from ranknosh.errors import RankNoshError
from ranknosh.runs.events import silent
from ranknosh.runs.journal import FILE, DamagedLine, parse
from ranknosh.workflows import open_run, record_classes
from ranknosh.workflows.search.run import SearchRun

DIGITS = {"name": "digits", "limit": 200, "validation_limit": 100, "test_limit": 100}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks damage", description=__doc__)
    parser.add_argument("--flips", type=int, default=2000, help="bits flipped in each journal, one at a time")
    parser.add_argument("--lines", type=int, default=100, help="lines removed, doubled and swapped in each journal")
    parser.add_argument("--checkpoint-flips", type=int, default=300, help="bits flipped in each kind of checkpoint")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as place:
        folders = made(Path(place))
        for name in ("search", "supernet", "retrain"):
            data = (folders[name] / FILE).read_bytes()
            print(f"journal of a {name} run: {len(data):,} bytes, {data.count(10)} lines")
            for what, changed in journal_changes(data, options.flips, options.lines, draw).items():
                print(f"  {what:28} accepted silently: {sum(map(accepted, changed))} of {len(changed)}")
        for name, read in CHECKPOINTS.items():
            print(f"checkpoints of a {name} run")
            loaded = flipped_checkpoints(folders[name], read, options.checkpoint_flips, draw)
            print(f"  {'one flipped bit':28} loaded: {loaded} of {options.checkpoint_flips}")
        print(f"two swapped checkpoint folders  Run.network(): {swapped(folders['search'])}")


def made(place: Path) -> dict[str, Path]:
    """Finished runs of three workflows."""
    from ranknosh.config.learning import DataConfig
    from ranknosh.spaces.nasbench201 import NasBench201
    from ranknosh.tasks.data.catalog import load_section
    from ranknosh.workflows.retrain import preset, retrain
    from ranknosh.workflows.supernet import search_supernet

    space, train = {"name": "nasbench201", "channels": 4, "cells": 1}, {"batch": 32}
    pyramid = {"epochs": [1, 2], "initial": 20, "batch": 10, "candidates": 40}
    searched = ranknosh.search(
        data=DIGITS,
        budget=60,
        pyramid=pyramid,
        out=str(place),
        name="search",
        events=silent,
        space=space,
        train=train,
        seeding={"draw": 60},
    )
    search_supernet("darts", data=DIGITS, epochs=60, folder=place / "supernet", events=silent, space=space)
    recipe = preset("tiny", NasBench201()).replace(["train.epochs=120", "space.channels=4", "train.batch=64"])
    cell = NasBench201().parse(searched.best.text)
    retrain(
        cell,
        load_section(DataConfig(**DIGITS), 0),
        recipe,
        place / "retrain",
    )
    return {name: place / name for name in ("search", "supernet", "retrain")}


def journal_changes(data: bytes, flips: int, lines: int, draw: random.Random) -> dict[str, list[bytes]]:
    """Changed copies of a journal by the kind of change; the last line stays where lines are removed."""
    rows = data.splitlines(keepends=True)
    kinds: dict[str, list[bytes]] = {"one flipped bit": [flipped(data, draw) for _ in range(flips)]}
    changed: dict[str, Callable[[int], list[bytes]]] = {
        "a line removed": lambda at: rows[:at] + rows[at + 1 :],
        "a line doubled": lambda at: rows[: at + 1] + rows[at:],
        "two lines swapped": lambda at: [*rows[:at], rows[at + 1], rows[at], *rows[at + 2 :]],
    }
    for what, change in changed.items():
        kinds[what] = [b"".join(change(draw.randrange(len(rows) - 1))) for _ in range(lines)]
    return kinds


def flipped(data: bytes, draw: random.Random) -> bytes:
    """A copy with one bit changed."""
    content, bit = bytearray(data), draw.randrange(8 * len(data))
    content[bit // 8] ^= 1 << bit % 8
    return bytes(content)


def accepted(data: bytes) -> bool:
    """Whether a journal reads without a word; an unfinished last line is said."""
    try:
        return parse(data, record_classes).torn_bytes == 0
    except (DamagedLine, RankNoshError):
        return False


def _search_state(folder: Path) -> None:
    run = open_run(folder)
    assert isinstance(run, SearchRun)
    run.network()


def _supernet_state(folder: Path) -> None:
    from ranknosh.workflows.supernet.runner import load_checkpoint

    load_checkpoint(folder, open_run(folder).header.id)


def _retrain_state(folder: Path) -> None:
    from ranknosh.training.checkpoint import CheckpointStore

    CheckpointStore(folder.resolve() / "checkpoints").whole(0)


CHECKPOINTS: dict[str, Callable[[Path], None]] = {
    "search": _search_state,
    "supernet": _supernet_state,
    "retrain": _retrain_state,
}


def flipped_checkpoints(folder: Path, read: Callable[[Path], None], flips: int, draw: random.Random) -> int:
    """How many of ``flips`` copies of the checkpoint that ``read`` reads loads with one bit changed."""
    run = open_run(folder)
    below = folder / "checkpoints" / str(run.best.id if isinstance(run, SearchRun) and run.best else 0)
    files = sorted(below.iterdir()) if below.is_dir() else [folder / "checkpoint.pt"]
    loaded = 0
    for _ in range(flips):
        path = draw.choice(files)
        whole = path.read_bytes()
        path.write_bytes(flipped(whole, draw))
        try:
            read(folder)
            loaded += 1
        except RankNoshError:
            pass
        finally:
            path.write_bytes(whole)
    return loaded


def swapped(folder: Path) -> str:
    """What is said when the best candidate's checkpoint folder holds another candidate's checkpoint."""
    copy = folder.with_name("swapped")
    shutil.copytree(folder, copy)
    run = open_run(copy)
    assert isinstance(run, SearchRun)
    assert run.best is not None
    other = next(path for path in sorted((copy / "checkpoints").iterdir()) if path.name != str(run.best.id))
    own = copy / "checkpoints" / str(run.best.id)
    own.rename(copy / "aside"), other.rename(own), (copy / "aside").rename(other)
    try:
        run.network()
        return "NOT recognised"
    except RankNoshError as error:
        return f"recognised ({type(error).__name__})"
