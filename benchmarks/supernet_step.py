"""One step of a differentiable search: our supernet against the plain one, on the same weights and batch.

    python -m benchmarks supernet_step [--space nasbench201|darts] [--channels 16] [--cells N] [--batch 64] [--repeats 8]
        [--single]

The rival is `benchmarks.supernet_reference`, as it is and in channels_last. Two things are timed: ``pass``, a forward and a
backward pass that leave the gradients of weights and alphas; and ``step``, a whole first-order step (Adam, clipped SGD),
where the rival runs both backward passes to every parameter, as published. Contenders take turns in one process on one thread;
ratios are those of each turn's processor seconds, the median over turns and the least. Before that, outputs and all gradients are
compared in float64. ``--single``: one sampled operation an edge (GDAS), the rival once evaluating all operations and once
only the sampled ones; all take the same paths. Peak memory is what a process of its own grows by in one step (Linux).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks import supernet_reference as reference
from benchmarks.supernet_pairing import copy_weights, paired_parameters
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.signature import Signature
from supernet.data import TensorData
from supernet.method import Method, Stage, SupernetRecipe
from supernet.mix import Moment
from supernet.relaxations import Relaxation, Softmax
from supernet.search import SupernetSearch

Noise = dict[str, Tensor]
Batch = tuple[Tensor, Tensor]
CLASSES = 10
TOLERANCE = 1e-12
RECIPE = SupernetRecipe(augment="none")
OURS = "ours"
LAYOUTS = {"NCHW": torch.contiguous_format, "channels_last": torch.channels_last}
GOALS = {
    ("nasbench201", False): {"plain NCHW": 2.0, "plain channels_last": 1.4},
    ("darts", False): {"plain NCHW": 1.5},
    ("nasbench201", True): {"plain NCHW, all operations": 3.0},
    ("darts", True): {"plain NCHW, all operations": 3.0},
}
"""Least ratios asked for, by (space, single path)."""


@dataclass(frozen=True)
class Case:
    """What is run: a space, a network size, images of one size."""

    space: str
    channels: int
    cells: int
    batch: int
    pixels: int
    single: bool

    @property
    def size(self) -> reference.Size:
        return reference.Size(self.channels, self.cells, CLASSES, 3)

    def plain(self) -> reference.Supernet:
        torch.manual_seed(0)
        made = reference.nasbench201(self.size) if self.space == "nasbench201" else reference.darts(self.size)
        with torch.no_grad():  # far from uniform, so that an operation mixed up with another is noticed
            for alpha in made.alphas.values():
                alpha.normal_()
        return made

    def images(self, dtype: torch.dtype = torch.float32) -> tuple[Batch, Batch]:
        """A training and a validation batch."""
        generator = torch.Generator().manual_seed(1)
        shape = (self.batch, 3, self.pixels, self.pixels)
        train, valid = (
            (
                torch.randn(shape, generator=generator, dtype=dtype),
                torch.randint(CLASSES, shape[:1], generator=generator),
            )
            for _ in range(2)
        )
        return train, valid

    def noise(self, turn: int) -> Noise:
        """Gumbel variables of a turn for every kind of cell."""
        generator = torch.Generator().manual_seed(100 + turn)
        kinds = {"normal": (6, 5)} if self.space == "nasbench201" else {"normal": (14, 8), "reduce": (14, 8)}
        return {kind: -torch.empty(shape).exponential_(generator=generator).log() for kind, shape in kinds.items()}


class Rival:
    """The plain supernet."""

    def __init__(
        self, case: Case, layout: str, execution: reference.Execution, dtype: torch.dtype = torch.float32
    ) -> None:
        self.net = case.plain().to(dtype=dtype, memory_format=LAYOUTS[layout])
        self.net.execution = execution
        self.train, self.valid = (laid_out(batch, layout) for batch in case.images(dtype))
        self.optimizers = (
            torch.optim.SGD(self.net.weights(), RECIPE.lr, momentum=RECIPE.momentum, weight_decay=RECIPE.weight_decay),
            torch.optim.Adam(self.net.alphas.values(), 3e-4, (0.5, 0.999), weight_decay=1e-3),
        )

    def gradients(self, noise: Noise, count: int | None = None) -> Tensor:
        """One forward and backward pass over the first ``count`` training images; gives the logits."""
        self.net.zero_grad()
        logits: Tensor = self.net(self.train[0][:count], noise)
        F.cross_entropy(logits, self.train[1][:count]).backward()
        return logits.detach()

    def step(self, noise: Noise) -> None:
        reference.first_order_step(self.net, self.train, self.valid, *self.optimizers, noise=noise)


@dataclass(frozen=True)
class GivenPath(Relaxation):
    """GDAS of noise from outside: ``to_come`` holds that of the next passes, a tensor a kind of cell and pass."""

    to_come: list[Tensor] = field(default_factory=list)

    def weights(self, alphas: Tensor, allowed: Tensor, moment: Moment, generator: torch.Generator) -> Tensor:
        soft = torch.softmax(F.log_softmax(alphas, dim=1) + self.to_come.pop(0).to(alphas), dim=1)
        return F.one_hot(soft.argmax(dim=1), alphas.shape[1]).to(soft) - soft.detach() + soft

    def mean(self, alphas: Tensor, allowed: Tensor, moment: Moment) -> Tensor:
        return torch.softmax(alphas, dim=1)

    def chosen(self, theta: Tensor, allowed: Tensor, moment: Moment) -> Tensor:
        return theta.argmax(dim=1)

    def scalars(self, theta: Tensor, chosen: Tensor) -> Tensor:
        return theta.sum(dim=1) - theta.gather(1, chosen[:, None]).flatten()


class Ours:
    """The supernet of this package, with the weights and alphas of the plain one."""

    def __init__(self, case: Case, dtype: torch.dtype = torch.float32) -> None:
        (images, labels), self.valid = (laid_out(batch, "channels_last") for batch in case.images(dtype))
        self.train = images, labels
        relaxation = GivenPath() if case.single else Softmax()
        method = Method("benchmark", "none", (Stage(1),), relaxation=relaxation, recipe=RECIPE)
        space = get_space(case.space, channels=case.channels, cells=case.cells)
        relaxed = space.relaxed(Signature((3, case.pixels, case.pixels), (CLASSES,)))
        assert relaxed is not None
        self.search = SupernetSearch(method, relaxed, TensorData(images, labels), dtype=dtype)
        plain = case.plain().to(dtype)
        copy_weights(plain, self.search.net.network)
        with torch.no_grad():
            for kind, alpha in plain.alphas.items():
                self.search.parameters[kind].copy_(alpha)

    def gradients(self, noise: Noise, count: int | None = None) -> Tensor:
        self.search.net.zero_grad()
        for alpha in self.search.parameters.values():
            alpha.grad = None
        self._prepare(noise, 1)
        logits: Tensor = self.search.net(self.train[0][:count], self.search.mix("alphas"))
        F.cross_entropy(logits, self.train[1][:count]).backward()
        return logits.detach()

    def step(self, noise: Noise) -> None:
        self._prepare(noise, 2)
        self.search.update.step(self.search, self.train, self.valid)

    def _prepare(self, noise: Noise, passes: int) -> None:
        relaxation = self.search.method.relaxation
        if isinstance(relaxation, GivenPath):
            relaxation.to_come[:] = list(noise.values()) * passes


Contender = Rival | Ours


def laid_out(batch: Batch, layout: str) -> Batch:
    return batch[0].contiguous(memory_format=LAYOUTS[layout]), batch[1]


def contenders(case: Case) -> dict[str, Callable[[], Contender]]:
    """By name, how each is made; ours is the last."""
    executions: dict[str, reference.Execution] = (
        {", all operations": "gumbel_dense", ", sampled ones": "gumbel_single"} if case.single else {"": "softmax"}
    )
    rivals: dict[str, Callable[[], Contender]] = {
        f"plain {layout}{what}": partial(Rival, case, layout, execution)
        for what, execution in executions.items()
        for layout in LAYOUTS
    }
    return {**rivals, OURS: partial(Ours, case)}


def differences(case: Case) -> dict[str, float]:
    """Ours against the plain supernet in float64, at most 8 images: the largest difference in a tensor over its largest entry."""
    case = replace(case, batch=min(case.batch, 8))
    plain = Rival(case, "NCHW", "gumbel_single" if case.single else "softmax", torch.float64)
    ours = Ours(case, torch.float64)
    found: dict[str, float] = {}
    for turn in range(3 if case.single else 1):
        noise = case.noise(turn)
        pairs = {"outputs": [(plain.gradients(noise), ours.gradients(noise))]}
        weights = paired_parameters(plain.net, ours.search.net.network)
        pairs["weight gradients"] = [(_gradient(theirs), _gradient(mine)) for theirs, mine in weights]
        alphas = ours.search.parameters
        pairs["alpha gradients"] = [(_gradient(a), _gradient(alphas[kind])) for kind, a in plain.net.alphas.items()]
        for what, tensors in pairs.items():
            found[what] = max(found.get(what, 0.0), *(_relative(theirs, mine) for theirs, mine in tensors))
    return found


def _gradient(parameter: Tensor) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _relative(expected: Tensor, found: Tensor) -> float:
    difference, scale = float((found - expected).abs().max()), float(expected.abs().max())
    return difference / scale if scale else difference


@dataclass
class Times:
    """Processor and wall seconds, one a turn."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def take(self, run: Callable[[], object]) -> None:
        cpu, wall = process_time(), perf_counter()
        run()
        self.cpu.append(process_time() - cpu)
        self.wall.append(perf_counter() - wall)


