"""``ranknosh score`` as a user runs it, on real digits and tiny networks."""

import csv
import io
import json
import re
import signal
from pathlib import Path

import numpy as np
import pytest

from ranknosh.core.seeding import draw
from ranknosh.spaces.catalog import get_space
from ranknosh.workflows import open_run
from tests.processes import output_of, wait_for_lines

SPACE = get_space("nasbench201")
TINY = ["--set", "space.channels=4", "--set", "space.cells=1", "--batch", "8"]
CHEAP = ["--proxies", "params,macs,synflow"]
FIRST = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"
TWIN = "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
RUN = Path("runs") / "score-001"


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def rows_of(path):
    return list(csv.DictReader(io.StringIO(Path(path).read_text())))


def table_of(run=RUN):
    return rows_of(run / "scores.csv")


def settings_of(run=RUN):
    return open_run(run).settings


def lines_in(run=RUN):
    return (run / "journal.jsonl").read_bytes().splitlines()


def one_message(ended, code=2):
    assert ended.code == code, ended
    (found,) = ended.err.splitlines(keepends=True)
    assert found.startswith("error: ")
    return found


def test_a_space_is_drawn_scored_and_summed_up(cli):
    ended = cli("score", "nasbench201", "--count", "5", *TINY, *CHEAP)
    assert ended.code == 0, ended
    found = table_of()
    assert list(found[0]) == ["architecture", "canonical", "params", "macs", "synflow", "seconds", "reasons"]
    assert [row["architecture"] for row in found] == [SPACE.format(a) for a in draw(SPACE, 5, 0)]
    assert all(float(row["params"]) > 0 for row in found)
    head, *lines = ended.out.splitlines()
    assert head.split() == ["proxy", "better", "scored", "no", "value", "median", "time", "each", "with", "params"]
    assert [line.split()[:4] for line in lines[:3]] == [
        [name, "higher", "5", "0"] for name in ("params", "macs", "synflow")
    ]
    assert f"{RUN}/scores.csv  {RUN}/report.html" in ended.out
    assert "networks 5/5" in ended.err
    assert "\x1b" not in ended.out + ended.err
    assert (RUN / "report.html").read_text().startswith("<!doctype html>")


def test_architectures_have_their_rows_in_a_folder_and_a_file_of_choice(cli):
    words = ("--name", "cells", "--out", "a", "--csv", "b/f.csv", "-q")
    ended = cli("score", FIRST, TWIN, DEAD, FIRST, *TINY, *CHEAP, *words)
    assert (ended.code, ended.err) == (0, "")
    found = table_of(Path("a/cells"))
    assert rows_of("b/f.csv") == found
    assert [row["architecture"] for row in found] == [FIRST, TWIN, DEAD, FIRST]
    assert len({row["canonical"] for row in found}) == 2
    assert found[2]["synflow"] == ""
    assert "synflow  1 x the flow is zero" in ended.out
    assert "1 of them have the scores of another" in ended.out
    assert "a run already" in one_message(cli("score", FIRST, *TINY, *CHEAP, *words))


@pytest.mark.parametrize(("text", "space"), [("8:16:24:32:40", "size"), ("22212220", "chain"), ("resnet18", "stock")])
def test_a_text_without_marks_is_an_architecture(cli, text, space):
    assert cli("score", text, "--batch", "8", "--proxies", "params", "--data", "digits", "-q").code == 0
    assert [row["architecture"] for row in table_of()] == [text]
    assert settings_of().space.name == space


def test_json_is_all_there_is_on_stdout(cli):
    ended = cli("score", TWIN, FIRST, DEAD, *TINY, *CHEAP, "--json")
    found = json.loads(ended.out)
    assert [row["scored_as"] for row in found["rows"]] == [None, TWIN, None]
    assert [(one["name"], one["given"], one["missing"]) for one in found["proxies"]] == [
        *(("params", 3, 0), ("macs", 3, 0), ("synflow", 2, 1)),
    ]
    assert found["proxies"][2]["reasons"][0]["count"] == 1
    assert (found["functions"], found["networks"]) == (2, 2)


