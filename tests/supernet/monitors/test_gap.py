"""supernet/monitors/gap.py."""

from supernet.diagnostics.gap import discretisation_gap
from supernet.monitors import Gap
from tests.supernet_cases import bare, tiny_search


def test_accuracies_are_in_the_reports():
    search = tiny_search(bare(3, monitors=(Gap(2),)), images=16)
    reports = [search.run_epoch() for _ in range(3)]
    assert [sorted(report.measured) for report in reports][1] == []
    found = discretisation_gap(search)
    assert reports[2].measured == {
        "supernet_metric": found.supernet,
        "derived_metric": found.derived,
        "discretisation_gap": found.gap,
    }
    assert sorted(reports[0].measured) == sorted(reports[2].measured)
