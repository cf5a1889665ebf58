"""Settings of runs whose candidates are trained by a user's own command, function or loop."""

import pytest

from ranknosh.config.search import CompareSettings, SearchSettings
from ranknosh.errors import ConfigError

BUDGET = {"budget": {"epochs": 30}}
COMMAND = {"name": "command", "run": "train {metrics}", "rank_by": "accuracy"}
ASK = {"name": "ask", "rank_by": "loss"}


def settings(executor, **more):
    return SearchSettings.from_dict({**BUDGET, "executor": executor, **more})


@pytest.mark.parametrize(
    "executor",
    [
        COMMAND,
        {**COMMAND, "name": "ray"},
        {"name": "evaluate", "function": "my_file:evaluate", "rank_by": "accuracy"},
        {"name": "ray", "function": "my_file:evaluate", "rank_by": "accuracy"},
        ASK,
    ],
)
def test_they_need_no_data_and_score_no_proxies_and_come_back_from_text(executor):
    found = settings(executor)
    assert (found.data.name, found.seeding.proxies, found.executor.is_own) == ("own", (), True)
    assert found.executor.higher == (executor["rank_by"] == "accuracy")
    assert SearchSettings.from_dict(found.to_dict()) == found


def test_what_is_searched_without_them_stays_as_it_was():
    plain = SearchSettings.from_dict(BUDGET)
    assert not plain.executor.is_own
    assert (plain.data.name, plain.seeding.proxies) == ("cluttered_digits", ("synflow", "nwot"))


def test_a_direction_that_is_said_counts_more_than_the_name():
    assert settings({**COMMAND, "rank_by": "speed", "direction": "min"}).executor.higher is False
    assert settings({**COMMAND, "direction": "min"}).executor.higher is False


@pytest.mark.parametrize(
    ("executor", "more", "message"),
    [
        ({**COMMAND, "rank_by": "speed"}, {}, "whether more or less of speed is better is not known"),
        ({"name": "command", "run": "train"}, {}, "executor.rank_by says by which of the metrics"),
        (
            {"name": "command", "rank_by": "accuracy"},
            {},
            "executor.name is command and neither run nor function is given",
        ),
        (
            {**COMMAND, "function": "a:b"},
            {},
            "executor.name is command and executor.run and executor.function is given",
        ),
        ({**COMMAND, "name": "inline"}, {}, "executor.name is inline and executor.run is given"),
        ({**ASK, "run": "train"}, {}, "executor.name is ask and executor.run is given"),
        ({"name": "inline", "rank_by": "loss"}, {}, "executor.rank_by belongs to a training of your own"),
        ({"name": "inline", "direction": "max"}, {}, "executor.direction belongs to a training of your own"),
        (ASK, {"data": {"name": "digits"}}, "data is given, which networks of ours need"),
        (ASK, {"seeding": {"proxies": ["nwot"]}}, r"seeding\.proxies is given, which networks of ours need"),
        (ASK, {"train": {"lr": 0.3}}, "train is given, which networks of ours need"),
        ({}, {"data": {"name": "own"}}, "data.name is own, which stands for data that a training of your own reads"),
    ],
)
def test_what_does_not_fit_together_is_one_message(executor, more, message):
    with pytest.raises(ConfigError, match=message):
        settings(executor, **more)


def test_what_trains_cannot_change_on_resume_and_where_it_runs_can():
    before = settings(COMMAND)
    before.check_resume(before.replace(["executor.name=ray", "executor.workers=4", "budget.epochs=60"]))
    for change in ("executor.run=other", "executor.rank_by=loss", "executor.direction=min"):
        with pytest.raises(ConfigError, match="cannot change on resume"):
            before.check_resume(before.replace([change]))


def test_a_comparison_trains_networks():
    with pytest.raises(ConfigError, match="a comparison trains networks by several methods"):
        CompareSettings.from_dict({"budget": {"device_time": "1m"}, "executor": COMMAND})


def test_a_training_of_ones_own_has_no_signal_but_its_metric():
    assert settings(COMMAND, pyramid={"signal": "validation"}).pyramid.signal == "validation"
    with pytest.raises(ConfigError, match="signal is train_loss, which is read of every epoch"):
        settings(COMMAND, pyramid={"signal": "train_loss"})