def test_resume_scores_more_architectures_and_proxies(cli):
    assert cli("score", "nasbench201", "--count", "2", *TINY, "--proxies", "params,macs", "-q").code == 0
    before = table_of()
    again = cli("resume", RUN)
    assert "2 networks scored by 2 proxies); nothing to do" in again.err
    assert json.loads(cli("resume", RUN, "--json").out)["networks"] == 2
    ended = cli("resume", RUN, "--set", "count=3", "--set", "proxies=[params, macs, synflow]", "-q")
    assert ended.code == 0, ended
    after = table_of()
    assert [row["params"] for row in after[:2]] == [row["params"] for row in before]
    assert (len(after), list(after[0])[2:5]) == (3, ["params", "macs", "synflow"])
    assert [line.split()[:3] for line in ended.out.splitlines()[1:4]] == [
        [name, "higher", "3"] for name in ("params", "macs", "synflow")
    ]
    assert "seed was 0 when this run started and is 1 now" in one_message(cli("resume", RUN, "--set", "seed=1"))


def test_all_proxies_are_those_that_need_no_option(cli):
    from ranknosh.config.fields import NEEDS_OPTIONS, PROXIES

    options = ["--option", "swap_reg.mu=5.2", "--option", "swap_reg.sigma=4"]
    assert cli("score", FIRST, *TINY, "-q").code == 0
    assert list(table_of()[0])[2:-2] == [name for name in PROXIES.names if name not in NEEDS_OPTIONS]
    assert cli("score", FIRST, *TINY, "--proxies", "swap_reg", *options, "-q").code == 0
    two = table_of(Path("runs/score-002"))
    assert (list(two[0])[2:-2], settings_of(Path("runs/score-002")).options) == (
        ["swap_reg"],
        {"swap_reg": {"mu": 5.2, "sigma": 4}},
    )
    assert float(two[0]["swap_reg"]) >= 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "nothing to score"),
        (["nasbench20"], "did you mean nasbench201?"),
        (["nasbench201", "--proxies", "synflw"], "did you mean synflow?"),
        (["nasbench201", "--proxies", ","], "proxies is empty"),
        (["nasbench201", "--proxies", "swap_reg"], "needs a value for mu and sigma"),
        (["nasbench201", "--option", "swap_reg"], "PROXY.NAME=VALUE"),
        (["nasbench201", "--option", "swap_rag.mu=1"], "did you mean swap_reg?"),
        (["nasbench201", "--proxies", "params", "--option", "swap_reg.mu=1"], "add it to proxies"),
        (["nasbench201", "--data", "digitz"], "did you mean digits?"),
        (["nasbench201", "--all", "--count", "2"], "give one of them"),
        (["nasbench201", FIRST], "give one space, or architectures only"),
        ([FIRST, "--count", "2"], "leave them out"),
        ([FIRST.replace("3x3", "9x9")], "nor_conv_9x9"),
        (["nasbench201", "--csv", "scores.txt"], "csv is 'scores.txt'"),
        (["nasbench201", "--device", "gpu"], "device is 'gpu'"),
        (["nasbench201", "--set", "bach=3"], "did you mean batch"),
        (["--config", "none.yaml"], "no such config file"),
        (["--audit", "run", "nasbench201"], "leave the rest out"),
        (["--audit", "run", "--proxies", "all", "--count", "2"], "leave the rest out"),
        (["--audit", "run", "--csv", "b.csv"], "--audit without --proxies reads"),
        (["--audit", "run", "--name", "b"], "--audit without --proxies reads"),
    ],
)
def test_what_cannot_be_meant_is_one_message(cli, tmp_path, words, text):
    assert text in one_message(cli("score", *words))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["nasbench201", "--data", "none.npz"], "none.npz"),
        (["nasbench201", "--table", "none.npz"], "the table none.npz does not exist"),
        (["--audit", "none"], "none does not exist"),
        (["--audit", "none", "--proxies", "all", "--name", "b"], "none does not exist"),
    ],
)
def test_what_is_not_there_is_4(cli, tmp_path, words, text):
    assert text in one_message(cli("score", *words), 4)
    assert list(tmp_path.iterdir()) == []


