"""A stock network beside the winner: by hand to the same numbers, killed and resumed, charged to nobody."""

import dataclasses
import json
import shutil

import pytest

import ranknosh
from ranknosh.cli.search import as_text
from ranknosh.core.records import StockTrained, Stopped, Tested
from ranknosh.errors import ConfigError
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
    shown = f"#{beside.best.id} {100 * beside.best.metrics['accuracy']:.2f} %"
    assert f"accuracy: {shown}" in text
    assert f"/ mlp {100 * found.metrics['accuracy']:.2f} % (26.63 K params) under the same recipe" in text
    assert "Is it worth it?" in beside.page()
    assert any("stock" in item.where for item in beside.waste(everything=False))


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
    from ranknosh.config.search import SearchSettings

    with pytest.raises(ConfigError, match=message):
        SearchSettings.from_dict({"budget": {"epochs": 9}, **settings})
