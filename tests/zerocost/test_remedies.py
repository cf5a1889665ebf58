"""What reasons and errors of zerocost advise is done, and there is a value then."""

import re

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import zerocost
from zerocost.aggregate import combine
from zerocost.correlation import partial_spearman

INPUTS, LABELS = torch.randn(6, 5, generator=torch.Generator().manual_seed(0)), torch.arange(6) % 3
NETWORK = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))
VALUES = {"a": [1.0, 2.0, 3.0, 5.0, 4.0], "b": [3.0, 1.0, 2.0, 4.0, 5.0]}
SIZES = [2.0, 5.0, 1.0, 3.0, 4.0]
SCORES = [{"a": a, "b": b} for a, b in zip(VALUES["a"], VALUES["b"], strict=True)]


class Checkpointed(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = NETWORK

    def forward(self, x):
        return checkpoint(self.layers, x, use_reentrant=True)


def score(proxy="grad_norm", network=NETWORK, inputs=INPUTS, targets=LABELS, **more):
    return zerocost.score(network, inputs, targets, proxies=proxy, **more)[proxy]


REASONS = [
    ("labels", lambda: score("epe_nas", targets=None), r"(give the labels)", lambda _: score("epe_nas")),
    (
        "class numbers",
        lambda: score(targets=LABELS.float()),
        r"class numbers of an (integer) type",
        lambda found: score(targets=LABELS.to({"integer": torch.int64}[found[1]])),
    ),
    (
        "a loss of one's own",
        lambda: score(targets=INPUTS[:, 0]),
        r"\((loss)=\)",
        lambda found: score(
            targets=INPUTS[:, 0], **{found[1]: lambda outputs, told: (outputs[:, 0] - told).square().mean()}
        ),
    ),
    (
        "a script",
        lambda: score(network=torch.jit.script(NETWORK)),
        r"score it (unscripted)",
        lambda _: score(network=NETWORK),
    ),
    (
        "a batch of one",
        lambda: score("jacov", inputs=INPUTS[:1], targets=LABELS[:1]),
        r"a batch of (\d) or more",
        lambda found: score("jacov", inputs=INPUTS[: int(found[1])], targets=LABELS[: int(found[1])]),
    ),
    (
        "re-entrant checkpoints",
        lambda: score(network=Checkpointed()),
        r"turn checkpoints off",
        lambda _: score(network=NETWORK),
    ),
    (
        "options that are needed",
        lambda: score("swap_reg"),
        r"the options (mu) and (sigma)",
        lambda found: score("swap_reg", options={"swap_reg": {found[1]: 1.0, found[2]: 5.0}}),
    ),
]
ERRORS = [
    (
        "an option that is none",
        lambda: score("nwot", options={"nwot": {"gamma": 1}}),
        r"has no option gamma; it takes (none|\w+)",
        lambda found: score("nwot", options={"nwot": {}}).value,
    ),
    (
        "weights of others",
        lambda: combine(SCORES, {"a": 1, "b": 1}, weights={"a": 1.0, "c": 1.0}),
        r"weights name '(\w)'.*take them out",
        lambda found: combine(SCORES, {"a": 1, "b": 1}, weights={name: 1.0 for name in ("a", "c") if name != found[1]}),
    ),
    (
        "a control that is no list of them",
        lambda: partial_spearman(VALUES["a"], VALUES["b"], SIZES),
        r"(\[)params(\]), not params",
        lambda found: partial_spearman(VALUES["a"], VALUES["b"], [SIZES]),
    ),
]


@pytest.mark.parametrize(("trouble", "told", "follow"), [row[1:] for row in REASONS], ids=[row[0] for row in REASONS])
def test_what_a_reason_advises_gives_a_value(trouble, told, follow):
    before = trouble()
    assert before.value is None
    found = re.search(told, before.reason)
    assert found, before.reason
    after = follow(found)
    assert after.value is not None, after.reason


@pytest.mark.parametrize(("trouble", "told", "follow"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS])
def test_what_an_error_advises_ends_it(trouble, told, follow):
    with pytest.raises((ValueError, TypeError)) as raised:
        trouble()
    found = re.search(told, str(raised.value))
    assert found, raised.value
    assert follow(found) is not None