def measured(case: Case, repeats: int) -> dict[str, dict[str, Times]]:
    """``[what][contender]``, turn by turn; the first turn warms up and is left out."""
    made = {name: make() for name, make in contenders(case).items()}
    times: dict[str, dict[str, Times]] = {what: {name: Times() for name in made} for what in ("pass", "step")}
    for turn in range(repeats + 1):
        noise = case.noise(turn)
        for what, table in times.items():
            for name, contender in made.items():
                run = contender.gradients if what == "pass" else contender.step
                (table[name] if turn else Times()).take(partial(run, noise))
    return times


def peak_mebibytes(name: str, arguments: Sequence[str]) -> float:
    """MiB by which a fresh process grows at its peak in one step."""
    command = [sys.executable, "-m", "benchmarks.supernet_step", *arguments, "--peak", name]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _print_peak(case: Case, name: str) -> None:
    contender = contenders(case)[name]()
    contender.gradients(case.noise(0), 2)  # libraries that are loaded at first use are no part of it
    Path("/proc/self/clear_refs").write_text("5")  # the peak is that of now
    before = _status("VmHWM")
    contender.step(case.noise(0))
    print(_status("VmHWM") - before)


def _status(name: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:"))
    return float(line.split()[1]) / 1024


def costs(case: Case, top: int = 6) -> list[str]:
    """The kinds of operations that a pass of the plain supernet spends most processor time in, as lines."""
    name, make = next(iter(contenders(case).items()))
    contender = make()
    contender.gradients(case.noise(0))
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        contender.gradients(case.noise(0))
    events = sorted(profile.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    lines = [f"{e.self_cpu_time_total / total:6.0%}  {e.key} ({e.count} calls)" for e in events[:top]]
    return [f"a pass of {name} spends its time in", *lines]


def report(case: Case, repeats: int, arguments: Sequence[str]) -> None:
    found = differences(case)
    words = ", ".join(f"{what} {value:.1e}" for what, value in found.items())
    print(f"float64, largest relative difference: {words}  {'met' if max(found.values()) <= TOLERANCE else 'MISSED'}")
    times = measured(case, repeats)
    goals = GOALS[case.space, case.single]
    for what, table in times.items():
        print(f"{what:31} {'cpu ms':>8} {'(least)':>9} {'wall ms':>8} {'/ ours':>7} {'(least)':>7}")
        for name, taken in table.items():
            ratios = [theirs / mine for theirs, mine in zip(taken.cpu, table[OURS].cpu, strict=True)]
            figures = (
                f"{1e3 * median(taken.cpu):8.0f} {f'({1e3 * min(taken.cpu):.0f})':>9} {1e3 * median(taken.wall):8.0f}"
            )
            goal = (
                f"  goal {goals[name]:g} {'met' if median(ratios) >= goals[name] else 'MISSED'}"
                if name in goals
                else ""
            )
            print(f"  {name:29} {figures} {median(ratios):7.2f} {f'({min(ratios):.2f})':>7}{goal}")
    peaks = {name: peak_mebibytes(name, arguments) for name in times["pass"]}
    print("peak memory of a step, MiB: " + ", ".join(f"{name} {peak:.0f}" for name, peak in peaks.items()))
    print("\n".join(costs(case)))


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", choices=("nasbench201", "darts"), default="nasbench201")
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--cells", type=int, help="a stage of nasbench201 (1), in all of darts (3)")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--pixels", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("--single", action="store_true", help="one sampled operation an edge")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    cells = options.cells or (1 if options.space == "nasbench201" else 3)
    case = Case(options.space, options.channels, cells, options.batch, options.pixels, options.single)
    torch.set_num_threads(1)
    if options.peak:
        _print_peak(case, options.peak)
        return
    print(
        f"{case.space}, C={case.channels}, {case.cells} cells, batch {case.batch} of {case.pixels}x{case.pixels}, one thread, "
        f"{options.repeats} turns, torch {torch.__version__}"
    )
    report(case, options.repeats, arguments)


if __name__ == "__main__":
    main()
