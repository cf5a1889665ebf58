"""How the memory of a search grows with its trainings, all in one process.

    python -m benchmarks memory [--trainings 2000]

A search of NAS-Bench-201 on a few digits, one epoch a candidate, with everything that a long search has: checkpoints, journal,
proxies and a predictor that is fitted again and again. After every eighth of the trainings the resident memory of the process is
printed (/proc, so Linux only), the journal's size beside it: results are kept in memory, so that some growth is data.
"""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ranknosh
from ranknosh.config.screen import table
from ranknosh.core.records import Observed
from ranknosh.runs.events import Recorded
from ranknosh.runs.journal import FILE

STEPS = 8
"""How often memory is read."""


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks memory", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trainings", type=int, default=2000)
    options = parser.parse_args(arguments)
    rows: list[tuple[int, int, int]] = []
    done = 0

    with tempfile.TemporaryDirectory(prefix="rn-memory-") as place:

        def on_event(event: Any) -> None:
            nonlocal done
            if not isinstance(event, Recorded):
                return
            for record in event.records:
                if isinstance(record, Observed):
                    done += 1
                    if done % (options.trainings // STEPS) == 0:
                        gc.collect()
                        rows.append((done, resident(), (Path(place) / "run" / FILE).stat().st_size))

        ranknosh.search(
            {"name": "nasbench201", "channels": 4, "cells": 1},
            {"name": "digits", "limit": 32, "validation_limit": 32, "test_limit": 32},
            budget=options.trainings,
            out=place,
            name="run",
            events=on_event,
            train={"batch": 32, "threads": 1, "device": "cpu"},
            pyramid={"epochs": [1], "initial": 20, "batch": 20},
            seeding={"draw": 20, "proxies": ["nwot"]},
            predictor="linear",
        )
    lines = [[f"{count:,}", f"{memory / 1e6:,.1f}", f"{journal / 1e6:,.2f}"] for count, memory, journal in rows]
    print(table(("trainings", "memory (MB)", "journal (MB)"), lines, "rrr"))
    (first, before, _), (last, after, _) = rows[0], rows[-1]
    print(f"{(after - before) / 1e3 / (last - first):,.1f} MB more for every 1,000 trainings after the first {first:,}")
