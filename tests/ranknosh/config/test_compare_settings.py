"""Settings of a comparison: random search always in, a budget always given, and the search's settings alone."""

import pytest

from ranknosh.config.messages import schemas_of
from ranknosh.config.search import CompareSettings, SearchSettings
from ranknosh.errors import ConfigError

BUDGET = {"budget": {"device_time": "10m"}}


@pytest.mark.parametrize(
    ("given", "methods"),
    [
        ("ranknosh, darts,", ("ranknosh", "darts", "random")),
        (["random", "ranknosh", "random"], ("random", "ranknosh")),
        ("random", ("random",)),
    ],
)
def test_random_search_is_always_in_once(given, methods):
    assert CompareSettings.from_dict({**BUDGET, "methods": given}).methods == methods


def test_pairs_are_run_seed_by_seed():
    settings = CompareSettings.from_dict({**BUDGET, "methods": "one", "seeds": 2, "seed": 4})
    assert settings.pairs == (("one", 4), ("random", 4), ("one", 5), ("random", 5))


def test_the_final_training_is_as_long_as_the_top_level_where_nothing_is_said():
    settings = CompareSettings.from_dict({**BUDGET, "pyramid": {"epochs": [1, 3]}})
    assert settings.whole_epochs == 3
    assert settings.replace(["final_epochs=9"]).whole_epochs == 9


def test_the_help_of_the_budget_says_that_it_is_one_of_every_search():
    assert schemas_of(CompareSettings)["budget.device_time"]["description"].endswith(
        "in a comparison that of every search"
    )


def test_a_budget_has_to_be_given():
    assert CompareSettings.from_dict(BUDGET).budget_seconds == 600
    with pytest.raises(ConfigError, match="--budget 10m"):
        CompareSettings.from_dict({"budget": {"epochs": 20}})


def test_the_search_has_its_settings_and_no_others():
    settings = CompareSettings.from_dict({**BUDGET, "train": {"lr": 0.2}, "seeds": 5, "seed": 3})
    search = SearchSettings.from_dict({**BUDGET, "train": {"lr": 0.2}, "seed": 3, "baseline": "none"})
    assert settings.search == search
    assert type(settings.search) is SearchSettings


def test_plain_data_gives_equal_settings_again():
    settings = CompareSettings.from_dict({**BUDGET, "methods": "darts", "table": "t.npz"})
    assert CompareSettings.from_dict(settings.to_dict()) == settings
