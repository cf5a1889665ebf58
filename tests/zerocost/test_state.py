"""Nothing of the caller's may change, whether scoring goes well or not."""

from __future__ import annotations

import contextlib
import gc
import random
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import zerocost
from tests.zerocost.fingerprints import conv_net, fingerprint, flags, prepared
from zerocost.proxy import BackwardRun, Pass, Proxy
from zerocost.state import _full_precision

ALL = tuple(zerocost.PROXIES)
OPTIONS = {"swap_reg": {"mu": 1.0, "sigma": 100.0}}
READS = {
    Pass.BATCH: {BackwardRun.LOSS, BackwardRun.INPUTS},
    Pass.SINGLES: {BackwardRun.LOSS, BackwardRun.OUTPUTS},
    Pass.BLOCKS: {BackwardRun.BLOCK_GRADIENTS},
}


def score(module: nn.Module, inputs: torch.Tensor, proxies: Any = ALL) -> zerocost.Scores:
    return zerocost.score(module, inputs, labels(inputs), proxies=proxies, options=OPTIONS)


def labels(inputs: torch.Tensor) -> torch.Tensor:
    return torch.arange(len(inputs), device=inputs.device) % 2


class Careless(nn.Module):
    """Does in its forward pass what a module may do to itself and to the process."""

    def __init__(self, fail: bool = False) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 6)
        self.norm = nn.BatchNorm1d(6)
        self.drop = nn.Dropout(0.5)
        self.register_buffer("steps", torch.zeros(1))
        self.seen: list[int] = []
        self.count = 0
        self.fail = fail

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.linear.weight.data = self.linear.weight.data.clamp(-0.01, 0.01)
        self.steps += 1
        self.count += 1
        self.last = x
        self.seen.append(len(x))
        random.random()
        np.random.rand()  # noqa: NPY002
        noisy = self.drop(self.norm(self.linear(x.relu_()))) + torch.randn_like(x)
        if self.fail:
            raise RuntimeError("no forward today")
        return torch.relu(noisy)


CASES = {
    "conv": (conv_net, (5, 3, 6, 6)),
    "careless": (Careless, (5, 6)),
    "careless and failing": (lambda: Careless(fail=True), (5, 6)),
    "transformer": (lambda: nn.TransformerEncoderLayer(6, 2, 8, batch_first=True), (4, 5, 6)),
    "lstm": (lambda: nn.LSTM(6, 4, num_layers=2, dropout=0.5, batch_first=True), (4, 5, 6)),
}


