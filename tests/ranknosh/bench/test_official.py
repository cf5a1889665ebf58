"""The official files of NAS-Bench-201 and NATS-Bench: small ones of their layout, read to values worked out by hand."""

import bz2
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ranknosh.bench.account import Account
from ranknosh.bench.methods import method_of
from ranknosh.bench.sources import add
from ranknosh.errors import ConfigError, DataError
from ranknosh.tasks.data.table import Table

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
CELLS = [f"|{op}~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|" for op in OPERATIONS]
SEEDS = {12: (111,), 200: (777, 888)}


def accuracy(number: int, epochs: int, epoch: int, seed: int) -> float:
    """Percent of validation after ``epoch`` of ``epochs``, from 0."""
    return 10 * number + epochs / 10 + epoch / 100 + seed / 1000


def training(number: int, data: str, epochs: int, seed: int, everywhere: bool) -> dict[str, Any]:
    known = range(epochs) if everywhere else [epochs - 1]
    validation = {f"x-valid@{epoch}": accuracy(number, epochs, epoch, seed) for epoch in known}
    return {
        "name": data,
        "train_acc1es": dict.fromkeys(range(epochs), 99.0),
        "train_acc5es": dict.fromkeys(range(epochs), 99.5),
        "train_losses": {epoch: 2 - epoch / 200 for epoch in range(epochs)},
        "train_times": OrderedDict((epoch, 2.0 + number) for epoch in range(epochs)),
        "arch_config": {"channel": 16, "num_cells": 5, "arch_str": CELLS[number], "class_num": 10},
        "params": np.float64(0.1 + number),
        "flop": 10.0 + number,
        "seed": seed,
        "epochs": epochs,
        "latency": [np.float64(0.01)],
        "eval_names": ["x-valid", "ori-test"],
        "eval_acc1es": {f"ori-test@{epochs - 1}": 3.0, **validation},
        "eval_times": {},
        "eval_losses": {},
        "net_state_dict": None,
    }


def results(number: int, epochs: int) -> dict[str, Any]:
    found = {
        (data, seed): training(number, data, epochs, seed, data == "cifar10-valid" or epochs == 12)
        for seed in reversed(SEEDS[epochs])
        for data in ("cifar10-valid", "cifar100")
    }
    seeds = {data: list(SEEDS[epochs]) for data in ("cifar10-valid", "cifar100")}
    return {
        "arch_index": number,
        "arch_str": CELLS[number],
        "all_results": found,
        "dataset_seed": seeds,
        "clear_net_done": True,
    }


def whole(short: str, long: str) -> dict[str, Any]:
    infos = {number: OrderedDict({short: results(number, 12), long: results(number, 200)}) for number in range(5)}
    return {"meta_archs": CELLS, "total_archs": 5, "arch2infos": infos, "evaluated_indexes": set(range(5))}


def packed(path: Path, what: Any) -> Path:
    with bz2.open(path, "wb") as file:
        pickle.dump(what, file, protocol=4)
    return path


def written(home: Path, form: str) -> Path:
    if form.startswith("pth"):
        path = home / "NAS-Bench-201-v1_1-096897.pth"
        torch.save(whole("less", "full"), path, _use_new_zipfile_serialization=form == "pth")
        return path
    everything = whole("12", "200")
    if form == "pbz2":
        return packed(home / "NATS-tss-v1_0-3ffb9.pickle.pbz2", everything)
    folder = home / "NATS-tss-v1_0-3ffb9-simple"
    folder.mkdir()
    for number, found in everything["arch2infos"].items():
        packed(folder / f"{number:06d}.pickle.pbz2", found)
    packed(folder / "meta.pickle.pbz2", {**everything, "arch2infos": None, "evaluated_indexes": set()})
    return folder


