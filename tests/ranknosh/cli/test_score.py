"""``ranknosh score`` as a user runs it, on real digits and tiny networks."""

import csv
import io
import json
import os
import re
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from ranknosh.cli.score_progress import LiveScoring, PlainScoring
from ranknosh.core.seeding import draw
from ranknosh.spaces.catalog import get_space
from tests.processes import output_of, wait_for_lines

SPACE = get_space("nasbench201")
TINY = ["--channels", "4", "--cells", "1", "--batch", "8"]
CHEAP = ["--proxies", "params,macs,synflow"]
FIRST = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"
TWIN = "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def rows_of(path):
    return list(csv.DictReader(io.StringIO(path.read_text())))


def scored_in(path):
    return [row for row in map(json.loads, path.read_text().splitlines()) if row["type"] == "scores"]


def one_message(ended, code=2):
    assert ended.code == code, ended
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert "Traceback" not in ended.err
    return ended.err


def test_a_space_is_drawn_scored_and_summed_up(cli, tmp_path):
    ended = cli("score", "nasbench201", "--count", "5", *TINY, *CHEAP)
    assert ended.code == 0, ended
    found = rows_of(tmp_path / "scores.csv")
    assert list(found[0]) == ["architecture", "canonical", "params", "macs", "synflow", "seconds", "reasons"]
    assert [row["architecture"] for row in found] == [SPACE.format(a) for a in draw(SPACE, 5, 0)]
    assert all(float(row["params"]) > 0 for row in found)
    head, *lines = ended.out.splitlines()
    assert head.split() == ["proxy", "better", "given", "without", "median", "time", "each", "with", "params"]
    assert [line.split()[:4] for line in lines[:3]] == [
        [name, "higher", "5", "0"] for name in ("params", "macs", "synflow")
    ]
    assert "scores.csv  scores.jsonl  scores.html" in ended.out
    assert "scored 5 of 5 networks" in ended.err
    assert "\x1b" not in ended.out + ended.err
    assert (tmp_path / "scores.html").read_text().startswith("<!doctype html>")


def test_architectures_have_their_rows_and_isomorphic_ones_one_line(cli, tmp_path):
    ended = cli("score", FIRST, TWIN, DEAD, FIRST, *TINY, *CHEAP, "--out", "a/f.csv", "-q")
    assert (ended.code, ended.err) == (0, "")
    found = rows_of(tmp_path / "a" / "f.csv")
    assert [row["architecture"] for row in found] == [FIRST, TWIN, DEAD, FIRST]
    assert len({row["canonical"] for row in found}) == 2
    assert [row["architecture"] for row in scored_in(tmp_path / "a" / "f.jsonl")] == [FIRST, DEAD]
    assert found[2]["synflow"] == ""
    assert "flow is zero" in json.loads(found[2]["reasons"])["synflow"]
    assert "synflow  1 x the flow is zero" in ended.out
    assert "1 of them have the scores of another" in ended.out


def test_json_is_all_there_is_on_stdout(cli):
    ended = cli("score", TWIN, FIRST, DEAD, *TINY, *CHEAP, "--json")
    found = json.loads(ended.out)
    assert [row["scored_as"] for row in found["rows"]] == [None, TWIN, None]
    assert [(one["name"], one["given"], one["missing"]) for one in found["proxies"]] == [
        *(("params", 3, 0), ("macs", 3, 0), ("synflow", 2, 1)),
    ]
    assert found["proxies"][2]["reasons"][0]["count"] == 1
    assert (found["functions"], found["networks"]) == (2, 2)


def test_the_same_again_goes_on_where_it_stopped_torn_line_and_all(cli, tmp_path):
    words = ("score", "nasbench201", "--count", "6", *TINY, *CHEAP, "-q")
    assert cli(*words).code == 0
    journal, table = tmp_path / "scores.jsonl", tmp_path / "scores.csv"
    whole, lines = rows_of(table), journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:5]) + lines[5][:40])  # header, session, three networks and a part
    table.unlink()
    assert cli(*words).code == 0
    again = [json.loads(line)["type"] for line in journal.read_text().splitlines()]
    assert again == ["header", "session", "scores", "scores", "scores", "session", "scores", "scores", "scores"]
    assert [{**row, "seconds": ""} for row in rows_of(table)] == [{**row, "seconds": ""} for row in whole]
    before = journal.read_bytes()
    ended = cli(*words[:-1])
    assert ended.code == 0
    assert "all 6 networks were scored before" in ended.err
    assert journal.read_bytes() == before


