"""supernet/decisions/projection.py and perturbation.py: one edge at a time, by what its operations are needed for."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from ranknosh.errors import ConfigError
from supernet.decisions import Projection, with_projection, without
from supernet.decisions.perturbation import least_needed, most_needed, validation_worth
from supernet.decisions.projection import published_epochs
from supernet.method import Stage, with_recipe
from tests.supernet_cases import bare, tiny_darts, tiny_nasbench201, tiny_search, triangle
from tests.supernet_oracles import SIGNAL, chain_space, oracle_search


def run(search):
    while not search.ended:
        search.run_epoch()
    return search


def searched(epochs=1, **parts):
    return replace(bare(epochs, **parts), name="bare")


def test_a_mix_without_an_operation_lacks_its_weight_and_nothing_else():
    search = tiny_search(bare())
    mix = search.mix("evaluation", detached=True)
    before = mix.theta["normal"].clone()
    changed = without(mix, "normal", 2, 3)
    expected = before.clone()
    expected[2, 3] = 0
    assert torch.equal(changed.theta["normal"], expected)
    assert changed.theta["normal"][2].sum() == pytest.approx(1 - before[2, 3].item())
    assert changed.executed["normal"][2] == (0, 1, 2, 4)
    assert torch.equal(mix.theta["normal"], before)
    assert mix.executed["normal"][2] == (0, 1, 2, 3, 4)


def test_what_is_left_out_is_worth_what_a_forward_pass_with_weight_zero_says():
    search = tiny_search(bare())
    images, labels = next(search.batches("alphas", epoch=0, augment="none"))
    mix = search.mix("evaluation", detached=True)
    theta = mix.theta["normal"].clone()
    theta[1, 2] = 0
    search.net.train()
    with torch.no_grad():
        by_hand = functional.cross_entropy(search.net(images, mix.with_theta({"normal": theta})), labels)
    worth = validation_worth(search, "loss", 1)(without(mix, "normal", 1, 2))
    assert -worth == pytest.approx(by_hand.item(), rel=1e-5)


@pytest.mark.parametrize("criterion", ["loss", "metric"])
def test_the_most_needed_operation_by_brute_force(criterion):
    search = tiny_search(bare())
    worth = validation_worth(search, criterion, None)
    batches = list(search.batches("alphas", epoch=0, augment="none"))
    mix = search.mix("evaluation", detached=True)

    def value(kind, edge, places):
        theta = mix.theta[kind].clone()
        theta[edge, places] = 0
        correct, loss = 0, 0.0
        with torch.no_grad():
            for images, labels in batches:
                logits = search.net.train()(images, mix.with_theta({kind: theta}))
                correct += (logits.argmax(1) == labels).sum().item()
                loss += functional.cross_entropy(logits, labels, reduction="sum").item()
        return correct if criterion == "metric" else -loss

    for edge in range(6):
        values = [value("normal", edge, [place]) for place in range(5)]
        assert most_needed(mix, "normal", edge, range(5), worth) == values.index(min(values))
    values = [value("normal", edge, list(range(5))) for edge in range(6)]
    assert least_needed(mix, "normal", range(6), worth) == values.index(max(values))


def test_ties_go_to_the_first_operation_and_edge():
    search = tiny_search(bare())
    mix = search.mix("evaluation", detached=True)
    assert most_needed(mix, "normal", 0, (2, 1, 4), lambda _: 0.5) == 2
    assert least_needed(mix, "normal", (3, 1), lambda _: 0.5) == 3


@pytest.mark.parametrize("criterion", ["metric", "loss"])
def test_the_only_operation_with_signal_is_kept(criterion):
    search = run(oracle_search(with_projection(searched(4), interval=1, criterion=criterion), seed=1))
    assert search.history[3].train_metric > 0.6
    assert search.result() == {"normal": (SIGNAL, SIGNAL)}


def test_published_numbers_of_epochs():
    assert published_epochs(tiny_nasbench201(), 5) == 25
    assert published_epochs(tiny_darts(steps=4), 5) == 86
    assert published_epochs(tiny_nasbench201(), 1) == 6


def test_one_edge_is_decided_every_interval_and_the_last_one_in_the_last_epoch():
    search = tiny_search(with_projection(searched(), interval=2), images=16)
    decided = []
    while not search.ended:
        search.run_epoch()
        decided.append(6 - len(search.states.undecided("normal")))
    assert search.method.epochs == 1 + 10
    assert decided == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6]
    assert search.result() == search.states.cells()


def test_a_short_tuning_decides_what_is_left_in_its_last_epoch():
    search = run(tiny_search(with_projection(searched(), tuning_epochs=2), images=16))
    assert search.epoch == 3
    assert search.states.undecided("normal") == []


def test_darts_cells_end_with_two_edges_a_node_and_without_none():
    space = tiny_darts()
    search = tiny_search(with_projection(searched(), interval=1, validation_batches=1), space, images=16)
    decided = []
    while not search.ended:
        search.run_epoch()
        decided.append([sum(d >= 0 for d in search.states.decided[kind]) for kind in space.kinds])
    # Two nodes: five edges a kind, then one of the second node's three goes.
    assert decided[:7] == [[0, 0], [1, 1], [2, 2], [3, 3], [4, 4], [5, 5], [4, 4]]
    cells = search.result()
    for kind in space.kinds:
        kept = [place is not None for place in cells[kind]]
        assert kept[:2] == [True, True]
        assert sum(kept[2:]) == 2
        assert "none" not in space.names(kind, cells)


def test_nothing_but_edges_changes_when_one_is_decided():
    search = tiny_search(with_projection(searched(running_statistics=True), interval=1), images=16)
    search.run_epoch()
    before = {name: tensor.clone() for name, tensor in search.net.state_dict().items()}
    search._enter_stage()
    (projection,) = search.method.monitors
    projection.before_epoch(search)
    assert len(search.states.undecided("normal")) == 5
    assert all(torch.equal(tensor, before[name]) for name, tensor in search.net.state_dict().items())


def test_the_order_of_edges_comes_from_the_seed():
    def first_edges(seed):
        search = tiny_search(
            with_projection(searched(), interval=1, validation_batches=1), triangle(), seed=seed, images=16
        )
        search.run_epoch()
        search.run_epoch()
        return search.states.decided["normal"].index(max(search.states.decided["normal"]))

    orders = [first_edges(seed) for seed in range(5)]
    assert orders == [first_edges(seed) for seed in range(5)]
    assert len(set(orders)) > 1


def test_tuning_goes_on_with_a_tenth_of_the_learning_rate_and_no_momentum():
    search = tiny_search(with_projection(searched(), interval=1), triangle())
    first, second = search.run_epoch(), None
    assert search.optimiser.state_dict()["state"]
    search._enter_stage()
    assert search.optimiser.state_dict()["state"] == {}
    second = search.run_epoch()
    assert (first.lr, second.lr) == pytest.approx((0.025, 0.0025))
    assert (first.stage, second.stage) == ("search", "projection")


def test_the_projection_finds_something_else_than_the_largest_weights():
    base = run(tiny_search(searched(2)))
    projected = run(tiny_search(with_projection(searched(1), tuning_epochs=1)))
    assert base.result() != projected.result()


def test_alphas_of_decided_edges_stay_and_others_move():
    search = tiny_search(with_projection(searched(), interval=2), triangle())
    search.run_epoch()
    search.run_epoch()
    before = search.alphas["normal"].detach().clone()
    search.run_epoch()
    moved = (search.alphas["normal"] != before).any(dim=1).tolist()
    assert moved == [decision == -1 for decision in search.states.decided["normal"]]


def test_resumed_in_the_middle_of_the_projection():
    method = with_projection(searched(), interval=1)
    straight = run(tiny_search(method, images=16))
    half = tiny_search(method, images=16)
    for _ in range(3):
        half.run_epoch()
    resumed = tiny_search(method, images=16)
    resumed.load_state_dict(half.state_dict())
    run(resumed)
    assert resumed.result() == straight.result()
    assert all(torch.equal(a, b) for a, b in zip(resumed.net.parameters(), straight.net.parameters(), strict=True))
    assert torch.equal(resumed.alphas["normal"], straight.alphas["normal"])


def test_a_changed_recipe_reaches_the_tuning_but_for_its_learning_rate():
    method = with_recipe(with_projection(searched()), batch=96, lr=0.5, augment="none")
    tuning = method.stages[-1].recipe
    assert (tuning.batch, tuning.augment, tuning.lr) == (96, "none", 0.0025)
    assert (method.recipe.batch, method.recipe.lr) == (96, 0.5)


def test_without_its_stage_it_is_refused():
    with pytest.raises(ConfigError, match="with_projection"):
        tiny_search(replace(bare(), stages=(Stage(1),), monitors=(Projection(),)))


@pytest.mark.parametrize("option", ["interval", "tuning_epochs", "validation_batches"])
def test_numbers_below_one_are_refused(option):
    with pytest.raises(ConfigError, match=option):
        with_projection(bare(), **{option: 0})


def test_a_space_whose_edges_only_offer_excluded_operations_keeps_them():
    space = replace(chain_space(("none",)), excluded=("none",))
    search = run(oracle_search(with_projection(searched(), interval=1), space=space))
    assert search.states.undecided("normal") == []