@pytest.fixture(params=["pth", "pth of old", "pbz2", "simple"])
def source(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return written(tmp_path, request.param)


def test_curves_where_validation_is_known_at_every_epoch(source: Path, tmp_path: Path) -> None:
    made = add(source, tmp_path / "t.npz")
    assert (made.architectures, made.epochs, made.seeds, made.short) == (5, tuple(range(1, 201)), 2, 0)
    table = Table.load(tmp_path / "t.npz", levels=(1, 40, 200))
    assert (table.data, table.accounting) == ("cifar10-valid", "resume")
    assert [table.space.format(one) for one in table.architectures] == CELLS
    # 200 epochs: 20 %, epochs 1, 40 and 200 are 0, 39 and 199 from 0, and the seeds add 0.777 and 0.888 %.
    np.testing.assert_allclose(table.values[0][3], [0.50777, 0.50888])
    np.testing.assert_allclose(table.values[1][3], [0.51167, 0.51278])
    np.testing.assert_allclose(table.values[2][0], [0.22767, 0.22878])
    np.testing.assert_allclose(np.load(tmp_path / "t.npz")["train_loss"][:, [0, 39, 199], 1], [[2, 1.805, 1.005]] * 5)
    np.testing.assert_allclose(table.costs["params"], [100_000, 1_100_000, 2_100_000, 3_100_000, 4_100_000])
    np.testing.assert_allclose(table.costs["macs"][4], 14e6)
    np.testing.assert_allclose(table.seconds, [400, 600, 800, 1000, 1200])


def test_ends_of_short_and_long_trainings_where_it_is_not(source: Path, tmp_path: Path) -> None:
    made = add(source, tmp_path / "t.npz", data="CIFAR-100", data_set="cifar100")
    assert (made.epochs, made.seeds) == ((12, 200), 2)
    table = Table.load(tmp_path / "t.npz")
    assert (table.data, table.epochs, table.curves, table.accounting) == ("CIFAR-100", (12, 200), None, "scratch")
    np.testing.assert_allclose(table.values[0][2], [0.21421, np.nan])  # 20 + 1.2 + 0.11 + 0.111
    np.testing.assert_allclose(table.values[1][2], [0.42767, 0.42878])
    account = Account(table, 0, 1000)
    method_of("halving_unseeded")(account)
    assert account.trainings


def test_other_data_sets_are_named(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown data set 'cifar10'"):
        add(source, tmp_path / "t.npz", data_set="cifar10")
    with pytest.raises(
        DataError, match="no training on ImageNet16-120 to 200 epochs; there are cifar10-valid, cifar100"
    ):
        add(source, tmp_path / "t.npz", data_set="ImageNet16-120")
    (tmp_path / "t.csv").write_text("arch,epoch,validation_accuracy\n")
    with pytest.raises(ConfigError, match="no official file"):
        add(tmp_path / "t.csv", tmp_path / "t.npz", data_set="cifar100")
    assert not (tmp_path / "t.npz").exists()


class _Evil:
    def __reduce__(self) -> Any:
        return os.mkdir, ("ran",)


@pytest.mark.parametrize("form", ["pth", "pth of old", "pbz2", "simple"])
def test_a_file_that_would_run_something_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.chdir(tmp_path)
    source = written(tmp_path, form)
    if form.startswith("pth"):
        torch.save({**whole("less", "full"), "more": _Evil()}, source, _use_new_zipfile_serialization=form == "pth")
    else:
        packed(source / "000003.pickle.pbz2" if form == "simple" else source, {"12": _Evil()})
    with pytest.raises(DataError, match=r"it names (posix|nt)\.mkdir, and a pickle may run whatever it names"):
        add(source, tmp_path / "t.npz")
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "t.npz").exists()


@pytest.mark.parametrize("name", ["a.pth", "a.pickle.pbz2"])
def test_what_is_no_such_file_is_said(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(DataError, match="does not exist"):
        add(path, tmp_path / "t.npz")
    for broken in (b"", b"no pickle at all", pickle.dumps({"a": 1})):
        path.write_bytes(broken)
        with pytest.raises(DataError, match=r"cannot be read|has no arch2infos"):
            add(path, tmp_path / "t.npz")
    for wrong in ([1], {"arch2infos": {0: [1]}}, {"arch2infos": {0: {"12": {}, "200": {}}}}):
        if name.endswith("pth"):
            torch.save(wrong, path)
        else:
            packed(path, wrong)
        with pytest.raises(DataError, match=r"holds list where results|has not the layout of NAS-Bench-201"):
            add(path, tmp_path / "t.npz")
