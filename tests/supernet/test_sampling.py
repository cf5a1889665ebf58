"""supernet/sampling.py: drawn cells belong to the space, uniformly; ranking takes the best."""

import pytest
import torch

from ranknosh.errors import SpaceError
from supernet.sampling import best_of, passes, sample_cells
from supernet.selections.sampled import BestOfSamples, log_probability
from tests.supernet_cases import bare, tiny_darts, tiny_nasbench201, tiny_search, triangle


def test_operations_of_nasbench201_are_drawn_uniformly_among_living_cells():
    generator = torch.Generator().manual_seed(0)
    counts = torch.zeros(6, 5)
    for _ in range(2000):
        for edge, place in enumerate(sample_cells(tiny_nasbench201(), generator)["normal"]):
            counts[edge, place] += 1
    assert ((counts - 400).abs() < 90).all()  # 5 standard deviations of a share of a fifth


def test_darts_cells_keep_two_edges_a_node_and_no_none():
    space = tiny_darts(steps=4)
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        cells = sample_cells(space, generator)
        for kind in space.kinds:
            topology = space.topology(kind)
            for node in range(2, 6):
                assert sum(cells[kind][slot] is not None for slot in topology.incoming(node)) == 2
            assert 0 not in cells[kind]


def test_probabilities_decide():
    theta = {"normal": torch.zeros(6, 5)}
    theta["normal"][:, 3] = 1
    assert sample_cells(tiny_nasbench201(), torch.Generator(), theta)["normal"] == (3,) * 6


def test_dead_cells_are_not_drawn():
    space = tiny_nasbench201()
    assert not passes(space, "normal", (0, 0, 1, 0, 1, 1))
    assert passes(space, "normal", (0, 0, 0, 1, 0, 0))
    theta = {"normal": torch.tensor([[1.0, 0, 0, 0, 0]] * 6)}
    with pytest.raises(SpaceError, match="1000 draws"):
        sample_cells(space, torch.Generator(), theta)


def test_the_best_by_shared_weights_is_taken():
    search = tiny_search(bare())
    search.run_epoch()
    candidates = [sample_cells(search.space, torch.Generator().manual_seed(seed)) for seed in range(6)]
    values = [search.evaluate(search.discrete_mix(cells))[0] for cells in candidates]
    best, value = best_of(search, iter(candidates), None)
    assert value == max(values)
    assert best == candidates[values.index(max(values))]


def test_likeliest_are_in_order_of_probability_and_first_is_the_magnitude():
    search = tiny_search(bare())
    with torch.no_grad():
        search.alphas["normal"].copy_(torch.randn(6, 5, generator=torch.Generator().manual_seed(1)))
    selection = BestOfSamples(10, 1, "likeliest")
    cells = list(selection.candidates(search))
    theta = selection.scores(search)
    logs = [log_probability(each, theta) for each in cells]
    assert logs == sorted(logs, reverse=True)
    assert cells[0]["normal"] == tuple(theta["normal"].argmax(1).tolist())
    assert logs[0] == pytest.approx(theta["normal"].max(1).values.log().sum().item(), rel=1e-5)
    assert len({str(each) for each in cells}) == 10


def test_a_users_space_is_ranked_from_draws():
    search = tiny_search(bare(selection=BestOfSamples(4, 1, "likeliest")), triangle())
    search.run_epoch()
    assert len(list(search.method.selection.candidates(search))) == 4
    assert search.result()["normal"]
