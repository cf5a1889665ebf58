"""The network of a search's candidate, taken home: the one that was ranked, averaged weights included."""

import pytest

from ranknosh.config.search import SearchSettings
from ranknosh.errors import ConfigError, DataError
from ranknosh.runs.run import begin
from ranknosh.runs.session import StopRequest
from ranknosh.training.evaluate import evaluate
from ranknosh.workflows import open_run
from ranknosh.workflows.search.run import SearchRun
from tests.image_sets import load
from tests.own_training import SMALL, small_search
from tests.pictures import save_pictures

SETTINGS = {
    "space": {"channels": 4, "cells": 1},
    "data": {"name": "digits", "limit": 100, "validation_limit": 60, "test_limit": 50},
    "pyramid": {"epochs": [1, 2], "initial": 3, "batch": 2, "candidates": 3},
    "seeding": {"proxies": []},
    "train": {"metric": "ema_loss", "ema": 0.8},
    "budget": {"epochs": 12},
}


def begun(folder, changes=(), **given):
    settings = SearchSettings.from_dict({**SETTINGS, "out": str(folder)}).replace(list(changes))
    return begin(SearchRun, settings, command="test", **given)


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    return begun(tmp_path_factory.mktemp("searched"))


def test_averaged_weights_are_taken_where_they_were_ranked(searched):
    for candidate in searched.leaderboard():
        found = searched.finished(candidate.id)
        assert (found.epochs, found.planned) == (candidate.epochs, 2)
        measured = evaluate(found.network, found.task.data.validation, found.recipe)
        assert measured["loss"] == pytest.approx(candidate.metrics["loss"], rel=1e-5)
        assert found.test == (searched.pool.tested[0].metrics if candidate is searched.best else {})


def test_a_paused_candidate_is_exported_and_says_so(searched, tmp_path):
    paused = next(each for each in searched.leaderboard() if each.epochs == 1)
    proof = searched.export(["py", "card"], tmp_path / "model", candidate=paused.id).proof
    assert proof.recorded == paused.metrics
    assert "1 of 2 epochs: it was paused" in (tmp_path / "model" / "card.md").read_text()


def test_pictures_that_stay_on_disk_are_read_for_the_proof(tmp_path):
    """Photographs of 12x10 that are brought to 8x8, as ``read`` of the exported module does it."""
    image = pytest.importorskip("PIL.Image")
    save_pictures(tmp_path / "photos", load("digits", limit=60, validation_limit=40, test_limit=20))
    for path in (tmp_path / "photos").rglob("*.png"):
        image.open(path).resize((12, 10)).save(path)
    data = {"folder": str(tmp_path / "photos"), "resize": 8, "in_memory": False}
    settings = SearchSettings.from_dict({**SETTINGS, "data": data, "out": str(tmp_path)})
    run = begin(SearchRun, settings, command="test")
    run.export(["py"], tmp_path / "model")
    found = run.finished()
    inputs, _ = next(iter(found.task.data.validation.read(40)))
    wanted = found.outputs(inputs).softmax(1).topk(1)
    pictures = sorted((tmp_path / "photos" / "val").rglob("*.png"))
    rows = run.predict(pictures, top=1).rows
    said = sorted((row["classes"][0]["class"], round(row["classes"][0]["probability"], 4)) for row in rows)
    names = [found.classes[number] for number in wanted.indices[:, 0]]
    assert said == sorted(zip(names, [round(value, 4) for value in wanted.values[:, 0].tolist()], strict=True))
    (tmp_path / "photos").rename(tmp_path / "moved")
    with pytest.raises(DataError, match="photos does not exist"):
        run.export(["py"], tmp_path / "again")
    moved = run.moved([f"data.folder={tmp_path / 'moved'}"])
    assert moved.export(["card"], tmp_path / "again").proof.recorded == run.best.metrics
    assert open_run(run.folder).settings == run.settings
    with pytest.raises(ConfigError, match="seed was 0 when this run started"):
        run.moved(["seed=3"])


def test_a_search_without_a_result_has_nothing_to_take(tmp_path):
    stop = StopRequest()
    stop.request()
    with pytest.raises(KeyboardInterrupt):
        begun(tmp_path, stop=stop)
    (folder,) = tmp_path.glob("run-*")
    with pytest.raises(ConfigError, match="has no trained candidate yet"):
        open_run(folder).export(out=tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_training_of_a_users_own_says_what_it_left(tmp_path):
    run = small_search(
        {**SMALL, "executor": {"name": "evaluate", "function": "tests.own_training:counting", "rank_by": "accuracy"}},
        tmp_path,
        "own",
    )
    with pytest.raises(ConfigError, match=r"has no networks of ours.*is in .*best/checkpoint"):
        run.export(out=tmp_path / "model")


def test_other_data_are_refused(searched):
    with pytest.raises(DataError, match="the data are not those of"):
        searched.finished(data=load("digits", limit=90, validation_limit=60, test_limit=50))
