"""``python -m benchmarks pictures``: the pictures of docs/pyramid.md, of a real search on trainings that a formula stands for.

Nothing is trained, so that it takes seconds; every decision in the pictures is the engine's. Equal versions draw equal files.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.figure
import matplotlib.patches
import matplotlib.path
import numpy as np

import ranknosh
from ranknosh.core.pairs import evidence
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import Observed, Proposed
from ranknosh.runs.events import silent

HERE = Path(__file__).parent.parent / "docs" / "pictures"
SPACE = {"name": "flat", "parameters": {f"part{i}": [0, 1, 2, 3, 4] for i in range(6)}}
EPOCHS, INITIAL, BATCH, CANDIDATES = (2, 4, 8), 12, 6, 36
# Blue from pale to dark for first trainings, orange for what a later batch trained on; both readable on white and on black.
LEVELS, RESUMED, LINE = ("#9dbfe3", "#5b8fc9", "#2a5f9e"), "#e0872b", "#7a7a7a"


def evaluate(architecture: Any, from_epoch: int, to_epoch: int, checkpoint_dir: Any) -> dict[str, float]:
    """A curve towards what the parts are worth together, with noise that shrinks: early results mislead, later ones less."""
    parts = np.array(list(architecture.values()), dtype=float)
    worth = 0.5 + 0.4 * np.cos(parts - np.arange(len(parts)) / 2).mean()
    noise = np.random.default_rng([architecture.seed, to_epoch]).normal(0, 0.06 / to_epoch)
    return {"accuracy": float(np.clip(worth * (1 - 0.5 ** (to_epoch / 2)) + noise, 0, 1))}


def searched(folder: str) -> Any:
    """The search that is drawn."""
    pyramid = {"epochs": list(EPOCHS), "initial": INITIAL, "batch": BATCH, "candidates": CANDIDATES}
    return ranknosh.search(
        SPACE, evaluate=evaluate, rank_by="accuracy", budget=200, out=folder, events=silent, pyramid=pyramid
    )


def trained(run: Any) -> list[tuple[int, int, int]]:
    """Candidate, level, and the batch after whose proposals it was trained to that level, in order."""
    batch, found = 0, []
    for record in run.history.records:
        if isinstance(record, Proposed):
            batch = record.batch
        elif isinstance(record, Observed) and record.replica == 0:
            found.append((record.candidate_id, record.level, batch))
    return found


def draw_pyramid(run: Any, axis: Any) -> None:
    """A bar a candidate in order of proposal, as high as it was trained; what a later batch added is orange."""
    own = {candidate: batch for candidate, level, batch in trained(run) if level == 1}
    bounds = (0, *EPOCHS)
    for candidate, level, batch in trained(run):
        low, high = bounds[level - 1], bounds[level]
        colour = LEVELS[level - 1] if batch == own[candidate] else RESUMED
        axis.bar(candidate, high - low, bottom=low, width=0.8, color=colour)
    for edge in range(INITIAL, CANDIDATES, BATCH):
        axis.axvline(edge - 0.5, color=LINE, linewidth=0.6, linestyle=":")
    axis.set(
        xlabel="candidate, in order of proposal (dotted: a new batch)", ylabel="trained up to epoch", yticks=EPOCHS
    )
    axis.set_xlim(-1, CANDIDATES)


def draw_sizes(axis: Any) -> None:
    """Candidates of each level after 12, 24 and 36 proposals, as the size rule has it."""
    pyramid = Pyramid.make(EPOCHS, "auto", INITIAL, BATCH)
    for place, count in enumerate((INITIAL, 2 * INITIAL, CANDIDATES)):
        for level, size in enumerate(pyramid.sizes(count)):
            axis.barh(level, size, left=place * 42 - size / 2, height=0.85, color=LEVELS[level])
            axis.text(place * 42, level, str(size), ha="center", va="center", color="white" if level else "black")
        axis.text(place * 42, -0.85, f"{count} proposed: {pyramid.cost(count)} epochs", ha="center", color=LINE)
    axis.set(yticks=range(3), yticklabels=[f"level {i + 1}: epoch {e}" for i, e in enumerate(EPOCHS)], xticks=[])
    axis.set_ylim(-1.2, 2.6)
    axis.set_xlim(-22, None)
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.tick_params(left=False)


def draw_pairs(run: Any, axis: Any) -> None:
    """Who beats whom: rows win against columns, by the metric of a level that both share or by the higher level."""
    known = evidence(run.state, run.pyramid)
    order = np.argsort(-known.order, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    squares: dict[str, list[Any]] = {}
    for winner, loser in known.pairs:
        same = known.levels[winner] == known.levels[loser]
        colour = LEVELS[known.levels[winner] - 1] if same else RESUMED
        x, y = place[loser], place[winner]
        corners = [(x, y), (x + 0.9, y), (x + 0.9, y + 0.9), (x, y + 0.9), (x, y)]
        squares.setdefault(colour, []).append(matplotlib.path.Path(corners, closed=True))
    for colour, paths in squares.items():
        whole = matplotlib.path.Path.make_compound_path(*paths)
        axis.add_patch(matplotlib.patches.PathPatch(whole, facecolor=colour, linewidth=0))
    axis.set(xlim=(0, len(order)), ylim=(len(order), 0), aspect="equal")
    axis.set(xlabel="loses (ranked from best to worst)", ylabel="wins")


def save(name: str, size: tuple[float, float], paint: Any) -> Path:
    """One figure as SVG, without dates or random names in it."""
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    axis = figure.subplots()
    axis.spines[["top", "right"]].set_visible(False)
    axis.spines[["left", "bottom"]].set_color(LINE)
    axis.tick_params(colors=LINE)
    axis.xaxis.label.set_color(LINE)
    axis.yaxis.label.set_color(LINE)
    paint(axis)
    path = HERE / f"{name}.svg"
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")
    return path


def main(arguments: Sequence[str]) -> None:
    argparse.ArgumentParser(prog="python -m benchmarks pictures", description=__doc__).parse_args(arguments)
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run = searched(folder)
        print(save("pyramid", (8, 3), lambda axis: draw_pyramid(run, axis)))
        print(save("sizes", (8, 2.4), draw_sizes))
        print(save("pairs", (4.5, 4.5), lambda axis: draw_pairs(run, axis)))
