"""Operation strength: the change of the loss if one operation replaced the mixture of its edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from ranknosh.spaces.relaxed import Relaxed
from supernet.part import AlphaGradients, Composition, Running
from supernet.relaxations import Softmax
from supernet.report import EpochReport
from supernet.selections.base import Selection

Form = Literal["ostr", "ostr_star", "naive"]
Window = Literal["epoch", "all", "ema"]
_EMA = 0.9
_NAMES = {"ostr": "OStr", "ostr_star": "OStr*", "naive": "naive strength"}


@dataclass
class Strength(Selection):
    """Scores from the gradients of architecture steps: absolute values per batch, then averaged; higher is better
    (OStr-DARTS, arXiv 2409.14433).

    With ``x`` the mixture of an edge, ``f_o`` the output of operation ``o`` and ``g = dL/dx``:

    - ``ostr``: ``|theta_o <g, f_o - x>|``, first-order change of the loss expanded about ``f_o`` (eq. 8). For a softmax
      this is ``|dL/dalpha_o|`` with the logits alpha (eq. 9 to 11).
    - ``ostr_star``: ``|<g, f_o - x>|``, expanded about the mixture (eq. 18).
    - ``naive``: ``|theta_o dL/dtheta_o|``, the change if the operation were deleted (SNIP on theta).

    All come from the gradients of the loss alone, without penalties and weight decay. They are computed from
    theta and ``dL/dtheta``, so any weights of sum 1 may take the place of the softmax. Edges are ranked by the strength
    of their best operation. With two operations on an edge ``ostr`` ties always and ``ostr_star`` prefers the smaller
    theta, so both refuse such spaces; use ``naive`` there. Before the first architecture step (warm-up) scores are the
    mean weights.

    Args:
        form: ``ostr``, ``ostr_star`` or ``naive``.
        window: Batches that are averaged: those of the present ``epoch`` (our reading of "during search"), ``all``, or
            an exponential mean over epochs (``ema``, factor 0.9 for the past).
    """

    form: Form = "ostr"
    window: Window = "epoch"
    _sums: dict[str, Tensor] = field(default_factory=dict, repr=False, compare=False)
    _batches: int = field(default=0, repr=False, compare=False)
    _past: dict[str, Tensor] = field(default_factory=dict, repr=False, compare=False)

    def describe(self) -> str:
        return _NAMES[self.form] if self.window == "epoch" else f"{_NAMES[self.form]} over {self.window}"

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        pairs = [kind for kind, edges in space.candidates.items() if any(len(names) == 2 for names in edges)]
        if self.form != "naive" and pairs:
            return (
                f"{_NAMES[self.form]} cannot tell two operations of one edge apart (their gradients are equal and opposite), "
                f"and {space.name} has such edges; use the naive strength or a perturbation-based selection"
            )
        if isinstance(method.relaxation, Softmax) or self.form == "naive":
            return None
        return f"{_NAMES[self.form]} is derived for a softmax relaxation, not for {method.relaxation.describe()}"

    def before_epoch(self, search: Running) -> None:
        if search.warming_up or self.window == "all":
            return
        # The mean of the epoch that just ended joins the past, once it is whole.
        if self.window == "ema" and self._batches:
            self._past = self._mean()
        self._sums, self._batches = {}, 0

    def alpha_gradients(self, search: Running, gradients: AlphaGradients) -> None:
        for kind, theta in gradients.theta.items():
            strength = strengths(theta, gradients.theta_gradients[kind], self.form)
            self._sums[kind] = self._sums[kind] + strength if kind in self._sums else strength
        self._batches += 1

    def scores(self, search: Running) -> Mapping[str, Tensor]:
        return self._mean() if self._batches else search.mix("evaluation", detached=True).theta

    def after_epoch(self, search: Running, report: EpochReport) -> None:
        if self._batches:
            for kind, scores in self._mean().items():
                report.strength[kind] = scores.double().cpu().tolist()

    def _mean(self) -> dict[str, Tensor]:
        now = {kind: total / self._batches for kind, total in self._sums.items()}
        if self.window != "ema" or not self._past:
            return now
        return {kind: _EMA * self._past[kind] + (1 - _EMA) * scores for kind, scores in now.items()}

    def state_dict(self) -> dict[str, Any]:
        return {"sums": dict(self._sums), "batches": self._batches, "past": dict(self._past)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._sums, self._batches, self._past = dict(state["sums"]), state["batches"], dict(state["past"])


def strengths(theta: Tensor, theta_gradients: Tensor, form: Form) -> Tensor:
    """Strengths of one batch.

    Args:
        theta: (edges, operations) weights; rows sum to 1, or to the factor of their edge, in which case strengths are
            still the gradients of the logits.
        theta_gradients: dL/dtheta of the same shape, ``[e, o] = <g_e, f_o>``.
        form: As in :class:`Strength`.

    Returns:
        (edges, operations), at least 0; higher is stronger.
    """
    if form == "naive":
        return (theta * theta_gradients).abs()
    shares = theta / theta.sum(dim=1, keepdim=True).clamp_min(torch.finfo(theta.dtype).tiny)
    # <g, x> is the mean of <g, f_o> with these shares.
    mixture = (shares * theta_gradients).sum(dim=1, keepdim=True)
    residual = (theta_gradients - mixture).abs()
    return theta * residual if form == "ostr" else residual.masked_fill(theta <= 0, 0.0)