@pytest.fixture(params=["usual switches", "unusual switches"])
def _switches(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.param == "usual switches":
        yield
        return
    cuda, cudnn, mkldnn = torch.backends.cuda, torch.backends.cudnn, torch.backends.mkldnn
    kept = flags()
    cudnn.enabled = mkldnn.enabled = False
    cudnn.benchmark = cudnn.deterministic = True
    cuda.enable_flash_sdp(False)
    torch.backends.mha.set_fastpath_enabled(False)
    torch.set_float32_matmul_precision("high")
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        cudnn.enabled, cudnn.benchmark, cudnn.deterministic, _ = kept["cudnn"]
        mkldnn.enabled, _ = kept["mkldnn"]
        cuda.enable_flash_sdp(kept["attention"][0])
        torch.backends.mha.set_fastpath_enabled(kept["fused"])
        torch.set_float32_matmul_precision(kept["products"][1])
        torch.use_deterministic_algorithms(kept["deterministic"])
        assert flags() == kept


@pytest.mark.usefixtures("_switches")
@pytest.mark.filterwarnings("ignore:Full backward hook")
@pytest.mark.parametrize("name", CASES)
def test_nothing_changes(name: str) -> None:
    make, shape = CASES[name]
    module, inputs = prepared(make(), torch.randn(*shape))  # type: ignore[operator]
    targets = labels(inputs)
    before = fingerprint(module, inputs, targets)
    scores = zerocost.score(module, inputs, targets, proxies=ALL, options=OPTIONS)
    assert fingerprint(module, inputs, targets) == before
    assert (scores["synflow"].reason == "RuntimeError: no forward today") == name.endswith("failing")


@pytest.mark.filterwarnings("ignore:Full backward hook")
@pytest.mark.parametrize("needs", list(Pass))
@pytest.mark.parametrize(
    "where",
    ["watch", "weight", "differentiated", "inputs", "sample_gradients", "features", "block_gradients", "run", "value"],
)
@pytest.mark.slow
def test_nothing_changes_when_a_proxy_raises(needs: Pass, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> Any:
        raise RuntimeError("no")

    content = {"name": "failing", "needs": needs, "reads": frozenset(READS.get(needs, ())), where: fail}
    monkeypatch.setitem(zerocost.PROXIES, "failing", type("Failing", (Proxy,), content))
    # Torch refuses in-place operations after a module with a full backward hook.
    module, inputs = prepared(conv_net(inplace=False), torch.randn(5, 3, 6, 6))
    targets = labels(inputs)
    reference = score(module, inputs).values_by_name
    before = fingerprint(module, inputs, targets)
    scores = zerocost.score(module, inputs, targets, proxies=(*ALL, "failing"), options=OPTIONS)
    assert fingerprint(module, inputs, targets) == before
    assert scores["failing"].value is None
    assert {name: scores[name].value for name in ALL} == reference


@pytest.mark.filterwarnings("ignore:Full backward hook")
@pytest.mark.parametrize("proxy", ALL)
def test_an_interrupt_passes_through_and_nothing_changes(proxy: str) -> None:
    class Interrupted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = conv_net(inplace=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.net(x)
            raise KeyboardInterrupt

    module, inputs = prepared(Interrupted(), torch.randn(5, 3, 6, 6))
    targets = labels(inputs)
    before = fingerprint(module, inputs, targets)
    if zerocost.PROXIES[proxy].needs is Pass.NONE:
        score(module, inputs, proxy)
    else:
        with pytest.raises(KeyboardInterrupt):
            zerocost.score(module, inputs, targets, proxies=proxy, options=OPTIONS)
    assert fingerprint(module, inputs, targets) == before


def test_the_fingerprint_sees_a_careless_forward() -> None:
    module, inputs = Careless(), torch.randn(5, 6)
    targets = labels(inputs)
    before = fingerprint(module, inputs, targets)
    module(inputs)
    targets.add_(1)
    after = fingerprint(module, inputs, targets)
    unchanged = {key for key in before if before[key] == after[key]}
    assert unchanged == {"gradients", "modes", "global hooks", "flags"}


def test_scoring_inside_other_modes() -> None:
    module, inputs = conv_net(), torch.randn(5, 3, 6, 6)
    reference = score(module, inputs).values_by_name
    with torch.no_grad():
        assert score(module, inputs).values_by_name == reference
    with torch.inference_mode():
        assert score(module, inputs).values_by_name == reference
        # Tensors made here cannot take part in a backward run themselves.
        assert score(module, inputs.clone()).values_by_name == reference
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert score(module, inputs).values_by_name == reference
        assert torch.is_autocast_enabled("cpu")


LIVING: list[weakref.ref[torch.Tensor]] = []


class Watched(nn.Module):
    """Remembers its activations, not keeping them alive, and how many of earlier runs are alive when it runs again."""

    def __init__(self) -> None:
        super().__init__()
        self.net = conv_net()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert all(reference() is None for reference in LIVING), "an earlier run is still in memory"
        for part in self.net:
            x = part(x)
            LIVING.append(weakref.ref(x))
        return x


class Late(Proxy):
    """Fails when all of its pass is in memory."""

    name = "late"
    needs = Pass.BATCH
    reads = frozenset({BackwardRun.LOSS, BackwardRun.INPUTS})

    def inputs(self, gradients: Any) -> None:
        raise RuntimeError("late")


@pytest.mark.parametrize("proxies", [("late", "fisher", "nwot", "jacov"), ("fisher", "jacov", "nwot", "grasp")])
def test_no_graph_outlives_its_run(proxies: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(zerocost.PROXIES, "late", Late)
    LIVING.clear()
    gc.disable()  # what is kept by a circle would go at some later time
    try:
        scores = score(Watched(), torch.randn(5, 3, 6, 6), proxies)
        assert {name for name in proxies if scores[name].value is None} == {"late"} & set(proxies)
        assert LIVING
        assert all(reference() is None for reference in LIVING)
    finally:
        gc.enable()


def test_full_precision_switches_tf32_off_and_back() -> None:
    found = (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32)
    try:
        for wanted in ((True, False), (False, True)):
            torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = wanted
            with contextlib.suppress(KeyError), _full_precision():
                assert not torch.backends.cuda.matmul.allow_tf32
                assert not torch.backends.cudnn.allow_tf32
                raise KeyError
            assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == wanted
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = found


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_gives_the_same_values_and_keeps_its_generator() -> None:
    module, inputs = conv_net(), torch.randn(8, 3, 6, 6)
    on_cpu = score(module, inputs).values_by_name
    module.cuda()
    state = torch.cuda.get_rng_state()
    on_gpu = score(module, inputs.cuda()).values_by_name
    assert torch.equal(torch.cuda.get_rng_state(), state)
    assert all(tensor.is_cuda for tensor in [*module.parameters(), *module.buffers()])
    assert on_gpu == pytest.approx(on_cpu, rel=1e-3)
