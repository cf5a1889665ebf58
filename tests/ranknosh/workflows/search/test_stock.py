"""A stock network beside the winner: by hand to the same numbers, killed and resumed, charged to nobody."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

import ranknosh
from ranknosh.cli.results import top
from ranknosh.cli.search import as_text
from ranknosh.config.search import CompareSettings, SearchSettings
from ranknosh.config.units import human_duration
from ranknosh.core.records import StockTrained, Stopped, Tested
from ranknosh.errors import ConfigError, DataError
from ranknosh.report.tables import decision_lines
from ranknosh.runs.events import Progress, silent
from ranknosh.runs.session import StopRequest
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.stock import Stock, in_question
from ranknosh.streams import torch_seed
from ranknosh.training import timing
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.evaluate import evaluate, trained_network
from ranknosh.training.rung import train_rung
from ranknosh.training.settings import Recipe
from ranknosh.workflows.retrain.run import job_of
from ranknosh.workflows.search import stock
from ranknosh.workflows.search.assembly import build_parts
from ranknosh.workflows.search.stock import epochs_within
from tests.image_sets import load
from tests.pages import read_page
from tests.pictures import save_pictures
from tests.ranknosh.workflows.search.small_search import DIGITS, SMALL


def search(folder, baseline, events=silent, **more):
    pyramid = {
        **SMALL["pyramid"],
        "epochs": [1, 3],
    }  # a stop that is asked for in the first epoch is heard before the last
    settings = {**SMALL, "pyramid": pyramid, "baseline": baseline, "train": {"warmup_epochs": 0.5}, "name": "a", **more}
    return ranknosh.search(data=DIGITS, budget=20, out=str(folder), events=events, **settings)


@pytest.fixture(autouse=True)
def _as_fast_as_the_winner(monkeypatch):
    """Epochs of a stock network take no longer than the winner's, however fast this machine is."""
    timed = timing.time_training
    monkeypatch.setattr(timing, "time_training", lambda *given: dataclasses.replace(timed(*given), epoch_seconds=0.0))


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        _as_fast_as_the_winner.__wrapped__(patch)
        return search(tmp_path_factory.mktemp("beside"), "mlp")


def test_it_is_trained_by_hand_to_the_same_numbers(beside, tmp_path):
    (found,), best = beside.pool.stock, beside.best
    assert (found.net, found.candidate_id, found.candidate_epochs) == ("mlp", best.id, best.epochs)
    assert (found.epochs, found.failed) == (best.epochs, None)
    assert found.candidate_seconds == sum(one.seconds for one in best.observations.values())
    parts = build_parts(beside.settings).recipe
    settings = parts.settings.model_copy(update={"total_epochs": found.epochs})
    recipe, store = Recipe(Stock("mlp"), parts.task, settings), CheckpointStore(tmp_path)
    train_rung(job_of(recipe.space.only, recipe, torch_seed(beside.settings.seed, "stock")), recipe, store)
    network = trained_network(0, store, recipe.space)
    assert found.metrics == evaluate(network, recipe.data.validation, recipe)
    assert found.test == evaluate(network, recipe.data.test, recipe)


def test_the_search_is_the_one_without_it(beside, tmp_path):
    without = search(tmp_path, "none")
    assert decision_lines(without) == decision_lines(beside)
    assert without.pool.tested[0].metrics == beside.pool.tested[0].metrics
    assert (without.pool.stock, without.describe()["stock"]) == ([], None)
    assert not (without.folder / "stock").exists()
    assert [type(record) for record in beside.history.records[-3:]] == [Tested, StockTrained, Stopped]
    assert beside.pool.epochs_spent == without.pool.epochs_spent
    assert "worth it?" not in as_text(without, without.describe())


def test_it_is_shown_apart_from_the_search(beside):
    now, (found,) = json.loads(json.dumps(beside.describe())), beside.pool.stock
    assert now["stock"]["net"] == "mlp"
    assert now["wall_seconds"] == beside.seconds - found.wall_seconds < beside.seconds
    text = as_text(beside, now)
    assert " 1 candidate, " in as_text(beside, {**now, "candidates": 1})
    shown = f"#{beside.best.id} {100 * beside.best.metrics['accuracy']:.2f} %"
    assert f"accuracy: {shown}" in text
    assert f"/ mlp {100 * found.metrics['accuracy']:.2f} % (26.63 K params) under the same recipe" in text
    page = beside.page().replace("\xa0", " ")
    assert "Is it worth it?" in page
    # The card has the wall time of summary and status.
    assert f"{human_duration(now['wall_seconds'])} wall time" in read_page(page).words
    assert any("stock" in item.where for item in beside.waste(everything=False))


