from types import SimpleNamespace

from ranknosh.config.search import SearchSettings
from ranknosh.core.pool import Pool
from ranknosh.core.records import Observed, Promotion, Proposed
from ranknosh.runs.events import Standings
from ranknosh.spaces.base import Architecture
from ranknosh.workflows.search.reporting import Reporter


def facts_after(records):
    """What the live view says beside its table once the last of the records is written."""
    heard = []
    session = SimpleNamespace(write=lambda records, lines: None, events=heard.append, seconds=1.0)
    settings = SearchSettings.from_dict({"pyramid": {"epochs": [1, 2]}, "budget": {"epochs": 40}})
    Reporter(session, settings, Pool(records), {}, "accuracy").write(records[-1:])
    (standings,) = [event for event in heard if isinstance(event, Standings)]
    return dict(standings.facts)


def test_the_live_view_names_a_candidate_that_promises_more_than_the_best():
    records = [Proposed(i, Architecture("toy", (i,)), f"k{i}", f"t{i}", 0, "random") for i in range(2)]
    records += [Observed(i, 1, metric, {"accuracy": metric}, 1, 0.5) for i, metric in enumerate((0.6, 0.5))]
    assert "promising" not in facts_after(records)
    records += [Promotion(1, 2), Observed(1, 2, 0.7, {"accuracy": 0.7}, 1, 0.5)]
    facts = facts_after(records)
    assert facts["best"].startswith("#1 ")
    assert facts["promising"] == "#0 at level 1 is expected to be better at level 2"
