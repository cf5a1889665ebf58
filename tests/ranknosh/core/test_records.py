import math

import pytest

from ranknosh.core.records import (
    EpochPoint,
    Failed,
    Fitted,
    Interrupted,
    Observed,
    Promotion,
    Proposed,
    Rerun,
    Scored,
    Session,
    StockTrained,
    Stopped,
    Tested,
)
from ranknosh.spaces.base import Architecture
from tests.journal_lines import read_back

ARCHITECTURE = Architecture("nasbench201", (0, 1, 2, 3, 4, 0))
POINT = EpochPoint(1, 2.0, 0.25, 0.5, {"accuracy": 0.25, "loss": 1.5})
ALL = [
    Scored(ARCHITECTURE, "k", "|none~0|", {"synflow": 1.5, "nwot": None}, 0.01),
    Fitted(1, "kernel", 12, 66, 0.4, 9, None, 0.02),
    Proposed(3, ARCHITECTURE, "k", "|none~0|", 1, "predictor", 1.2, 0.3),
    Promotion(3, 2, "closing"),
    Rerun(3, 1),
    Observed(3, 1, 0.1 + 0.2, {"accuracy": 0.5, "loss": 1.25}, 1, 0.75, {"params": 1000, "macs": 2000}, (POINT,), 4096),
    Interrupted(3, 2, 1, 1, 0.5, 4096),
    Failed(3, 2, "diverged", "loss is nan", 1, 0.1),
    Tested(3, {"accuracy": 0.5, "loss": 1.2}, 0.2),
    StockTrained("mlp", 3, 4, 1.5, 2, {"accuracy": 0.5}, {"accuracy": 0.25}, {"params": 100.0}, 1.25, 2.5),
    Session(2, 2, "cpu", "ranknosh resume x", 17, 1, {"budget.epochs": 90}),
    Stopped("epochs", "as planned"),
]


@pytest.mark.parametrize("record", ALL, ids=lambda record: type(record).__name__)
def test_every_record_survives_a_line_of_the_journal(record):
    assert read_back(record) == record


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("field", ["metric", "metrics.loss", "costs.latency", "seconds"])
def test_an_observation_is_finite(field, value):
    values = {"metric": 0.5, "metrics": {"loss": 1.0}, "costs": {"latency": 0.1}, "seconds": 1.0}
    group, _, name = field.partition(".")
    values[group] = {name: value} if name else value
    with pytest.raises(ValueError, match=field):
        Observed(0, 1, epochs=1, **values)