def test_top_has_it_below_the_rows_that_meet_no_conditions(beside, capsys):
    (line,) = [line for line in as_text(beside, beside.describe()).splitlines() if "worth it?" in line]
    top(beside.folder)
    assert line in capsys.readouterr().out.splitlines()
    top(beside.folder, where=["accuracy >= 0"])
    assert "worth it?" not in capsys.readouterr().out
    top(beside.folder, as_json=True)
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(beside.top(10)))


@pytest.mark.parametrize("to", [["py", "card"], pytest.param(["onnx"], marks=pytest.mark.slow)])
def test_it_is_taken_home_out_of_the_search_also_where_its_data_have_moved(to, tmp_path):
    if "onnx" in to:
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
    save_pictures(tmp_path / "photos", load("digits", limit=60, validation_limit=40, test_limit=30))
    section = {"folder": str(tmp_path / "photos"), "resize": 6}
    settings = {**SMALL, "pyramid": {"epochs": [1], "initial": 2, "batch": 2, "candidates": 2}, "baseline": "mlp"}
    run = ranknosh.search(data=section, budget=20, out=str(tmp_path), events=silent, **settings)
    (folder,) = (run.folder / "stock").iterdir()
    (found,) = run.pool.stock
    (tmp_path / "photos").rename(tmp_path / "moved")
    with pytest.raises(DataError, match="photos does not exist"):
        ranknosh.open_run(folder).export(to, tmp_path / "model")
    exported = ranknosh.open_run(folder).moved([f"data.folder={tmp_path / 'moved'}"]).export(to, tmp_path / "model")
    assert exported.proof.recorded == found.metrics
    if "py" in to:
        assert "RESIZE = 6 " in (tmp_path / "model" / "model.py").read_text()
    for place in (run.folder, folder):
        card = json.loads((place / "best" / "card.json").read_text())
        assert (card["signature"]["inputs"], card["preparation"]["resize"]) == ([1, 6, 6], 6)
        assert card["made_by"]["ranknosh"] == ranknosh.__version__


def test_it_is_resumed_where_it_was_left(beside, tmp_path):
    stop = StopRequest()

    def heard(event):
        if isinstance(event, Progress) and event.task == "stock epochs":
            stop.request()

    with pytest.raises(KeyboardInterrupt):
        search(tmp_path, "mlp", heard, stop=stop)
    cut = ranknosh.open_run(tmp_path / "a")
    assert (cut.phase, len(cut.pool.tested), cut.pool.stock) == ("interrupted", 1, [])
    (ended,) = (run := cut.resume()).pool.stock
    (whole,) = beside.pool.stock
    assert (ended.metrics, ended.test, ended.epochs) == (whole.metrics, whole.test, whole.epochs)
    assert (run.phase, len(run.pool.tested)) == ("finished", 1)


def test_a_record_that_was_lost_is_made_again_without_training(beside, tmp_path):
    shutil.copytree(beside.folder, tmp_path / "a")
    path = tmp_path / "a" / "journal.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))
    inner = sorted((tmp_path / "a").glob("stock/*/journal.jsonl"))[0]
    before = inner.read_bytes()
    run = ranknosh.open_run(tmp_path / "a").resume()
    assert [one.metrics for one in run.pool.stock] == [one.metrics for one in beside.pool.stock]
    assert inner.read_bytes() == before


def test_a_run_that_ended_without_one_reads_and_takes_one_when_asked(tmp_path):
    run = search(tmp_path, "none")
    assert run.ended
    added = run.resume(["baseline=mlp"])
    assert (len(added.pool.stock), added.phase, len(added.pool.tested)) == (1, "finished", 1)
    assert added.resume().pool.stock == added.pool.stock


def test_auto_leaves_tries_alone_and_takes_one_of_about_the_winners_size(tmp_path, monkeypatch):
    assert stock.LEAST_SECONDS > 1
    monkeypatch.setattr(stock, "LEAST_SECONDS", 0.0)
    (found,) = search(tmp_path / "long", "auto").pool.stock
    assert found.net == "mlp"  # ResNet-18 has a hundred times its multiply-accumulates and more
    monkeypatch.setattr(stock, "LEAST_SECONDS", 1e9)
    assert search(tmp_path / "short", "auto").pool.stock == []


