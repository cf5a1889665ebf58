"""supernet/diagnostics/landscape.py."""

import pytest
import torch

from ranknosh.errors import ConfigError
from ranknosh.streams import torch_seed
from supernet.diagnostics.landscape import directions, landscape
from tests.supernet_cases import bare, tiny_darts, tiny_search


def test_rows_of_a_direction_are_as_long_as_those_of_the_alphas():
    search = tiny_search(bare(), tiny_darts())
    found = directions(search, torch.Generator().manual_seed(0))
    for kind, alphas in search.alphas.items():
        torch.testing.assert_close(found[kind].norm(dim=1), alphas.detach().norm(dim=1))
        assert not torch.allclose(found[kind], alphas.detach())


def test_points_are_losses_of_moved_alphas():
    search = tiny_search(bare())
    with torch.no_grad():
        search.alphas["normal"].copy_(torch.randn(6, 5, generator=torch.Generator().manual_seed(3)))
    before = search.alphas["normal"].detach().clone()
    found = landscape(search, 3, span=0.5, batches=2, seed=4)
    assert found.coordinates == [-0.5, 0.0, 0.5]
    accuracy, loss = search.evaluate(search.mix("evaluation"), batches=2)
    assert found.loss[1][1] == pytest.approx(loss, rel=1e-6)
    assert found.metric[1][1] == accuracy
    assert torch.equal(search.alphas["normal"], before)
    generator = torch.Generator().manual_seed(torch_seed(4, "landscape"))
    first, second = directions(search, generator), directions(search, generator)
    with torch.no_grad():
        search.alphas["normal"].add_(0.5 * first["normal"] - 0.5 * second["normal"])
    assert found.loss[2][0] == pytest.approx(search.evaluate(search.mix("evaluation"), batches=2)[1], rel=1e-6)
    assert len({value for row in found.loss for value in row}) == 9


@pytest.mark.parametrize("size", [1, 4])
def test_the_centre_is_on_the_grid(size):
    with pytest.raises(ConfigError, match="odd"):
        landscape(tiny_search(bare()), size)
