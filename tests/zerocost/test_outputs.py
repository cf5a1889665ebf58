"""What networks return and what labels are: one rule for both, and reasons in words of ours."""

from __future__ import annotations

from collections import OrderedDict, UserDict
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch.utils.checkpoint import checkpoint

import zerocost
from tests.zerocost_cases import LABELS, Named, images

READ = ("macs", "nwot", "grad_norm", "epe_nas", "synflow", "zico")
LABELLED = ("grad_norm", "zico", "epe_nas")


def scores(wrap: Any, targets: torch.Tensor = LABELS, proxies: tuple[str, ...] = READ) -> dict[str, zerocost.Score]:
    torch.manual_seed(0)
    net = Named(wrap)
    torch.manual_seed(1)
    return dict(zerocost.score(net, images(), targets, proxies=proxies))


@dataclass
class Answer:
    logits: torch.Tensor
    hidden: torch.Tensor | None = None


@dataclass(slots=True)
class Slots:
    logits: torch.Tensor


class ModelOutput(OrderedDict):  # type: ignore[type-arg]
    """As transformers have it: a mapping with attributes."""


@pytest.mark.parametrize(
    "wrap",
    [
        lambda out: {"logits": out},
        lambda out: {"loss": out.sum(), "logits": out},
        lambda out: OrderedDict(aux=2 * out, out=out),
        lambda out: UserDict(anything=out),
        lambda out: Answer(out),
        lambda out: Answer(out, 3 * out),
        lambda out: Slots(out),
        lambda out: ModelOutput(logits=out, states=None),
        lambda out: [out, 2 * out],
    ],
)
def test_the_tensor_that_is_read_is_the_same_whatever_holds_it(wrap: Any) -> None:
    wanted = {name: score.value for name, score in scores(lambda out: out).items()}
    assert {name: score.value for name, score in scores(wrap).items()} == wanted
    assert None not in wanted.values()


@pytest.mark.parametrize(
    ("wrap", "said"),
    [
        (lambda out: None, "the network returns NoneType, not a tensor"),
        (lambda out: {"a": out, "b": 2 * out}, "the network returns dict, not a tensor"),
        (lambda out: out.argmax(1), "a tensor of torch.int64; proxies read dense ones"),
        (lambda out: out.to(torch.cfloat), "a tensor of torch.complex64"),
        (lambda out: out.to_sparse(), "a tensor of torch.sparse_coo"),
    ],
)
def test_proxies_that_read_no_output_need_none(wrap: Any, said: str) -> None:
    found = scores(wrap, proxies=("macs", "grad_norm", "synflow", "zico"))
    assert found["macs"].value == scores(lambda out: out, proxies=("macs",))["macs"].value
    assert all(said in str(found[name].reason) for name in ("grad_norm", "synflow", "zico"))


def test_activations_are_read_whatever_is_returned() -> None:
    assert (
        scores(lambda out: "x", proxies=("nwot",))["nwot"].value
        == scores(lambda out: out, proxies=("nwot",))["nwot"].value
    )


@pytest.mark.parametrize(
    "targets", [LABELS.int(), LABELS.short(), LABELS.char(), LABELS.byte(), LABELS.to(torch.uint16), LABELS[:, None]]
)
def test_labels_of_every_whole_type_and_in_a_column_are_the_same_labels(targets: torch.Tensor) -> None:
    wanted = {name: score.value for name, score in scores(lambda out: out, LABELS, LABELLED).items()}
    assert {name: score.value for name, score in scores(lambda out: out, targets, LABELLED).items()} == wanted


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (LABELS.float(), "give class numbers of an integer type"),
        (LABELS > 0, "give class numbers of an integer type"),
        (LABELS + 50, "and the network tells 3 classes apart, 0..2"),
        (LABELS - 1, "targets lie in -1..1"),
        (LABELS[:-1], "need class numbers of shape (6,)"),
        (torch.stack([LABELS, LABELS], 1), "need class numbers of shape (6,)"),
    ],
)
def test_labels_that_fit_no_class_are_told_in_our_words(targets: torch.Tensor, said: str) -> None:
    assert said in str(scores(lambda out: out, targets, ("grad_norm",))["grad_norm"].reason)


class Reentrant(Named):
    def forward(self, x: torch.Tensor) -> Any:
        return checkpoint(self.net, x, use_reentrant=True)


@pytest.mark.parametrize("proxy", ["grad_norm", "jacov", "synflow", "zico", "gradsign", "grasp", "expressivity"])
def test_reentrant_checkpoints_are_named_whatever_is_differentiated(proxy: str) -> None:
    found = zerocost.score(Reentrant(), images(), LABELS, proxies=[proxy])[proxy]
    assert "turn checkpoints off to score it" in str(found.reason)
