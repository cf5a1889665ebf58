"""A method that goes back in time, run in a folder from its first epoch to its result."""

from dataclasses import replace

from supernet.methods import get_method
from supernet.monitors import Adaptive, Curvature, Rise
from supernet.part import Part
from tests.ranknosh.workflows.supernet.supernet_samples import search

EIGENVALUES = {3e-4: [1.0, 1.0, 1.0, 9.0, 9.0, 9.0], 9e-4: [1.0] * 6}


class Scripted(Part):
    """Says the eigenvalue that a weight decay shall lead to."""

    def after_epoch(self, search, report):
        decay = round(search.optimiser.param_groups[0]["weight_decay"], 6)
        report.measured["hessian_eigenvalue"] = EIGENVALUES[decay][report.epoch]


def adaptive(epochs=6):
    rule = Rise(window=1, delta=1, start=1)
    return replace(get_method("darts", epochs=epochs), monitors=(Curvature(1, 1), Scripted(), Adaptive(rule=rule)))


def test_the_epochs_that_count_are_those_after_going_back(tmp_path):
    state = search(tmp_path / "run", adaptive, epochs=6).state
    assert [each.epoch for each in state.epochs] == list(range(6))
    decays = [round(each.measured["weight_decay"], 6) for each in state.epochs]
    assert decays[0] == 3e-4
    assert decays[-1] == 9e-4
    assert state.retraced_seconds > 0
    assert state.result.device_seconds >= state.device_seconds > sum(each.seconds for each in state.epochs)
    assert state.result.epochs == 6
