"""``python -m benchmarks damage``: what it damages is recognised."""

import re

import pytest

from benchmarks import damage


@pytest.mark.slow
def test_no_damage_is_accepted_silently(capsys):
    damage.main(["--flips", "20", "--lines", "2", "--checkpoint-flips", "2"])
    out = capsys.readouterr().out
    found = re.findall(r"(?:silently|loaded): (\d+) of (\d+)", out)
    assert len(found) == 3 * 4 + 3
    assert {accepted for accepted, _ in found} == {"0"}
    assert "Run.network(): recognised" in out