def test_more_architectures_and_proxies_extend_the_file(cli, tmp_path):
    assert cli("score", "nasbench201", "--count", "2", *TINY, "--proxies", "macs,params", "-q").code == 0
    before = rows_of(tmp_path / "scores.csv")
    ended = cli("score", "nasbench201", "--count", "3", *TINY, "--proxies", "synflow,params", "-q")
    assert ended.code == 0
    after = rows_of(tmp_path / "scores.csv")
    assert [row["params"] for row in after[:2]] == [row["params"] for row in before]
    assert list(after[0])[2:4] == ["synflow", "params"]
    assert [sorted(row["values"]) for row in scored_in(tmp_path / "scores.jsonl")] == [
        *(["macs", "params"], ["macs", "params"], ["synflow"], ["synflow"], ["params", "synflow"]),
    ]
    assert "also holds macs" in ended.out


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (["--channels", "5"], "network.channels 4, and this is 5"),
        (["--seed", "1"], "seed 0, and this is 1"),
        (["--batch", "9"], "batch 8, and this is 9"),
        (["--data", "cluttered_digits"], "and this is cluttered_digits"),
    ],
)
def test_other_settings_are_refused_until_it_starts_anew(cli, tmp_path, change, text):
    words = ["score", FIRST, *TINY, "--proxies", "params", "-q"]
    assert cli(*words).code == 0
    files = [tmp_path / f"scores.{ending}" for ending in ("csv", "jsonl", "html")]
    before = [path.read_bytes() for path in files]
    message = one_message(cli(*words, *change))
    assert text in message
    assert "--fresh" in message
    assert [path.read_bytes() for path in files] == before
    assert cli(*words, *change, "--fresh").code == 0
    assert len(scored_in(files[1])) == 1
    assert one_message(cli(*words))


def test_options_reach_their_proxy_and_are_part_of_the_settings(cli, tmp_path):
    words = ["score", FIRST, *TINY, "--proxies", "swap_reg", "-q", "--option", "swap_reg.sigma=4"]
    assert cli(*words, "--option", "swap_reg.mu=5.2").code == 0
    value = float(rows_of(tmp_path / "scores.csv")[0]["swap_reg"])
    assert "swap_reg.mu 5.2, and this is 7" in one_message(cli(*words, "--option", "swap_reg.mu=7"))
    assert cli(*words, "--option", "swap_reg.mu=7", "--fresh").code == 0
    assert float(rows_of(tmp_path / "scores.csv")[0]["swap_reg"]) != value


def test_all_proxies_are_those_that_need_no_option(cli, tmp_path):
    from ranknosh.training.proxies import NEEDS_OPTIONS, known_proxies

    assert cli("score", FIRST, *TINY, "-q").code == 0
    names = [name for name in known_proxies() if name not in NEEDS_OPTIONS]
    assert list(rows_of(tmp_path / "scores.csv")[0])[2:-2] == names


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "nothing to score"),
        (["nasbench20"], "did you mean 'nasbench201'?"),
        (["nasbench201", "--proxies", "synflw"], "did you mean synflow?"),
        (["nasbench201", "--proxies", ","], "names no proxy"),
        (["nasbench201", "--proxies", "swap_reg"], "needs a value for mu and sigma"),
        (["nasbench201", "--option", "swap_reg"], "PROXY.NAME=VALUE"),
        (["nasbench201", "--option", "swap_rag.mu=1"], "did you mean swap_reg?"),
        (["nasbench201", "--proxies", "params", "--option", "swap_reg.mu=1"], "--proxies does not name"),
        (["nasbench201", "--data", "digitz"], "did you mean digits?"),
        (["nasbench201", "--all", "--count", "2"], "give one of them"),
        (["nasbench201", FIRST], "give one space, or architectures only"),
        ([FIRST, "--count", "2"], "leave them out"),
        ([FIRST.replace("3x3", "9x9")], "nor_conv_9x9"),
        (["nasbench201", "--out", "scores.txt"], "ending in .csv"),
        (["nasbench201", "--device", "gpu"], "--device is gpu"),
        (["--config", "none.yaml"], "no such config file"),
        (["--audit", "run", "nasbench201"], "leave the rest out"),
        (["--audit", "run", "--proxies", "all", "--count", "2"], "leave the rest out"),
        (["--audit", "run", "--out", "b.csv"], "--audit without --proxies reads"),
        (["--audit", "run", "--fresh"], "--audit without --proxies reads"),
        (["--audit", "run", "--proxies", "all", "--out", "scores.txt"], "ending in .csv"),
    ],
)
def test_what_cannot_be_meant_is_one_message(cli, tmp_path, words, text):
    assert text in one_message(cli("score", *words))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["nasbench201", "--data", "none.npz"], "none.npz"),
        (["nasbench201", "--table", "none.npz"], "no table at none.npz"),
        (["--audit", "none"], "holds no run"),
        (["--audit", "none", "--proxies", "all", "--out", "b.csv", "--fresh"], "holds no run"),
    ],
)
def test_what_is_not_there_is_4(cli, tmp_path, words, text):
    assert text in one_message(cli("score", *words), 4)
    assert list(tmp_path.iterdir()) == []


