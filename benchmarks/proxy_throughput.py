"""Seven proxies in one call against one run each, on the NAS-Bench-201 network.

    python -m benchmarks proxy_throughput [--cells 1 5] [--architectures 5] [--repeats 3] [--single]

The rival is what published code does, written plainly: for each proxy a deep copy of the network, then the forward and
backward runs it needs. Both see the same networks and images (16 channels, batch 64, 32x32), turn by turn in one process on one
thread; the ratio is of the medians of processor seconds. ``--single`` also pairs every proxy with its plain version.
Peak memory is what a process of its own grows by while it scores one network (Linux). Goals: 3 times as fast
for N=1 and N=5, and no proxy slower than its plain version.
"""

from __future__ import annotations

import argparse
import copy
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import process_time

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import zerocost
from ranknosh.core.seeding import draw
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.signature import Signature

BUNDLE = ("grad_norm", "snip", "fisher", "plain", "synflow", "nwot", "jacov")
GOAL = 3.0
TOLERANCE = 1e-5
Plain = Callable[[nn.Module, Tensor, Tensor], float]


def weights(network: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """(weight, gradient) of every convolution and linear layer that has one."""
    layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    return [(layer.weight.detach(), layer.weight.grad) for layer in layers if layer.weight.grad is not None]


def after_backward(network: nn.Module, images: Tensor, labels: Tensor) -> nn.Module:
    network = copy.deepcopy(network).train()
    F.cross_entropy(network(images), labels).backward()
    return network


def grad_norm(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    return sum(float(g.norm()) for _, g in weights(after_backward(network, images, labels)))


def snip(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    return sum(float((w * g).abs().sum()) for w, g in weights(after_backward(network, images, labels)))


def plain(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    return sum(float((w.double() * g.double()).sum()) for w, g in weights(after_backward(network, images, labels)))


def fisher(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    network = copy.deepcopy(network).train()
    outputs: list[tuple[nn.Module, Tensor]] = []

    def see(layer: nn.Module, _: object, output: Tensor) -> None:
        output.retain_grad()
        outputs.append((layer, output))

    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.register_forward_hook(see)
    F.cross_entropy(network(images), labels).backward()
    total = 0.0
    for layer, output in outputs:
        if output.grad is not None:
            product = output.detach() * output.grad
            felt = product.flatten(2).sum(2) if output.ndim == 4 else product
            total += float(0.5 * felt.square().mean(0).sum()) * layer.weight[0].numel()  # type: ignore[index,operator,union-attr]
    return total


def synflow(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    network = copy.deepcopy(network).double().eval()
    for parameter in network.parameters():
        parameter.data.abs_()
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.forward = lambda x: x  # type: ignore[method-assign]
    network(torch.ones(1, *images.shape[1:], dtype=torch.float64)).sum().backward()
    return sum(float((w * g).abs().sum()) for w, g in weights(network))


def nwot(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    network = copy.deepcopy(network).train()
    kernel = torch.zeros(len(images), len(images))

    def see(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        active = (inputs[0] > 0).flatten(1).float()
        kernel.add_(active @ active.T + (1 - active) @ (1 - active).T)

    for part in network.modules():
        if isinstance(part, nn.ReLU):
            part.register_forward_pre_hook(see)
    with torch.no_grad():
        network(images)
    return float(torch.linalg.slogdet(kernel.double()).logabsdet)


def jacov(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    network = copy.deepcopy(network).train()
    images = images.clone().requires_grad_(True)
    (rows,) = torch.autograd.grad(network(images).sum(), images)
    values = torch.linalg.eigvalsh(torch.corrcoef(rows.flatten(1).double())) + 1e-5
    return -float((values.log() + 1 / values).sum())


PLAIN: dict[str, Plain] = {
    "grad_norm": grad_norm,
    "snip": snip,
    "fisher": fisher,
    "plain": plain,
    "synflow": synflow,
    "nwot": nwot,
    "jacov": jacov,
}


def networks(cells: int, count: int) -> list[nn.Module]:
    torch.manual_seed(0)
    space, signature = get_space("nasbench201", channels=16, cells=cells), Signature((3, 32, 32), (10,))
    return [space.network(architecture, signature) for architecture in draw(space, count, seed=0)]


def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(64, 3, 32, 32, generator=generator), torch.randint(10, (64,), generator=generator)


def paired(nets: Sequence[nn.Module], names: Sequence[str], repeats: int) -> tuple[float, float, float]:
    """Median processor seconds an architecture of (one run each, one call), turn by turn, and the largest relative difference."""
    images, labels = batch()
    rival, ours, differences = [], [], []
    for turn in range(repeats + 1):
        for network in nets:
            start = process_time()
            apart = {name: PLAIN[name](network, images, labels) for name in names}
            middle = process_time()
            scores = zerocost.score(network, images, labels, F.cross_entropy, names)
            end = process_time()
            if turn:  # the first round warms up
                rival.append(middle - start)
                ours.append(end - middle)
            differences.append(check(apart, scores))
    return median(rival), median(ours), max(differences)


def check(apart: dict[str, float], scores: zerocost.Scores) -> float:
    """The largest relative difference; faster and something else would be no comparison."""
    worst = 0.0
    for name, value in apart.items():
        expected = math.log(value) if name == "synflow" else value
        found = scores[name].value
        difference = math.inf if found is None else abs(found - expected) / abs(expected)
        if difference > TOLERANCE:
            raise AssertionError(f"{name}: {found} where the plain version gives {expected}")
        worst = max(worst, difference)
    return worst


def peak_megabytes(cells: int, what: str) -> float:
    """MiB by which a fresh process grows at its peak while it does ``what``: ``bundle`` or the plain version of a proxy."""
    command = [sys.executable, "-m", "benchmarks.proxy_throughput", "--peak", what, "--cells", str(cells)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _print_peak(cells: int, what: str) -> None:
    torch.set_num_threads(1)
    (network,), (images, labels) = networks(cells, 1), batch()
    with torch.no_grad():
        network(images[:2])  # libraries that are loaded at first use are no part of it
    Path("/proc/self/clear_refs").write_text("5")  # the peak is that of now
    before = _status("VmHWM")
    if what == "bundle":
        zerocost.score(network, images, labels, F.cross_entropy, BUNDLE)
    else:
        PLAIN[what](network, images, labels)
    print(_status("VmHWM") - before)


def _status(name: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:"))
    return float(line.split()[1]) / 1024


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--architectures", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--single", action="store_true")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.peak:
        _print_peak(options.cells[0], options.peak)
        return
    torch.set_num_threads(1)
    print(f"{options.architectures} cells, {options.repeats} rounds, one thread, processor seconds an architecture")
    print(f"{'N':>2}  {'proxies':28} {'one run each':>12} {'one call':>9} {'ratio':>6}")
    for cells in options.cells:
        nets = networks(cells, options.architectures)
        for names in [BUNDLE, *([(name,) for name in BUNDLE] if options.single else [])]:
            rival, ours, difference = paired(nets, names, options.repeats)
            goal = GOAL if len(names) > 1 else 1.0
            verdict = "met" if rival / ours >= goal else "MISSED"
            label = "all seven" if len(names) > 1 else names[0]
            figures = f"{rival:12.3f} {ours:9.3f} {rival / ours:6.2f}"
            print(f"{cells:2}  {label:28} {figures}  goal {goal:g} {verdict:6} values within {difference:.0e}")
        alone = {name: peak_megabytes(cells, name) for name in PLAIN}
        largest = max(alone, key=alone.__getitem__)
        ours_peak = peak_megabytes(cells, "bundle")
        print(
            f"{cells:2}  peak memory: one call {ours_peak:.0f} MiB, the largest alone ({largest}) {alone[largest]:.0f} MiB"
        )


if __name__ == "__main__":
    main()
