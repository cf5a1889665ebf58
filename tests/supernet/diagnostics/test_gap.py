"""supernet/diagnostics/gap.py."""

import pytest
import torch

from ranknosh.spaces.base import Architecture
from ranknosh.spaces.nasbench201 import NasBench201
from supernet.diagnostics.gap import DiscretisationGap, discretisation_gap
from tests.networks import network_of
from tests.supernet_cases import bare, tiny_darts, tiny_search


def test_the_derived_network_has_the_supernets_weights():
    search = tiny_search(bare(2))
    for _ in range(2):
        search.run_epoch()
    cells = {"normal": (3, 1, 2, 0, 4, 3)}
    network = network_of(Architecture("nasbench201", cells["normal"]), 4, 1, 4).train()
    source = search.net.network.state_dict()
    values = network.state_dict()
    for name in values:
        parts = name.split(".")
        if parts[0] == "blocks" and parts[2] == "edges":
            place = cells["normal"][int(parts[3])]
            parts[4:4] = ["operations", NasBench201().operations[place]]
        key = ".".join(parts)
        if key in source:
            values[name] = source[key]
    network.load_state_dict(values)
    correct = total = 0
    with torch.no_grad():
        for images, labels in search.batches("alphas", epoch=0, augment="none"):
            correct += int((network(images).argmax(1) == labels).sum())
            total += len(labels)
    found = discretisation_gap(search, cells)
    assert found.derived == pytest.approx(correct / total)
    assert found.supernet == search.evaluate(search.mix("evaluation"))[0]
    assert found.gap == found.supernet - found.derived


def test_one_hot_alphas_have_no_gap():
    search = tiny_search(bare())
    with torch.no_grad():
        search.alphas["normal"].zero_()
        search.alphas["normal"][:, 3] = 200.0
    assert discretisation_gap(search).gap == 0.0


def test_dropped_edges_carry_nothing():
    search = tiny_search(bare(), tiny_darts())
    found = discretisation_gap(search, batches=1)
    assert 0.0 <= found.derived <= 1.0
    assert DiscretisationGap(0.75, 0.5).gap == 0.25