def test_a_table_gives_accuracies_and_their_correlation(cli, tmp_path):
    cells = [SPACE.format(a) for a in draw(SPACE, 8, 0)]
    assert cli("score", *cells, *TINY, *CHEAP, "-q").code == 0
    params = [float(row["params"]) for row in rows_of(tmp_path / "scores.csv")]
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
    assert [row["accuracy"] for row in found["rows"]] == [*(pytest.approx(p / 100) for p in percent[:7]), None]
    with_accuracy = found["proxies"][0]["with_accuracy"]
    assert (with_accuracy["n"], with_accuracy["rho"] > 0.9) == (7, True)
    told = cli("score", *cells, *TINY, *CHEAP, "--table", "table.npz").out
    assert re.search(r"^params .* ± \d\.\d\d$", told, re.MULTILINE)
    assert "known of 7" in told
    assert list(rows_of(tmp_path / "scores.csv")[0])[-2:] == ["accuracy", "reasons"]
    assert "Do the proxies know the accuracy?" in (tmp_path / "scores.html").read_text()


def test_a_config_gives_space_network_data_and_seed_and_flags_win(cli, tmp_path):
    (tmp_path / "search.yaml").write_text(
        "seed: 3\nspace: {name: nasbench201}\nnetwork: {channels: 4, cells: 1}\ndata: {name: digits}\nbudget: {epochs: 9}\n"
    )
    words = ["score", "--config", "search.yaml", "--count", "2", "--proxies", "params", "--batch", "8", "-q"]
    assert cli(*words).code == 0
    assert [row["architecture"] for row in rows_of(tmp_path / "scores.csv")] == [
        SPACE.format(a) for a in draw(SPACE, 2, 3)
    ]
    settings = json.loads((tmp_path / "scores.jsonl").read_text().splitlines()[0])["settings"]
    assert (settings["network.channels"], settings["network.cells"], settings["seed"]) == (4, 1, 3)
    assert cli(*words, "--channels", "6", "--seed", "4", "--out", "b.csv").code == 0
    settings = json.loads((tmp_path / "b.jsonl").read_text().splitlines()[0])["settings"]
    assert (settings["network.channels"], settings["network.cells"], settings["seed"]) == (6, 1, 4)


def test_own_images_of_an_npz_file(cli, tmp_path):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "own.npz",
        x_train=rng.integers(0, 256, (60, 8, 8, 3), dtype=np.uint8),
        y_train=np.arange(60) % 3,
    )
    assert cli("score", FIRST, *TINY, "--proxies", "params", "--data", "own.npz", "-q").code == 0
    assert json.loads((tmp_path / "scores.jsonl").read_text().splitlines()[0])["data"]["classes"] == 3


def test_codes_are_what_tables_list(cli, tmp_path):
    from ranknosh.workflows.score.population import sampled

    assert cli("score", "nasbench201", "--draw", "codes", "--count", "4", *TINY, "--proxies", "params", "-q").code == 0
    assert [row["architecture"] for row in rows_of(tmp_path / "scores.csv")] == [
        SPACE.format(a) for a in sampled(SPACE, "codes", 4, 0)
    ]


