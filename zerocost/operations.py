"""Scores of the operations of a supernet: the proxy of the network with one of them removed."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Literal, TypeAlias, TypeVar

import torch
from torch import nn
from torch.utils._python_dispatch import _pop_mode_temporarily
from torch.utils._pytree import tree_leaves, tree_map

from zerocost.errors import Undefined
from zerocost.passes.network import install, set_modes
from zerocost.proxy import Loss, Subject
from zerocost.result import Score
from zerocost.scoring import score
from zerocost.state import preserved

Branch: TypeAlias = nn.Module | Sequence[nn.Module]
"""The module or modules that compute one operation; none for an operation that does nothing."""
How: TypeAlias = Literal["remove", "keep"]
Key = TypeVar("Key", bound=Hashable)
Edge = TypeVar("Edge", bound=Hashable)


@contextmanager
def silenced(modules: Branch) -> Iterator[None]:
    """A context in which modules give zeros, of the shapes that they give otherwise, and are not run.

    Proxies that run the network see nothing inside them: no activation, product, weight or gradient. (Proxies that run
    nothing, such as params, see no difference.) To learn the shape of its output a module is run once for every new
    shape of its inputs, on copies and unobserved. Contexts may be nested. Afterwards each ``forward`` is the one that
    was found.
    """
    found = [(module, vars(module).get("forward")) for module in _distinct(modules)]
    try:
        for module, _ in found:
            vars(module)["forward"] = _Silence(module)
        yield
    finally:
        for module, forward in found:
            if forward is None:
                vars(module).pop("forward", None)
            else:
                vars(module)["forward"] = forward


def score_operations(
    supernet: nn.Module,
    branches: Mapping[Key, Branch],
    inputs: torch.Tensor | Sequence[torch.Tensor],
    targets: torch.Tensor | None = None,
    loss: Loss | None = None,
    proxy: str = "nwot",
    *,
    how: How = "remove",
    seed: int = 0,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[Key, Score]:
    """One score for each operation of one edge: that of the supernet with the edge perturbed. Nothing of the supernet
    changes.

    ``remove`` silences (:func:`silenced`) the operation, so the best one is the one whose removal leaves the worst
    network; for an empty operation it is the supernet as it is. ``keep`` silences all the others, so the best one
    leaves the best network; for an empty operation the edge carries zeros. :func:`ranking` knows these directions.

    Source: Xiang et al. 2023, "Zero-cost operation scoring in differentiable architecture search" (Zero-Cost-PT), with
    the perturbation of Wang et al. 2021, "Rethinking architecture selection in differentiable NAS": the weights of the
    remaining operations are not normalised again. Deviations: ``keep`` is ours; the published code multiplies a removed
    operation by zero but runs it, so its activations still count.

    Args:
        supernet: The network.
        branches: The modules of every operation, one in each cell that shares the edge's choice; an operation without
            modules (``none``) has an empty sequence.
        inputs: As in :func:`zerocost.score`.
        targets: As in :func:`zerocost.score`.
        loss: As in :func:`zerocost.score`.
        proxy: The proxy of the scores.
        how: ``remove`` or ``keep``.
        seed: As in :func:`zerocost.score`.
        options: As in :func:`zerocost.score`.

    Returns:
        The scores by operation.

    Raises:
        ValueError: There is no operation, ``how`` is neither, a module is not in the supernet or serves two operations.
        UnknownProxy: The proxy is unknown.
    """
    _check(supernet, branches, how)
    found: dict[Key, Score] = {}
    for key, branch in branches.items():
        others = [module for other, theirs in branches.items() if other != key for module in _distinct(theirs)]
        with silenced(branch if how == "remove" else others):
            scores = score(supernet, inputs, targets, loss, (proxy,), seed=seed, options=options)
        found[key] = scores[proxy]
    return found


def ranking(scores: Mapping[Key, Score], how: How = "remove") -> list[Key]:
    """The operations of :func:`score_operations`, best first; ties keep their order.

    ``remove``: by the oriented score (larger is better) of the network without them, lowest first. ``keep``: by that of
    the network with them alone, highest first. A network without a score is the worst: an operation whose removal
    leaves none is needed (deviation: the published code leaves it out).

    Raises:
        Undefined: No operation has a score.
        ValueError: ``how`` is neither.
    """
    _check_how(how)
    oriented = {key: found.oriented for key, found in scores.items()}
    if all(value is None for value in oriented.values()):
        reason = next((found.reason for found in scores.values()), "there are none")
        raise Undefined(f"no operation has a score: {reason}")
    turn = 1 if how == "remove" else -1
    return sorted(oriented, key=lambda key: turn * _or_worst(oriented[key]))


def perturbation_search(
    supernet: nn.Module,
    edges: Mapping[Edge, Mapping[Key, Branch]],
    inputs: torch.Tensor | Sequence[torch.Tensor],
    targets: torch.Tensor | None = None,
    loss: Loss | None = None,
    proxy: str = "nwot",
    *,
    how: How = "remove",
    seed: int = 0,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[Edge, Key]:
    """Choose one operation for each edge, with one proxy value for every operation of every edge. Nothing of the
    supernet changes.

    Edges are visited in a random order. On each one the best operation by :func:`score_operations` is chosen and the
    others stay silenced from then on.

    Source: Xiang et al. 2023 (Zero-Cost-PT), algorithm 1. Deviations: one pass on one batch, where the published code
    draws new weights and a batch several times and lets the proxy choose among the results; the chosen operation keeps
    the weight that the supernet gives it, where theirs is set to one. Which edges of a cell stay is not part of this.

    Args:
        supernet: The network.
        edges: For each edge the ``branches`` of :func:`score_operations`.
        inputs: As in :func:`zerocost.score`.
        targets: As in :func:`zerocost.score`.
        loss: As in :func:`zerocost.score`.
        proxy: The proxy of the scores.
        how: ``remove`` or ``keep``.
        seed: As in :func:`zerocost.score`; also of the order of the edges.
        options: As in :func:`zerocost.score`.

    Returns:
        The chosen operation of every edge, in the order of ``edges``.

    Raises:
        ValueError: As for :func:`score_operations`.
        UnknownProxy: The proxy is unknown.
        Undefined: No operation of an edge has a score.
    """
    for branches in edges.values():
        _check(supernet, branches, how)
    names = list(edges)
    order = torch.randperm(len(names), generator=torch.Generator("cpu").manual_seed(seed), device="cpu").tolist()
    chosen: dict[Edge, Key] = {}
    with ExitStack() as decided:
        for place in order:
            branches = edges[names[place]]
            scores = score_operations(
                supernet, branches, inputs, targets, loss, proxy, how=how, seed=seed, options=options
            )
            best = ranking(scores, how)[0]
            chosen[names[place]] = best
            for key, branch in branches.items():
                if key != best:
                    decided.enter_context(silenced(branch))
    return {name: chosen[name] for name in names}


class _Silence:
    """Takes the place of a module's ``forward``."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._forward = module.forward
        self._given: dict[tuple[Any, ...], Any] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves = tree_leaves((args, kwargs))
        key = tuple((leaf.shape, leaf.dtype, leaf.device) if _is_tensor(leaf) else leaf for leaf in leaves)
        # The output's shape follows from the inputs' shapes, types and plain arguments.
        if key not in self._given:
            self._given[key] = self._blank(args, kwargs)
        # New zeros at every call: the network may change them in place.
        return tree_map(lambda leaf: leaf.new_zeros(leaf.shape) if _is_tensor(leaf) else leaf, self._given[key])

    def _blank(self, args: Any, kwargs: Any) -> Any:
        """What the module returns, with expanded single zeros in place of its tensors."""
        subject = Subject.of(self._module, ())
        given = [leaf for leaf in tree_leaves((args, kwargs)) if _is_tensor(leaf)]
        with preserved(subject.parts, [*subject.tensors(), *given]), torch.no_grad(), _unseen():
            set_modes(subject, batch_statistics=False)
            install(subject, torch.clone)
            args, kwargs = tree_map(lambda leaf: leaf.detach().clone() if _is_tensor(leaf) else leaf, (args, kwargs))
            made = self._forward(*args, **kwargs)
            return tree_map(lambda leaf: leaf.new_zeros(()).expand(leaf.shape) if _is_tensor(leaf) else leaf, made)


