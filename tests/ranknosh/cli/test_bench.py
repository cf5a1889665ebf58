"""``bench run`` on the shared table, where it is at hand."""

import json
from pathlib import Path

import pytest

TABLE = Path(__file__).parents[4] / "shared" / "data" / "nasbench201_cifar10.npz"


@pytest.mark.skipif(not TABLE.exists(), reason="needs the shared table of NAS-Bench-201 results")
def test_bench_prints_regret_and_writes_every_number(cli, tmp_path):
    out = tmp_path / "b.json"
    words = ["--table", TABLE, "--methods", "random,lowfi_evo", "--budget", "1000", "--repeats", "2", "--jobs", "1"]
    ended = cli("bench", "run", *words, "--json", out)
    assert ended.code == 0
    assert ended.err == ""
    written = json.loads(out.read_text())
    assert written["settings"]["budget"] == 1000
    assert {row["method"] for row in written["rows"]} == {"random", "lowfi_evo"}
    for row in written["rows"]:
        assert row["repeats"] == 2
        assert f"{row['at'][-1]['mean']:.3f}" in ended.out