def test_ctrl_c_saves_and_says_how_to_go_on(cli, tmp_path, start_process):
    words = ["score", "nasbench201", "--count", "2000", "--fresh", *TINY, "--proxies", "params,synflow"]
    child = start_process(*words, cwd=tmp_path)
    journal = tmp_path / "scores.jsonl"
    wait_for_lines(journal, 6, child)
    assert "in use by another process" in one_message(cli(*words))
    child.send_signal(signal.SIGINT)
    out, err = output_of(child)
    assert child.returncode == 130, (out, err)
    assert "Traceback" not in err
    again = " ".join(word for word in words if word != "--fresh")
    assert err.endswith(f"saved in scores.jsonl. Go on with: ranknosh {again}\n")
    assert out == ""
    saved = len(scored_in(journal))
    assert 4 <= saved < 2000
    assert len(rows_of(tmp_path / "scores.csv")) == saved
    ended = cli("score", "nasbench201", "--count", str(saved + 1), *TINY, "--proxies", "params,synflow", "-q")
    assert ended.code == 0
    assert len(scored_in(journal)) == saved + 1


def test_a_killed_process_loses_nothing_that_was_written(cli, tmp_path, start_process):
    words = ["score", "nasbench201", "--count", "2000", *TINY, "--proxies", "params,synflow"]
    child = start_process(*words, cwd=tmp_path)
    journal = tmp_path / "scores.jsonl"
    wait_for_lines(journal, 5, child)
    os.kill(child.pid, signal.SIGKILL)
    output_of(child)
    saved = [row["architecture"] for row in scored_in(journal)]
    with journal.open("ab") as file:
        file.write(b'{"type": "scores", "key": "nasb')  # as if it had died in the middle of a write
    count = str(len(saved) + 2)
    assert cli("score", "nasbench201", "--count", count, *TINY, "--proxies", "params,synflow", "-q").code == 0
    after = [row["architecture"] for row in scored_in(journal)]
    assert after[: len(saved)] == saved
    assert len(after) == len(set(after)) == len(saved) + 2


@pytest.mark.slow
def test_ray_gives_the_values_of_one_process(cli, tmp_path, run_process):
    pytest.importorskip("ray")
    words = ["score", "nasbench201", "--count", "12", *TINY, "--proxies", "params,synflow,nwot"]
    assert cli(*words, "--out", "inline.csv", "-q").code == 0
    ended = run_process(*words, "--out", "ray.csv", "--ray", cwd=tmp_path)
    assert ended.code == 0, ended
    assert "workers ready on 1 node: cpu" in ended.err

    def values(name):
        return [{**row, "seconds": ""} for row in rows_of(tmp_path / name)]

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
    for word in ("proxy", "Spearman", "given params", "verdict", "synflow", "nwot", "size alone"):
        assert word in text
    helping = [p["name"] for p in report["audit"]["proxies"] if p["verdict"].startswith("helps")]
    assert ("seeding: {proxies: [" in text) is bool(helping)
    assert (report["seeding"] is None) is not bool(helping)


def test_an_audit_by_other_proxies_scores_all_candidates(cli, small_search):
    run = small_run(cli, small_search, "more", "pyramid.initial=4", "pyramid.candidates=8", "seeding.draw=6")
    journal = Path(run) / "journal.jsonl"
    before = journal.read_bytes()
    alone = cli("score", "--audit", run)
    scored = {json.loads(line)["key"] for line in before.splitlines() if b'"type": "scored"' in line}
    proposed = {json.loads(line)["key"] for line in before.splitlines() if b'"type": "proposed"' in line}
    later = len(proposed - scored)
    assert later > 0
    assert f"{later} more candidates with a result" in alone.out.replace("1 more candidate ", "1 more candidates ")
    assert f"ranknosh score --audit {run} --proxies all" in alone.out
    report = json.loads(cli("score", "--audit", run, "--proxies", "synflow,l2_norm", "--json").out)
    assert (report["candidates"], [p["name"] for p in report["audit"]["proxies"]]) == (8, ["synflow", "l2_norm"])
    assert journal.read_bytes() == before
    found = {row["canonical"]: row for row in rows_of(Path(run) / "scores.csv")}
    assert set(found) == proposed
    for line in map(json.loads, before.splitlines()):
        if line["type"] == "scored" and line["key"] in found:
            assert float(found[line["key"]]["synflow"]) == line["values"]["synflow"]
    again = cli("score", "--audit", run, "--proxies", "synflow,l2_norm")
    assert "all 8 networks were scored before" in again.err
    assert "l2_norm" in again.out
    assert "more candidate" not in again.out