@contextmanager
def _unseen() -> Iterator[None]:
    """A context in which no mode that observes or changes operations is active."""
    with ExitStack() as stack:
        stack.enter_context(torch._C.DisableTorchFunction())
        while torch._C._len_torch_dispatch_stack():
            stack.enter_context(_pop_mode_temporarily())
        yield


def _is_tensor(leaf: Any) -> bool:
    return isinstance(leaf, torch.Tensor)


def _or_worst(value: float | None) -> float:
    return -math.inf if value is None else value


def _distinct(branch: Branch) -> list[nn.Module]:
    modules = [branch] if isinstance(branch, nn.Module) else branch
    return list({id(module): module for module in modules}.values())


def _check_how(how: str) -> None:
    if how not in ("remove", "keep"):
        raise ValueError(f"how is {how!r}; it must be 'remove' or 'keep'")


def _check(supernet: nn.Module, branches: Mapping[Key, Branch], how: str) -> None:
    _check_how(how)
    if not branches:
        raise ValueError("branches names no operation; give the modules of every operation of the edge")
    inside = {id(part) for part in supernet.modules()}
    owner: dict[int, Key] = {}
    for key, branch in branches.items():
        for module in _distinct(branch):
            if id(module) not in inside:
                raise ValueError(
                    f"a module of operation {key!r} is not in the supernet: silencing it would change nothing"
                )
            if id(module) in owner:
                raise ValueError(
                    f"operations {owner[id(module)]!r} and {key!r} share a module: one cannot be silenced alone"
                )
            owner[id(module)] = key
