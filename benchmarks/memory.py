"""How the memory of a search grows with its trainings, all in one process.

    python -m benchmarks memory [--trainings 2000]

A search of NAS-Bench-201 on a few digits, one epoch a candidate, with everything that a long search has: checkpoints, journal,
proxies and a predictor that is fitted again and again. After every eighth of the trainings is printed: the resident memory of the
process (/proc, so Linux only); what of it is free, kept by the C library for the next request (glibc 2.33 or newer); objects of
Python that are alive; open files and threads; and the journal's size, since results are kept in memory.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import ranknosh
from ranknosh.config.screen import table
from ranknosh.core.records import Observed
from ranknosh.runs.events import Recorded
from ranknosh.runs.journal import FILE

STEPS = 8
"""How often memory is read."""


class Reading(NamedTuple):
    """``memory``, ``free`` and ``journal`` in bytes."""

    trainings: int
    memory: int
    free: int
    objects: int
    files: int
    threads: int
    journal: int

    @property
    def row(self) -> list[str]:
        memory, free, journal = (f"{size / 1e6:,.1f}" for size in (self.memory, self.free, self.journal))
        return [f"{self.trainings:,}", memory, free, f"{self.objects:,}", str(self.files), str(self.threads), journal]


HEADER = ("trainings", "memory (MB)", "of it free (MB)", "objects", "files", "threads", "journal (MB)")


class _Allocator(ctypes.Structure):
    """What ``mallinfo2`` returns: ten sizes, of which the ninth is what was freed and kept."""

    _fields_ = [(f"size{number}", ctypes.c_size_t) for number in range(10)]


def reading(trainings: int, journal: int) -> Reading:
    """Of this process, now."""
    gc.collect()
    allocator = ctypes.CDLL(None).mallinfo2
    allocator.restype = _Allocator
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    files, threads = (len(os.listdir(f"/proc/self/{kind}")) for kind in ("fd", "task"))
    return Reading(trainings, resident, allocator().size8, sys.getallocatedblocks(), files, threads, journal)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks memory", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trainings", type=int, default=2000)
    options = parser.parse_args(arguments)
    rows: list[Reading] = []
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
                        rows.append(reading(done, (Path(place) / "run" / FILE).stat().st_size))

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
    print(table(HEADER, [row.row for row in rows], "rrrrrrr"))
    first, last = rows[0], rows[-1]
    more, freed = last.memory - first.memory, last.free - first.free
    print(
        f"{more / 1e3 / (last.trainings - first.trainings):,.1f} MB more for every 1,000 trainings after the first "
        f"{first.trainings:,}, {freed / 1e3 / (last.trainings - first.trainings):,.1f} of it free"
    )
