"""``bench run`` on the shared table, where it is at hand."""

import json
from pathlib import Path

import pytest

from ranknosh.tasks.data.table import Table

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


@pytest.mark.skipif(not TABLE.exists(), reason="needs the shared table of NAS-Bench-201 results")
def test_bench_takes_scores_and_says_where_they_come_from(cli, tmp_path):
    words = ["bench", "run", "--table", TABLE, "--methods", "ranknosh_observed_proxies", "--budget", "440"]
    without = cli(*words)
    assert without.code == 2
    assert "ranknosh score nasbench201 --all --csv scores.csv" in " ".join(without.err.split())
    table, lines = Table.load(TABLE), ["architecture,canonical,params,macs,seconds,reasons"]
    for row, cell in enumerate(table.architectures):
        values = f"{table.params[row]},{-table.params[row]}"
        lines.append(f"{table.space.format(cell)},{table.space.canonical(cell)},{values},0.1,")
    scores = tmp_path / "scores.csv"
    scores.write_text("\n".join(lines))
    told = {}
    for proxy in ("params", "macs"):
        out = tmp_path / f"{proxy}.json"
        ended = cli(*words, "--repeats", "1", "--jobs", "1", "--scores", scores, "--proxies", proxy, "--json", out)
        assert ended.code == 0
        told[proxy] = json.loads(out.read_text())
        assert told[proxy]["proxies"] == [proxy]
    assert told["params"]["regret"] != told["macs"]["regret"]
    largest = tmp_path / "largest.json"
    assert (
        cli(*words[:5], "ranknosh_observed", *words[6:], "--repeats", "1", "--jobs", "1", "--json", largest).code == 0
    )
    assert list(json.loads(largest.read_text())["regret"].values()) == list(told["params"]["regret"].values())
    wrong = cli(*words, "--scores", scores)
    assert wrong.code == 4
    assert "has no column synflow, nwot; its proxies are params, macs" in " ".join(wrong.err.split())