def test_an_audit_under_other_settings_goes_elsewhere_or_starts_anew(cli, searched, tmp_path):
    run = Path(shutil.copytree(searched[0], tmp_path / "run"))
    words = ("score", "--audit", "run", "--proxies", "params,nwot", "--json")
    assert cli(*words, "--batch", "8").code == 0
    table, journal = (run / f"scores.{ending}" for ending in ("csv", "jsonl"))
    before, nwot = (table.read_bytes(), journal.read_bytes()), [row["nwot"] for row in rows_of(table)]
    message = one_message(cli(*words, "--batch", "9"))
    assert "batch 8, and this is 9" in message
    assert "--out" in message
    assert "--fresh" in message

    def batch_of(path):
        return json.loads(path.read_text().splitlines()[0])["settings"]["batch"]

    elsewhere = json.loads(cli(*words, "--batch", "9", "--out", "b.csv").out)
    assert (table.read_bytes(), journal.read_bytes()) == before
    assert (batch_of(journal), batch_of(tmp_path / "b.jsonl")) == (8, 9)
    anew = json.loads(cli(*words, "--batch", "9", "--fresh").out)
    assert batch_of(journal) == 9
    assert len(scored_in(journal)) == len(before[1].splitlines()) - 2
    assert [row["nwot"] for row in rows_of(table)] == [row["nwot"] for row in rows_of(tmp_path / "b.csv")] != nwot
    assert elsewhere == anew


def test_an_audit_ends_with_a_line_for_the_next_config():
    from ranknosh.cli.score_audit import audit_text
    from ranknosh.config.search import SearchSettings
    from ranknosh.config.source import parse_source
    from ranknosh.training.proxies import audit_proxies

    values = [{"synflow": float(i), "params": float(i * 7 % 11)} for i in range(20)]
    report = audit_proxies(values, [float(i) for i in range(20)], {"synflow": 1})
    text = audit_text(report, ["synflow", "nwot"])
    assert "helps beyond size" in text
    config = parse_source(f"budget: {{epochs: 4}}\n{text.splitlines()[-1]}\n", "pasted").data
    assert SearchSettings.from_dict(config).seeding.proxies == ("synflow", "nwot")
    assert "seeding:" not in audit_text(report, [])


def test_an_audit_without_evidence_says_so(cli, small_search, searched):
    none = small_run(cli, small_search, "none", "seeding.proxies=[]", "pyramid.candidates=4")
    for run, text in (
        (none, "no proxy was scored at level 0"),
        (searched[0], "4 of the candidates with scores have a result, and it takes 5"),
    ):
        ended = cli("score", "--audit", run)
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.startswith(f"no evidence: {text}")
        assert text in json.loads(cli("score", "--audit", run, "--json").out)["no_evidence"]


def test_plain_lines_have_rate_and_time_left(capsys):
    progress = PlainScoring()
    with progress:
        progress.on_progress(10, 40)
        time.sleep(0.05)
        progress.on_progress(20, 40)
        assert re.fullmatch(r"\d+\.\d a second, \d\.\d s left", progress.pace())
        progress.on_progress(40, 40)
        progress.on_message("done")
    out, err = capsys.readouterr()
    assert out == ""
    lines = [line.split("] ", 1)[1] for line in err.splitlines()]
    assert lines[0] == "scored 10 of 40 networks"
    assert re.fullmatch(r"scored 40 of 40 networks, \d+\.\d a second", lines[1])
    assert lines[2] == "done"


def test_the_live_view_shows_a_bar_rate_and_messages():
    from rich.console import Console

    console = Console(file=io.StringIO(), width=80, force_terminal=False, highlight=False)
    progress = LiveScoring(console)
    progress.on_message("joining [Ray] at head:6379")
    progress.on_progress(0, 8)
    time.sleep(0.05)
    progress.on_progress(2, 8)
    console.print(progress.render())
    lines = console.file.getvalue().splitlines()
    assert lines[0] == "joining [Ray] at head:6379"
    assert re.fullmatch(r"scored .* 2/8 *", lines[1])
    assert re.fullmatch(r"\d\.\d s   \d+\.\d a second, \d\.\d s left   Ctrl-C saves and stops", lines[2])