def test_a_table_gives_truths_and_their_correlation(cli, tmp_path):
    cells = [SPACE.format(a) for a in draw(SPACE, 8, 0)]
    assert cli("score", *cells, *TINY, *CHEAP, "-q").code == 0
    params = [float(row["params"]) for row in table_of()]
    percent = 50 + np.argsort(np.argsort(params, kind="stable"))  # the more weights the better
    np.savez(
        tmp_path / "table.npz",
        arch=np.array(cells[:7]),
        epoch12_val=np.full(7, 10.0),
        epoch200_seeds=np.stack([percent[:7] - 1.0, percent[:7] + 1.0], axis=1),
        train_seconds_200=np.ones(7),
    )
    ended = cli("score", *cells, *TINY, *CHEAP, "--table", "table.npz", "--json")
    found = json.loads(ended.out)
    assert [row["truth"] for row in found["rows"]] == [*(pytest.approx(p / 100) for p in percent[:7]), None]
    with_truth = found["proxies"][0]["with_truth"]
    assert (with_truth["n"], with_truth["rho"] > 0.9) == (7, True)
    shown = cli("resume", RUN, "--set", "table=table.npz", "-q").out
    assert re.search(r"^params .* ± \d\.\d\d$", shown, re.MULTILINE)
    assert "it knows 7" in shown
    assert list(table_of()[0])[-2:] == ["truth", "reasons"]
    assert "Do the proxies know what the table knows?" in (RUN / "report.html").read_text()


def test_a_config_gives_space_network_data_and_seed_and_flags_win(cli, tmp_path):
    (tmp_path / "search.yaml").write_text(
        "seed: 3\nspace: {name: nasbench201, channels: 4, cells: 1}\n"
        "data: {name: digits, limit: 90}\nbudget: {epochs: 9}\ntrain: {device: auto}\n"
    )
    words = ["score", "--config", "search.yaml", "--count", "2", "--proxies", "params", "--batch", "8", "-q"]
    assert cli(*words).code == 0
    assert [row["architecture"] for row in table_of()] == [SPACE.format(a) for a in draw(SPACE, 2, 3)]
    one = settings_of()
    assert (one.space.make().channels, one.space.make().cells, one.seed, one.device) == (4, 1, 3, "cpu")
    assert (
        cli(*words, "--set", "space.channels=6", "--seed", "4", "--data", "cluttered_digits", "--name", "b").code == 0
    )
    two = settings_of(Path("runs/b"))
    assert (two.space.make().channels, two.space.make().cells, two.seed) == (6, 1, 4)
    assert (two.data.name, two.data.limit) == ("cluttered_digits", 90)


def test_data_stand_for_the_search_that_they_suggest(cli):
    ended = cli("score", "--config", "digits", "--count", "1", "--proxies", "params", "--batch", "8")
    assert ended.code == 0, ended
    assert "pictures of 1x8x8" in ended.err
    assert (settings_of().data.name, settings_of().space.name) == ("digits", "nasbench201")


def test_codes_are_what_tables_list(cli):
    from ranknosh.workflows.score.population import sampled

    assert cli("score", "nasbench201", "--draw", "codes", "--count", "4", *TINY, "--proxies", "params", "-q").code == 0
    assert [row["architecture"] for row in table_of()] == [SPACE.format(a) for a in sampled(SPACE, "codes", 4, 0)]


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_resume(cli, tmp_path, start_process):
    words = ["score", "nasbench201", "--count", "2000", *TINY, "--proxies", "params,synflow", "--name", "long"]
    child = start_process(*words, cwd=tmp_path)
    run = Path("runs/long")
    wait_for_lines(run / "journal.jsonl", 6, child)
    assert "in use by process" in one_message(cli("resume", run))
    child.send_signal(signal.SIGINT)
    out, err = output_of(child)
    assert child.returncode == 130, (out, err)
    assert "Traceback" not in err
    assert "stopping after the networks that are being scored" in err
    assert err.endswith("interrupted; everything is saved. Resume with: ranknosh resume runs/long\n")
    assert out == ""
    saved = len(lines_in(run)) - 3  # header, session, what is asked for
    assert 3 <= saved < 2000
    assert len(table_of(run)) == saved


@pytest.mark.slow
def test_ray_gives_the_values_of_one_process(cli, tmp_path, run_process):
    pytest.importorskip("ray")
    words = ["score", "nasbench201", "--count", "12", *TINY, "--proxies", "params,synflow,nwot"]
    assert cli(*words, "--csv", "inline.csv", "-q").code == 0
    ended = run_process(*words, "--csv", "ray.csv", "--ray", cwd=tmp_path)
    assert ended.code == 0, ended
    assert "workers ready on 1 node: cpu" in ended.err

    def values(name):
        return [{**row, "seconds": ""} for row in rows_of(name)]

    assert values("ray.csv") == values("inline.csv")


