"""supernet/methods/gaea.py."""

import pytest
import torch

from supernet.methods import get_method
from tests.supernet_cases import tiny_darts, tiny_nasbench201, tiny_search
from tests.supernet_checks import goes_on_exactly, run, runs_and_differs, same


@pytest.mark.parametrize("bilevel", [False, True])
def test_it_runs_and_differs_from_darts(bilevel):
    base = get_method("darts" if bilevel else "single_darts", epochs=2)
    runs_and_differs(get_method("gaea", epochs=2, bilevel=bilevel), base)


@pytest.mark.parametrize("single_level", [False, True])
def test_on_partial_channels(single_level):
    method = get_method("gaea_pc_darts", epochs=2, single_level=single_level)
    runs_and_differs(method, get_method("pc_darts", epochs=2))


@pytest.mark.parametrize("case", [tiny_nasbench201, tiny_darts])
def test_weights_stay_on_their_simplexes_and_move(case):
    search = run(get_method("gaea_pc_darts", epochs=4), case)
    for kind in search.space.kinds:
        topology = search.space.topology(kind)
        alphas, edges = search.alphas[kind].detach(), search.parameters[f"edges.{kind}"].detach()
        assert torch.allclose(alphas.sum(1), torch.ones(len(alphas)), atol=1e-5)
        assert (alphas > 0).all()
        assert (alphas != 1 / search.space.width).any()
        for node in range(topology.inputs, topology.nodes):
            assert float(edges[list(topology.incoming(node))].sum()) == pytest.approx(1.0, abs=1e-5)
        assert not torch.equal(edges, search.method.weighting.initial(topology, torch.Generator()))


def test_none_is_left_out_unless_asked_for():
    search = tiny_search(get_method("gaea", epochs=2))
    assert (search.mix("alphas").theta["normal"][:, 0] == 0).all()
    assert torch.allclose(search.mix("alphas").theta["normal"][:, 1:], torch.full((6, 4), 0.25))
    assert not same(run(get_method("gaea", epochs=2)), run(get_method("gaea", epochs=2, with_none=True)))


@pytest.mark.parametrize("name", ["gaea", "gaea_pc_darts"])
def test_it_goes_on_exactly(name):
    goes_on_exactly(get_method(name, epochs=2))