def test_one_that_does_not_fit_the_time_is_not_trained(tmp_path, monkeypatch):
    timed = timing.time_training
    monkeypatch.setattr(timing, "time_training", lambda *given: dataclasses.replace(timed(*given), epoch_seconds=1e9))
    heard = []
    run = search(tmp_path, "mlp", heard.append)
    assert run.pool.stock == []
    assert any("no stock network is trained beside" in str(getattr(event, "text", "")) for event in heard)


@pytest.mark.parametrize(
    ("epochs", "seconds", "epoch_seconds", "expected"),
    [(8, 16.0, 2.0, 8), (8, 16.0, 1.0, 8), (8, 16.0, 3.0, 5), (8, 16.0, 16.0, 1), (8, 16.0, 17.0, 0)],
)
def test_epochs_are_the_winners_or_as_many_as_fit_its_time(epochs, seconds, epoch_seconds, expected):
    assert epochs_within(epochs, seconds, epoch_seconds) == expected


@pytest.mark.parametrize(
    ("signature", "names"),
    [
        (Signature((3, 32, 32), (10,)), ("resnet18", "mobilenet_v3_small", "mlp")),
        (Signature((3, 32, 32), ()), ("mlp",)),
        (Signature((30,), (2,)), ("mlp",)),
        (Signature((3, 32, 32), (2, 32, 32)), ()),
        (Signature((30,), (2,), "int64", 9), ()),
    ],
)
def test_what_is_in_question_for_a_task(signature, names):
    assert in_question(signature) == names


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"baseline": "resnet"}, "baseline: unknown stock network 'resnet'.*did you mean resnet18.*none trains none"),
        (
            {"baseline": "mlp", "executor": {"name": "ask", "rank_by": "accuracy"}},
            "baseline is mlp, and candidates are trained by",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        SearchSettings.from_dict({"budget": {"epochs": 9}, **settings})


@pytest.fixture(scope="module")
def digits():
    settings = SearchSettings.from_dict({**SMALL, "baseline": "auto", "data": DIGITS, "budget": {"epochs": 9}})
    return settings, build_parts(settings).recipe


def expected(digits, seconds, macs, *changes):
    timed = timing.Timing((timing.Timed(macs, seconds, 0.0, 0, 0.0),), (seconds, 2 * seconds))
    return stock.expected_stock(digits[1], digits[0].replace(list(changes)), timed)


def test_before_a_search_it_is_known_what_is_trained_and_what_that_takes_at_most(digits):
    most = stock.ExpectedStock("mlp", 2, 2 * 2 * 30.0)  # two epochs, of the largest network
    assert expected(digits, 30.0, 1e4) == most
    assert expected(digits, 30.0, 1e12).net == "resnet18"
    assert expected(digits, 1.0, 1e4, "baseline=mlp") == dataclasses.replace(most, seconds=4.0)
    assert expected(digits, 30.0, 1e6, "baseline=none") is None


@pytest.mark.parametrize(
    ("seconds", "macs", "changes", "why"),
    [
        (1.0, 1e6, (), "takes less than 10 s"),
        (30.0, 1.0, (), "all have more than 4 times as many"),
        (30.0, 1e6, ("executor.name=ray",), "elsewhere than in this process"),
    ],
)
def test_why_none_will_be_trained(digits, seconds, macs, changes, why):
    found = expected(digits, seconds, macs, *changes)
    assert found.net is None
    assert why in found.why


def test_one_that_does_not_suit_the_data_is_refused_before_there_is_a_folder(tmp_path):
    rows = np.random.default_rng(0).normal(size=(60, 4))
    np.savez(tmp_path / "rows.npz", x=rows, y=(rows[:, 0] > 0).astype(int))
    given = {"space": "mlp", "data": str(tmp_path / "rows.npz"), "budget": 20, "out": str(tmp_path / "runs")}
    with pytest.raises(ConfigError, match=r"baseline is resnet18: .*baseline=auto takes one that suits"):
        ranknosh.search(**given, events=silent, baseline="resnet18")
    assert not (tmp_path / "runs").exists()


def test_a_comparison_trains_none_beside_its_winners():
    plain = {"data": DIGITS, "methods": "random", "budget": {"device_time": "9s"}, "baseline": "resnet18"}
    assert CompareSettings.from_dict(plain).search.baseline == "none"
