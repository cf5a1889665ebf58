"""Banks: the values of trainings done by hand, further seeds, tests, growth, and journals cut anywhere."""

import shutil

import numpy as np
import pytest

from ranknosh.bench.sources import add
from ranknosh.config.search import BankSettings
from ranknosh.core.records import Job, Observed, job_seed
from ranknosh.errors import ConfigError
from ranknosh.runs.events import Progress, Recorded
from ranknosh.runs.journal import FILE
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.evaluate import test_candidate as read_test
from ranknosh.training.rung import train_rung
from ranknosh.workflows import open_run
from ranknosh.workflows.bank.api import bank_settings, build
from ranknosh.workflows.search.assembly import build_parts
from tests.own_parts import own as own
from tests.own_parts import written

NEWEST = """
from ranknosh.executors.base import InlineExecutor

class Newest(InlineExecutor):
    def free_slots(self):
        return 3 - len(self._queue)

    def wait(self, timeout=None):
        self._queue.rotate(1)
        return super().wait(timeout)
"""
DATA = {"name": "digits", "limit": 64, "validation_limit": 32, "test_limit": 32}
SMALL = {"data": DATA, "space": {"channels": 2, "cells": 1}, "train": {"batch": 32}, "seed": 3}


def settings(count=4, epochs=2, seeds=2, seeded=2):
    return BankSettings.from_dict({**SMALL, "seeds": seeds, "seeded": seeded}, overrides=bank_settings(count, epochs))


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    return build(settings(), tmp_path_factory.mktemp("bank") / "whole")


def table_of(folder, place):
    add(folder, place / "table.npz")
    with np.load(place / "table.npz") as arrays:
        return {name: arrays[name] for name in arrays.files if name != "seconds_per_epoch"}


def check_equal(one, other):
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)


def test_its_values_are_those_of_trainings_by_hand(bank, tmp_path):
    table, recipe = table_of(bank.folder, tmp_path), build_parts(bank.settings).recipe
    store = CheckpointStore(tmp_path / "checkpoints")
    assert table["arch"].shape == (4,)
    assert table["validation_accuracy"].shape == (4, 2, 2)
    for row, text in enumerate(table["arch"].tolist()):
        for replica in range(2 if row < 2 else 1):
            job = Job(row, bank.space.parse(text), 1, 0, 2, job_seed(3, row, replica), replica)
            curve = train_rung(job, recipe, store).outcome.curve
            for name, values in {
                "validation_accuracy": [100 * point.metrics["accuracy"] for point in curve],
                "validation_loss": [point.metrics["loss"] for point in curve],
                "train_accuracy": [100 * point.train_metrics["accuracy"] for point in curve],
                "train_loss": [point.train_loss for point in curve],
            }.items():
                assert table[name][row, :, replica].tolist() == values
            tested = read_test(job, recipe, store).metrics["accuracy"]
            assert table["test_accuracy"][row, replica] == 100 * tested
    assert np.isnan(table["validation_accuracy"][2:, :, 1]).all()
    assert np.isnan(table["test_accuracy"][2:, 1]).all()
    assert np.isfinite(table["params"]).all()
    assert np.isfinite(table["macs"]).all()


def test_its_architectures_differ_and_are_alive(bank):
    found = [candidate.architecture for candidate in bank.pool.candidates.values()]
    assert len({bank.space.canonical(one) for one in found}) == 4
    assert not any(map(bank.space.is_dead, found))
    assert [len(one.replicas) for one in bank.pool.candidates.values()] == [1, 1, 0, 0]


def test_it_has_the_words_of_its_kind(bank):
    run = open_run(bank.folder)
    assert (run.WORKFLOW, run.reason, run.exit_code) == ("bank", bank.reason, 0)
    assert "12 epochs over 4 candidates" in bank.reason
    assert "read 6 times" in run.page()


def test_its_progress_counts_further_seeds(tmp_path):
    heard = []
    build(settings(), tmp_path / "heard", events=heard.append)
    epochs = [event for event in heard if isinstance(event, Progress) and event.task == "epochs"]
    assert {event.total for event in epochs} == {12}
    assert [event.done for event in epochs] == sorted(event.done for event in epochs)
    assert epochs[-1].done == 12
    lines = [line for event in heard if isinstance(event, Recorded) for line in event.lines]
    assert [line.split(" test")[0] for line in lines if " test " in line] == [
        "#0",
        "#0 (seed 1)",
        "#1",
        "#1 (seed 1)",
        "#2",
        "#3",
    ]


def test_it_grows_and_what_was_there_stays(bank, tmp_path):
    folder = shutil.copytree(bank.folder, tmp_path / "whole")
    before = table_of(folder, tmp_path)
    grown = build(settings(count=5, seeds=3, seeded=3), folder)
    assert [len(one.replicas) for one in grown.pool.candidates.values()] == [2, 2, 2, 0, 0]
    after = table_of(folder, tmp_path)
    assert after["arch"][:4].tolist() == before["arch"].tolist()
    np.testing.assert_array_equal(after["train_loss"][:2, :, :2], before["train_loss"][:2])
    check_equal(after, table_of(build(settings(count=5, seeds=3, seeded=3), tmp_path / "anew").folder, tmp_path))
    lines = (folder / FILE).read_bytes().count(b"\n")
    build(settings(count=5, seeds=3, seeded=3), folder)
    assert (folder / FILE).read_bytes().count(b"\n") == lines


def test_another_bank_is_not_gone_on_with(bank):
    for wanted, name in (
        (settings(count=3), "pyramid.candidates"),
        (settings(epochs=3), "pyramid.epochs"),
        (settings(seeds=1), "seeds"),
    ):
        with pytest.raises(ConfigError, match=f"{name} was .* when this run started"):
            build(wanted, bank.folder)


def test_several_workers_in_whatever_order_make_the_same_table(bank, own, tmp_path):
    written(tmp_path, own, NEWEST)
    wanted = settings().replace([f"executor.name={own}:Newest"])
    other = build(wanted, tmp_path / "other")
    ended = [record.candidate_id for record in other.history.records if isinstance(record, Observed)]
    assert ended != sorted(ended)
    check_equal(table_of(other.folder, tmp_path), table_of(bank.folder, tmp_path))


@pytest.mark.parametrize(
    "kept", [0.15, 0.5, pytest.param(0.75, marks=pytest.mark.slow), pytest.param(0.95, marks=pytest.mark.slow)]
)
def test_cut_anywhere_it_ends_with_the_same_table(bank, tmp_path, kept):
    folder = shutil.copytree(bank.folder, tmp_path / "cut")
    lines = (folder / FILE).read_bytes().splitlines(keepends=True)
    (folder / FILE).write_bytes(b"".join(lines[: max(2, int(kept * len(lines)))]))
    if kept < 0.5:
        shutil.rmtree(folder / "checkpoints")
    build(settings(), folder)
    check_equal(table_of(folder, tmp_path), table_of(bank.folder, tmp_path))
