import subprocess
import sys

import pytest

from ranknosh.errors import ConfigError
from ranknosh.training.settings import TrainSettings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("total_epochs", 0),
        ("batch", 0),
        ("lr", 0.0),
        ("lr", float("nan")),
        ("lr", float("inf")),
        ("momentum", 1.0),
        ("weight_decay", -1e-4),
        ("augment", "flip"),
        ("amp", "fp16"),
        ("ema", 1.0),
        ("grad_clip", -1.0),
        ("threads", 0),
        ("channels_last", "perhaps"),
        ("divergence_factor", 1.0),
    ],
)
def test_a_value_that_breaks_its_rule_is_named(name, value):
    with pytest.raises(ConfigError, match=rf"train: {name} is {value!r}; it must be") as raised:
        TrainSettings(**{"total_epochs": 4, name: value})
    assert "Undefined" not in str(raised.value)  # a setting without a default has no example


def test_ranking_by_averaged_weights_needs_them():
    with pytest.raises(ConfigError, match=r"train\.metric is ema_loss.* train\.ema: 0\.99"):
        TrainSettings(total_epochs=4, metric="ema_loss")
    assert TrainSettings(total_epochs=4, metric="ema_loss", ema=0.9).reads_average
    assert not TrainSettings(total_epochs=4, ema=0.9).reads_average


def test_the_warm_up_ends_within_the_schedule():
    with pytest.raises(ConfigError, match=r"train\.warmup_epochs is 4, not below the 4 of total_epochs"):
        TrainSettings(total_epochs=4, warmup_epochs=4)


def test_settings_load_without_torch():
    script = "import sys; import ranknosh.training.settings, ranknosh.training; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
