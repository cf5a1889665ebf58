"""supernet/objective.py: any loss, any metric, inputs of any shape."""

import math

import pytest
import torch
from torch.nn import functional

from ranknosh.errors import ConfigError, DataError, RankNoshError
from supernet.data import TensorData, halves
from supernet.decisions.perturbation import validation_worth
from supernet.diagnostics.gap import discretisation_gap
from supernet.method import with_recipe
from supernet.methods import METHODS
from supernet.objective import Accuracy, Judge, MeanLoss, floats_as
from supernet.sampling import best_of
from supernet.search import SupernetSearch
from supernet.updates.shapley import marginal_worths
from tests.small_tasks import small_space, small_task
from tests.supernet_cases import bare, tiny_data, tiny_nasbench201

CHANNELS = "without partial channels|partial channels cut"
SQUARES = r"cuts squares out of pictures \(C, H, W\), and an input here is \(5,\)"
REFUSED = {
    "darts_plus": "skips are to be counted in the normal cell",
    "dots": "give every operation of the space a group",
    "p_darts": "its stages have supernets of several depths",
    **dict.fromkeys(("pc_darts", "gaea_pc_darts", "ostr_pc_darts", "rf_pc_darts", "drnas_progressive"), CHANNELS),
    ("regression", "r_darts_dp"): SQUARES,
    ("tokens", "r_darts_dp"): SQUARES,
    ("dense", "rf_darts"): "trains norms of the weights, and the networks of maps-.* have none",
}
"""Methods that cannot search these spaces and tasks, and the sentence that says why."""
RMSE = Judge("rmse", False, lambda: RootMeanSquare())


class RootMeanSquare:
    def __init__(self):
        self.squares = []

    def update(self, outputs, targets):
        self.squares.append((outputs - targets.reshape(outputs.shape)) ** 2)

    def compute(self):
        return torch.cat(self.squares).mean().sqrt()


def squared(outputs, targets):
    return functional.mse_loss(outputs, targets.reshape(outputs.shape))


def prepared(name):
    """The training part of a small task as networks see it."""
    task = small_task(name)
    inputs, targets = task.data.preparation(task.data.train.inputs, task.data.train.targets, "none", None)
    return task, TensorData(inputs, targets)


def regression_search(method=None, **arguments):
    task, data = prepared("regression")
    method = with_recipe(method or bare(2), batch=8, augment="none")
    given = {"loss": squared, "judge": RMSE, **arguments}
    return SupernetSearch(method, small_space("regression").relaxed(task.signature), data, **given)


def test_meters_by_hand():
    accuracy, loss = Accuracy(), MeanLoss(squared)
    assert math.isnan(accuracy.compute())
    assert math.isnan(loss.compute())
    for outputs, classes in (([[2.0, 1.0], [0.0, 3.0]], [0, 0]), ([[0.0, 1.0]], [1])):
        accuracy.update(torch.tensor(outputs), torch.tensor(classes))
    assert accuracy.compute() == 2 / 3
    loss.update(torch.zeros(3, 1), torch.tensor([1.0, 1.0, 2.0]))  # mean 2
    loss.update(torch.zeros(1, 1), torch.tensor([4.0]))
    assert loss.compute() == pytest.approx((1 + 1 + 4 + 16) / 4)
    assert RMSE.of(torch.zeros(2, 1), torch.tensor([3.0, 3.0])) == 3
    assert (RMSE.worth(3.0), Judge().worth(3.0)) == (-3.0, 3.0)


def test_tokens_stay_integers():
    assert floats_as(torch.ones(2), torch.float64).dtype == torch.float64
    assert floats_as(torch.ones(2, dtype=torch.int64), torch.float64).dtype == torch.int64


