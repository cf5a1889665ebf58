"""What is asked of a space that can be a supernet, and of a method that searches one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from ranknosh.spaces.base import Space
from ranknosh.spaces.signature import Signature
from ranknosh.testing.saying import expect, tried

if TYPE_CHECKING:
    from ranknosh.spaces.relaxed import Cells, Relaxed
    from supernet.method import Method
    from supernet.search import SupernetSearch

_EXAMPLES, _BATCH = 16, 4
_CLASSES = Signature((3, 8, 8), (4,))


def check_relaxed(space: Space, signature: Signature, seed: int) -> None:
    """Check the supernet of a space, where it has one: DARTS takes a few steps on it, and finds architectures of the space.

    Args:
        space: whose supernet is checked.
        signature: of pictures and classes; others are not searched by a supernet.
        seed: of data and weights.

    Raises:
        AssertionError: says what does not hold.
    """
    from supernet.methods import get_method

    if len(signature.inputs) != 3 or len(signature.outputs) != 1 or signature.dtype != "float32":
        return
    what = f"the supernet of {space.name}"
    relaxed = tried(f"{space.name}: relaxed", lambda: space.relaxed(signature))
    if relaxed is None:
        return
    for kind in relaxed.kinds:
        edges, known = len(relaxed.topology(kind).edges), len(relaxed.candidates[kind])
        expect(edges == known, f"{what} has {edges} edges of the kind {kind} and operations for {known}")
    search = tried(what, lambda: _search(get_method("darts", epochs=1), relaxed, signature, seed))
    still = tried(f"{what}: gradients", lambda: _without_gradient(search))
    expect(
        not still,
        f"{what}: the loss does not depend on what is chosen at {', '.join(still[:5])}; is something detached?",
    )
    tried(f"{what}: an epoch", search.run_epoch)
    _check_found(space, relaxed, tried(f"{what}: result", search.result), what)
    if relaxed.listed is not None:
        found = [space.parse(relaxed.write(cells)) for cells in relaxed.listed()]
        expect(found, f"{what} lists nothing")
        expect(len(set(found)) == len(found), f"{what} lists {len(found)} of which {len(set(found))} differ")


def check_search(method: Method, again: Method, space: Space, what: str, signature: Signature = _CLASSES) -> None:
    """Check that a supernet method searches a space to its end, finds an architecture of it, and the same for one seed.

    Args:
        method: of a few epochs.
        again: the same method, made anew.
        space: that it searches; one without a supernet is left out.
        what: the method, for messages.
        signature: of the supernet.
    """
    relaxed = space.relaxed(signature)
    if relaxed is None:
        return
    found = []
    for one in (method, again):
        search = tried(what, lambda one=one: _search(one, relaxed, signature, 0))  # type: ignore[misc]
        while not search.ended:
            tried(f"{what}: epoch {search.epoch + 1}", search.run_epoch)
        found.append(tried(f"{what}: result", search.result))
    _check_found(space, relaxed, found[0], what)
    expect(found[0] == found[1], f"{what} finds {found[0]} and {found[1]} from one seed")


def _search(method: Method, relaxed: Relaxed, signature: Signature, seed: int) -> SupernetSearch:
    from supernet.data import TensorData
    from supernet.method import with_recipe
    from supernet.search import SupernetSearch

    generator = torch.Generator().manual_seed(seed)
    pictures = torch.randn(_EXAMPLES, *signature.inputs, generator=generator)
    classes = signature.outputs[0]
    data = TensorData(pictures, torch.arange(_EXAMPLES) % min(classes, 4), seed=seed)
    return SupernetSearch(with_recipe(method, batch=_BATCH, augment="none"), relaxed, data, seed=seed)


def _without_gradient(search: SupernetSearch) -> list[str]:
    """Edges with a choice whose parameters the gradient of the loss does not reach, every operation being run."""
    images, labels = next(iter(search.batches("alphas")))
    loss = functional.cross_entropy(search.net(images, search.mix("evaluation")), labels)
    still = []
    for kind, edges in search.space.candidates.items():
        alpha = search.alphas[kind]
        (found,) = torch.autograd.grad(loss, alpha, retain_graph=True, allow_unused=True)
        reached = [False] * len(edges) if found is None else found.abs().amax(dim=1).gt(0).tolist()
        still += [
            f"{kind} edge {number}" for number, names in enumerate(edges) if len(names) > 1 and not reached[number]
        ]
    return still


def _check_found(space: Space, relaxed: Relaxed, cells: Cells, what: str) -> None:
    text = tried(f"{what}: write", lambda: relaxed.write(cells))
    tried(f"{what}: {text} as an architecture of {space.name}", lambda: space.chosen(space.parse(text)))
