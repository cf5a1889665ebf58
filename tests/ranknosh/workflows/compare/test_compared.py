"""Stock networks as methods of a comparison: nothing is searched, and all else is as for any other."""

import dataclasses
from unittest.mock import Mock

import pytest

from ranknosh.errors import ConfigError
from ranknosh.runs.run import begin
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.nets.cost import count_params
from ranknosh.spaces.stock import Stock
from ranknosh.streams import torch_seed
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.evaluate import evaluate, trained_network
from ranknosh.training.rung import train_rung
from ranknosh.training.settings import Recipe
from ranknosh.workflows import open_run
from ranknosh.workflows.compare import run as compare_run
from ranknosh.workflows.compare.compared import StockNetwork, check_stock
from ranknosh.workflows.compare.methods import make_methods
from ranknosh.workflows.compare.run import CompareRun
from ranknosh.workflows.compare.text import lines, markdown
from ranknosh.workflows.retrain.run import job_of
from tests.small_tasks import small_task


@pytest.fixture
def compared(parts, wanted, answering, heard, tmp_path, monkeypatch):
    """A comparison of a search that answers at once with the plain stock network, under cells with an auxiliary head."""
    known = {"random": answering("random", {5: 0, 6: 1}), **make_methods(["mlp"], NasBench201())}
    monkeypatch.setattr(compare_run, "make_methods", lambda names, space: known)
    monkeypatch.setattr(compare_run, "measure", lambda *args, **named: Mock(typical=0.0, proxy_seconds=0.0))
    asked = wanted(*known, final_epochs=2, train={"drop_path": 0.1})
    return begin(CompareRun, asked, command="", folder=tmp_path / "c", data=parts.recipe.data, events=heard)


def test_a_stock_network_is_trained_by_hand_to_the_same_result(compared, parts, tmp_path):
    space, settings = Stock("mlp"), parts.recipe.settings.model_copy(update={"total_epochs": 2})
    recipe = Recipe(space, parts.recipe.task, settings)
    job, store = job_of(space.only, recipe, torch_seed(5, "final")), CheckpointStore(tmp_path / "by hand")
    train_rung(job, recipe, store)
    network = trained_network(0, store, space)
    final = compared.state.final(compared.state.searched["mlp", 5], NasBench201())
    assert final.validation == evaluate(network, recipe.data.validation, recipe)["accuracy"]
    assert final.test == evaluate(network, recipe.data.test, recipe)["accuracy"]
    assert (final.params, final.epochs, final.failed) == (count_params(network), 2, None)


def test_it_costs_no_search_and_is_named_where_others_have_what_they_found(compared, heard):
    (row,) = (row for row in compared.rows if row.method == "mlp")
    assert (row.spread("cost").mean, row.share, row.on_budget, row.work) == (0.0, 0.0, True, "no search")
    assert row.finds == {"mlp": "seeds 5, 6"}
    assert row.spread("validation").n == 2
    assert not (compared.folder / "mlp").exists()
    text = markdown(compared.rows, compared.settings, compared.metric)
    assert "Stock networks (mlp) need no search, which costs 0 s" in text
    assert "a result near chance tells of the recipe" in text
    assert lines([row])[0][5] == "no search"
    assert "`mlp` (seeds 5, 6)" in text
    assert "* mlp" not in text
    assert "no search" in compared.page()
    (line,) = (line for line in heard.lines if line.startswith("mlp, seed 5: found mlp in 0"))
    assert line.endswith("(a stock network needs no search)")


def test_its_best_training_is_taken_home_and_it_is_resumed(compared):
    before = (compared.folder / "journal.jsonl").read_bytes()
    found = compared.finished("mlp")
    assert found.architecture == Stock("mlp").only
    assert open_run(compared.folder).resume().state == compared.state
    assert (compared.folder / "journal.jsonl").read_bytes() == before


def test_what_does_not_suit_the_task_is_refused_by_name(parts):
    methods = make_methods(["resnet18", "mlp"], NasBench201()).values()
    settings = parts.recipe.settings.model_copy(update={"metric": "auto"})
    recipe = dataclasses.replace(parts.recipe, task=small_task("tokens"), settings=settings)
    with pytest.raises(
        ConfigError, match=r"the method resnet18 is a stock network: resnet18 builds networks .*take it out"
    ):
        check_stock(methods, recipe)
    check_stock(methods, parts.recipe)


def test_a_network_of_the_users_own_is_a_method():
    (method,) = make_methods(["tests.module_nets:Deep"], NasBench201()).values()
    assert isinstance(method, StockNetwork)
    assert method.name == "tests.module_nets:Deep"
