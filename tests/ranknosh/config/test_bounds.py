import pytest

from ranknosh.config.bounds import Bound, read_bounds
from ranknosh.config.search import SearchSettings
from ranknosh.errors import ConfigError

BUDGET = {"budget": {"epochs": 20}}


@pytest.mark.parametrize(
    ("cost", "text", "bounds"),
    [
        ("params", "<= 1M", [Bound("<=", 1e6)]),
        ("params", "<=300000", [Bound("<=", 3e5)]),
        ("macs", ">= 10M, <= 30M", [Bound(">=", 1e7), Bound("<=", 3e7)]),
        ("latency", "<= 5 ms", [Bound("<=", 0.005)]),
        ("latency", "<= 0.5 s", [Bound("<=", 0.5)]),
        ("memory", "<= 64 MB", [Bound("<=", 64e6)]),
        ("memory", "<= 1KiB", [Bound("<=", 1024)]),
        ("energy", "<= 2.5", [Bound("<=", 2.5)]),
        ("params", "<= 60% of |none~0|, x", [Bound("<=", 0.6, "|none~0|, x")]),
        ("params", '<= 50% of {"a": 1, "b": 2}, >= 1K', [Bound("<=", 0.5, '{"a": 1, "b": 2}'), Bound(">=", 1000)]),
    ],
)
def test_limits_are_read_in_the_units_of_costs(cost, text, bounds):
    found = read_bounds(cost, text)
    assert [(one.relation, one.reference) for one in found] == [(one.relation, one.reference) for one in bounds]
    assert [one.value for one in found] == pytest.approx([one.value for one in bounds])


@pytest.mark.parametrize(
    ("cost", "text", "said"),
    [
        ("latency", "<= 5", "no unit; latency takes us, ms, s"),
        ("latency", "<= 5 MB", "the unit 'MB'; latency takes us, ms, s"),
        ("memory", "<= 5 GG", "the unit 'GG'; memory takes B, KB, MB"),
        ("params", "1M", "no limit; write <= or >="),
        ("params", "< 1M", "no limit; write <= or >="),
        ("params", "<= 60%", "say of which architecture"),
        ("params", "<= 60 of X", "only a share is one of an architecture"),
        ("params", ">= 2M, <= 1M", "nothing is at least the larger"),
        ("params", 5, "write a limit as a text"),
        ("params", "", "write a limit as a text"),
    ],
)
def test_what_is_no_limit_is_refused_with_what_to_write(cost, text, said):
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        read_bounds(cost, text)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"constraints": {"parms": "<= 1M"}},
            "unknown cost 'parms'; known are params, macs, latency, memory; did you mean params",
        ),
        ({"constraints": {"latency": "<= 5"}}, "constraints.latency has '<= 5' with no unit"),
        ({"constraints": {"energy": "<= 5"}}, "needs an entry under costs"),
        ({"costs": {"energy": {"unit": "K"}}}, "costs.energy is a cost of your own"),
        ({"costs": {"latency": {"unit": "MB"}}}, "unknown unit 'MB'"),
        ({"costs": {"latency": {"table": "t.csv", "function": "a:b"}}}, "a cost comes from one of them"),
        ({"costs": {"latency": {"column": "x"}}}, "column is given without a table"),
    ],
)
def test_a_config_with_a_wrong_limit_is_refused_in_one_sentence(settings, said):
    with pytest.raises(ConfigError) as raised:
        SearchSettings.from_dict({**BUDGET, **settings})
    assert said in str(raised.value)


def test_limits_on_a_cost_of_ones_own_are_taken_and_written_back():
    settings = {"constraints": {"energy": "<= 5"}, "costs": {"energy": {"function": "mine:energy"}}}
    found = SearchSettings.from_dict({**BUDGET, **settings})
    assert found.to_dict()["constraints"] == {"energy": "<= 5"}
    assert SearchSettings.from_dict(found.to_dict()) == found
