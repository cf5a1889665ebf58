"""From a config to a task: told by the targets, one's own parts, and what is refused before anything runs."""

from typing import Any

import pytest
import torch

from ranknosh.config.learning import DataConfig, TaskConfig
from ranknosh.errors import ConfigError, DataError
from ranknosh.tasks import Data
from ranknosh.tasks.base import check, ranked_by
from ranknosh.tasks.catalog import load_task, make_task, told
from tests.ranknosh.tasks.task_samples import OFF, Counting, classes, generator, of, pictures, rows

HERE = "tests.ranknosh.tasks.task_samples"
TOKENS = torch.randint(0, 5, (8, 7), generator=generator())
NUMBERS = of(rows(), torch.randn(12, generator=generator()))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (classes(), "classification"),
        (NUMBERS, "regression"),
        (of(rows(), torch.randn(12, 2, generator=generator())), "regression"),
        (of(rows(), (rows() > 0).float()), "multilabel"),
        (of(pictures(), torch.zeros(6, 4, 4, dtype=torch.int64)), "dense"),
        (of(pictures(), torch.randn(6, 1, 4, 4, generator=generator())), "dense"),
        (of(TOKENS[:, 1:], TOKENS[:, :-1]), "tokens"),
        (of(TOKENS, torch.arange(8) % 2), "classification"),
    ],
)
def test_the_targets_tell_the_task(data: Data, name: str) -> None:
    assert told(data) == name


def test_targets_that_fit_no_task_are_refused() -> None:
    with pytest.raises(DataError, match=r"\(n, 5\) of integers, which fit no task by themselves"):
        told(of(rows(), torch.zeros(12, 5, dtype=torch.int64)))


def test_a_config_loads_data_as_its_task_reads_them(tmp_path: Any) -> None:
    import numpy as np

    np.savez(tmp_path / "ages.npz", x=rows(20).numpy(), y=np.arange(20))  # whole numbers, which auto takes for classes
    section = DataConfig(npz=str(tmp_path / "ages.npz"))
    task = load_task(section, TaskConfig(name="regression"), 0)
    assert task.settings == {"name": "regression"}
    assert task.data.train.targets.dtype == torch.float32
    with pytest.raises(DataError, match="class 0 has 1 example, too few"):
        load_task(section, TaskConfig(), 0)
    digits = load_task(DataConfig(name="digits"), TaskConfig(label_smoothing=0.1), 0)  # type: ignore[call-arg]
    assert digits.settings == {"name": "classification", "label_smoothing": 0.1}
    assert digits.signature.outputs == (10,)
    assert digits.facts["task"] == digits.settings


def test_ones_own_task_loss_and_metrics_by_name() -> None:
    task = make_task(NUMBERS, {"name": f"{HERE}:Counting", "power": 2.0})
    check(task)
    assert isinstance(task, Counting)
    assert task.power == 2.0
    assert task.loss(torch.full((2, 1), 3.0), torch.tensor([1.0, 2.0])).item() == pytest.approx((4 + 1) / 2)
    own = make_task(NUMBERS, {"name": "regression", "loss": f"{HERE}:cubed", "metrics": (f"{HERE}:OFF", "mae")})
    check(own)
    assert list(own.metrics) == ["off", "mae"]
    assert own.metrics["off"] is OFF
    assert own.rank_by == "off"
    assert own.settings == {"name": "regression", "loss": f"{HERE}:cubed", "metrics": [f"{HERE}:OFF", "mae"]}
    directed = make_task(NUMBERS, {"name": "regression", "metrics": (f"{HERE}:Directed",)})
    assert directed.direction("Directed") == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "clasification"}, "unknown task 'clasification'.*did you mean classification"),
        ({"name": f"{HERE}:cubed"}, "is no subclass of ranknosh.tasks.Task"),
        ({"name": "regression", "label_smoothing": 0.1}, "has no setting label_smoothing; it takes loss"),
        (
            {"name": "regression", "metrics": ("accuracy",)},
            "task.metrics has 'accuracy'; regression knows rmse, mae, r2",
        ),
        ({"name": "regression", "metrics": ("mae", "mae")}, "has 'mae' twice"),
        ({"name": "regression", "metrics": (f"{HERE}:Undirected",)}, "does not say whether larger values are better"),
        ({"name": "regression", "loss": f"{HERE}:HERE"}, "unknown name 'HERE'"),
        ({"name": "regression", "loss": f"{HERE}:OFF"}, "is a Metric; name a function"),
        ({"name": "regression", "loss": "nowhere_at_all:loss"}, "cannot be imported: ModuleNotFoundError"),
    ],
)
def test_names_and_settings_that_break_a_rule_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_task(NUMBERS, settings)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("vector", r"gave a tensor of shape \(4,\) on outputs \(4, 1\) and targets \(4,\)"),
        ("unknown", "is nan on outputs"),
        ("stuck", "has no gradients"),
        ("number", "gave a float"),
        ("broken", "raised RuntimeError on outputs .*: no such thing"),
    ],
)
def test_a_loss_that_is_none_is_refused_before_a_network_is_built(loss: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check(make_task(NUMBERS, {"name": "regression", "loss": f"{HERE}:{loss}"}))


def test_a_task_without_its_parts_is_refused() -> None:
    unsigned = Counting(NUMBERS)
    del unsigned.signature
    with pytest.raises(ConfigError, match="has no signature"):
        check(unsigned)
    undirected = Counting(NUMBERS)
    undirected.metrics = {"off": object()}  # type: ignore[dict-item]
    with pytest.raises(ConfigError, match="metric off of the task counting does not say its direction"):
        check(undirected)
    raising = Counting(NUMBERS)
    raising.metrics = {"off": type(OFF)("off", False, "", lambda: None)}  # type: ignore[arg-type, return-value]
    with pytest.raises(ConfigError, match="metric off of the task counting raised AttributeError"):
        check(raising)


def test_what_ranks_is_a_metric_of_the_task_or_its_loss() -> None:
    task = make_task(classes(), {})
    assert [ranked_by(task, name) for name in ("auto", "ema_loss", "ema_accuracy", "loss")] == [
        "accuracy",
        "loss",
        "accuracy",
        "loss",
    ]
    with pytest.raises(
        ConfigError, match=r"train\.metric is 'rmse', and the task classification measures accuracy, loss"
    ):
        ranked_by(task, "rmse")
    task.rank_by = "rmse"
    with pytest.raises(ConfigError, match=r"rank_by is 'rmse', and the task .* measures accuracy, loss; set rank_by"):
        check(task)