def small_run(cli, small_search, name, *settings):
    """The folder of a search of one-epoch trainings."""
    words = [*small_search, "--out", ".", "--quiet", "--set", "pyramid.epochs=[1,2]", "--name", name]
    ended = cli(*words, *(word for setting in settings for word in ("--set", setting)))
    assert ended.code == 0, ended
    return name


def test_the_audit_of_a_search_that_scored_proxies(cli, small_search):
    run = small_run(cli, small_search, "a", "pyramid.initial=8", "pyramid.candidates=8")
    report = json.loads(cli("score", "--audit", run, "--json").out)
    assert (report["run"], report["candidates"], report["audit"]["n"]) == ("a", 8, 8)
    assert [proxy["name"] for proxy in report["audit"]["proxies"]] == ["synflow", "nwot"]
    assert report["audit"]["size"] == "params"
    assert report["audit"]["combination"]["size"]["value"] is not None
    text = cli("score", "--audit", run).out
    for word in ("proxy", "Spearman", "at equal params", "in the top half", "verdict", "synflow", "nwot", "size alone"):
        assert word in text
    helping = [p["name"] for p in report["audit"]["proxies"] if p["verdict"].startswith("helps")]
    assert ("seeding: {proxies: [" in text) is bool(helping)
    assert (report["seeding"] is None) is not bool(helping)


@pytest.mark.slow
def test_an_audit_by_other_proxies_scores_all_candidates(cli, small_search):
    run = small_run(cli, small_search, "more", "pyramid.initial=4", "pyramid.candidates=8", "seeding.draw=6")
    journal = Path(run) / "journal.jsonl"
    before, pool = journal.read_bytes(), open_run(run).pool
    alone = cli("score", "--audit", run)
    scored = {record.key: record.values for record in pool.scored}
    proposed = {candidate.key for candidate in pool.candidates.values()}
    later = len(proposed - scored.keys())
    assert later > 0
    assert f"{later} more candidates with a result" in alone.out.replace("1 more candidate ", "1 more candidates ")
    assert f"ranknosh score --audit {run} --proxies all" in alone.out
    report = json.loads(cli("score", "--audit", run, "--proxies", "synflow,l2_norm", "--json").out)
    assert (report["candidates"], [p["name"] for p in report["audit"]["proxies"]]) == (8, ["synflow", "l2_norm"])
    assert journal.read_bytes() == before
    found = {row["canonical"]: row for row in table_of()}
    assert set(found) == proposed
    for key, values in scored.items():
        if key in found:
            assert float(found[key]["synflow"]) == values["synflow"]
    again = cli("resume", RUN, "--set", "proxies=[synflow, l2_norm, params]")
    assert "networks 8/8" in again.err
    assert "l2_norm" in again.out
    assert "verdict" in again.out
    assert "more candidate" not in again.out


def test_an_audit_ends_with_a_line_for_the_next_config():
    from ranknosh.cli.score_text import audit_text
    from ranknosh.config.search import SearchSettings
    from ranknosh.config.source import parse_source
    from zerocost.audit import audit

    values = [{"synflow": float(i), "params": float(i * 7 % 11)} for i in range(20)]
    report = audit(values, [float(i) for i in range(20)], {"synflow": 1}).as_dict()
    text = audit_text(report, ["synflow", "nwot"])
    assert "helps beyond size" in text
    config = parse_source(f"budget: {{epochs: 4}}\n{text.splitlines()[-1]}\n", "pasted").data
    assert SearchSettings.from_dict(config).seeding.proxies == ("synflow", "nwot")
    assert "seeding:" not in audit_text(report, [])


def test_an_audit_without_evidence_says_so(cli, small_search):
    none = small_run(cli, small_search, "none", "seeding.proxies=[]", "pyramid.candidates=4")
    few = small_run(cli, small_search, "few", "pyramid.candidates=4")
    for run, text in (
        (none, "nothing was scored without training"),
        (few, "4 of the candidates with scores have a result, and it takes 5"),
    ):
        ended = cli("score", "--audit", run)
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.startswith(f"no evidence: {text}")
        assert text in json.loads(cli("score", "--audit", run, "--json").out)["no_evidence"]