def test_weights_and_alphas_follow_the_loss_that_is_given():
    """Ten times the loss is ten times the first gradient; targets of a regression are no classes at all."""
    gradients = []
    for factor in (1.0, 10.0):
        search = regression_search(loss=lambda outputs, targets, factor=factor: factor * squared(outputs, targets))
        inputs, targets = next(search.batches("weights", epoch=0))
        loss = search.loss(search.net(inputs, search.mix("alphas", draw=1)), targets)
        gradients.append((loss.item(), torch.autograd.grad(loss, search.parameters["module"])[0]))
    assert gradients[1][0] == pytest.approx(10 * gradients[0][0], rel=1e-5)
    torch.testing.assert_close(gradients[1][1], 10 * gradients[0][1], rtol=1e-4, atol=1e-5)
    search = regression_search()
    before = {name: values.detach().clone() for name, values in search.parameters.items()}
    report = search.run_epoch()
    assert report.weights_loss > 100  # targets are about 40
    assert report.train_metric == pytest.approx(math.sqrt(report.weights_loss), rel=0.05)
    assert not torch.equal(before["module"], search.parameters["module"])


def test_evaluation_is_the_metric_and_the_loss_over_the_half_by_hand():
    search = regression_search()
    mix = search.mix("evaluation", detached=True)
    with torch.no_grad():
        search.net.train()
        pairs = [
            (search.net(inputs, mix)[:, 0], targets) for inputs, targets in search.batches("alphas", 0, augment="none")
        ]
    errors = torch.cat([outputs - targets for outputs, targets in pairs])
    metric, loss = search.evaluate(mix)
    assert metric == pytest.approx(errors.square().mean().sqrt().item(), rel=1e-5)
    assert loss == pytest.approx(errors.square().mean().item(), rel=1e-5)
    assert validation_worth(search, "metric", None)(mix) == -metric


def test_where_lower_is_better_the_lowest_wins():
    search = regression_search()
    cells = [{"module": (first, second)} for first in range(3) for second in range(3)]
    values = [search.evaluate(search.discrete_mix(each))[0] for each in cells]
    assert best_of(search, iter(cells), None) == (cells[values.index(min(values))], min(values))
    found = discretisation_gap(search)
    assert found.gap == found.derived - found.supernet


def test_a_loss_turned_round_ends_a_permutation_where_it_has_grown_by_the_factor():
    worths = [-1.0, -1.5, -2.5, -9.0]
    assert marginal_worths([0, 1, 2], lambda out: worths[len(out)], truncation=0.5) == [0.5, 1.0, 0.0]
    assert marginal_worths([0, 1, 2], lambda out: worths[len(out)]) == [0.5, 1.0, 6.5]


def test_halves_share_out_values_too_and_maps_are_cut_at_random():
    first, second = halves(torch.arange(20.0), 0)
    assert sorted([*first.tolist(), *second.tolist()]) == list(range(20))
    assert all(len({2 * i, 2 * i + 1} & set(first.tolist())) == 1 for i in range(10))  # one of each two neighbours
    first, second = halves(torch.zeros(9, 4, 4), 0)
    assert sorted([*first.tolist(), *second.tolist()]) == list(range(9))
    assert not torch.equal(first, halves(torch.zeros(9, 4, 4), 1)[0])


def test_unequal_numbers_of_inputs_and_targets_are_refused():
    with pytest.raises(DataError, match="one target an input"):
        TensorData(torch.zeros(4, 2), torch.zeros(3))


@pytest.mark.parametrize("name", ["regression", "dense", "tokens"])
@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.slow
def test_every_method_searches_every_task_or_says_why_not(name, method):
    task, data = prepared(name)
    made = with_recipe(METHODS[method](), batch=8, augment="none")
    space = small_space(name).relaxed(task.signature)
    first = next(iter(task.metrics.values()))
    judge = Judge(first.name, first.higher, first.make)
    if method in REFUSED or (name, method) in REFUSED:
        with pytest.raises(RankNoshError, match=REFUSED.get(method) or REFUSED[name, method]):
            SupernetSearch(made, space, data, loss=task.loss, judge=judge).run_epoch()
        return
    search = SupernetSearch(made, space, data, loss=task.loss, judge=judge)
    if not search.ended:
        assert math.isfinite(search.run_epoch().weights_loss)
    assert set(search.method.selection.derive(search)) == {"module"}


def test_squares_are_cut_out_of_pictures_alone():
    with pytest.raises(ConfigError, match=SQUARES):
        regression_search(METHODS["r_darts_dp"]())
    assert SupernetSearch(METHODS["r_darts_dp"](), tiny_nasbench201(), tiny_data()).epoch == 0
