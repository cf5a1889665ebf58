"""``plan`` on real digits."""

import json
import shlex
from pathlib import Path

import pytest

from ranknosh.training import timing


@pytest.mark.slow
def test_plan_prints_what_the_search_will_do(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(
        "space: {channels: 4}\ndata: {name: digits, limit: 200}\n"
        "pyramid: {epochs: [1, 2, 4], ratio: 0.5, candidates: 9, initial: 4}\nseeding: {draw: 10, proxies: [params]}\n"
    )
    ended = cli("plan", "c.yaml", "--json")
    plan = json.loads(ended.out)
    assert (ended.code, plan["fits"], plan["candidates"], plan["epochs"]) == (0, True, 9, 17)
    assert [level["candidates"] for level in plan["levels"]] == [9, 4, 2]
    assert 0 < plan["seconds"]["low"] <= plan["seconds"]["expected"] <= plan["seconds"]["high"]
    short = cli("plan", "c.yaml", "--set", "budget.epochs=16")
    assert short.code == 3
    assert "budget.epochs=17" in short.err
    assert list(tmp_path.iterdir()) == [tmp_path / "c.yaml"]


@pytest.mark.slow
def test_plan_simulates_with_the_times_it_measured(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(
        "space: {channels: 4}\ndata: {name: digits, limit: 200}\n"
        "pyramid: {epochs: [1, 2, 4], ratio: 0.5, candidates: 12, initial: 4}\nseeding: {draw: 10, proxies: [params]}\n"
    )
    ended = cli("plan", "c.yaml", "--simulate", "workers=4", "--json")
    plan = json.loads(ended.out)
    rows = plan["simulation"]["rows"]
    assert (ended.code, [row["workers"] for row in rows]) == (0, [1, 4, 1, 4])
    assert all(row["epochs"] == plan["epochs"] for row in rows)
    alone, four = rows[2:]
    assert alone["wall_seconds"] == pytest.approx(plan["seconds"]["expected"], rel=0.5)
    assert 1.5 < four["speed_up"] <= 4.0
    text = cli("plan", "c.yaml", "--simulate", "workers=4").out
    assert text.index("ranknosh search c.yaml") < text.index("worker-hours")


def test_the_command_that_follows_a_plan_has_its_settings_and_works(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my own.yaml").write_text(
        "pyramid: {epochs: [1, 2], initial: 2}\nexecutor: {name: ask, rank_by: accuracy}\n"
    )
    settings = ("--set", "budget.epochs=9", "--set", "name=it-follows")
    assert cli("plan", "my own.yaml").code == 2  # nothing ends it
    ended = cli("plan", "my own.yaml", *settings)
    following = shlex.split(ended.out.splitlines()[-1].partition("next")[2])
    assert following == ["ranknosh", "search", "my own.yaml", *settings]
    begun = cli(*following[1:])
    assert begun.code == 0
    assert json.loads(cli("status", "runs/it-follows", "--json").out)["epochs_limit"] == 9


def test_a_folder_with_a_space_in_its_name_is_quoted_in_what_follows(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "next: ranknosh plan 'my search.yaml'" in cli("init", "--data", "digits", "--out", "my search.yaml").out
    assert "ranknosh search 'my search.yaml'" in (tmp_path / "my search.yaml").read_text()


def test_a_plan_says_what_is_trained_beside_the_winner_and_what_that_takes(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    timed = timing.Timing((timing.Timed(10**4, 30.0, 0.01, 1000, 0.0),), (30.0, 60.0))
    monkeypatch.setattr(timing, "measure", lambda *given, **more: timed)
    Path("c.yaml").write_text(
        "space: {channels: 4}\ndata: {name: digits, limit: 60}\nseeding: {draw: 4, proxies: []}\n"
        "pyramid: {epochs: [1, 2], candidates: 4, initial: 2}\n"
    )
    said = "mlp beside the winner once the search has ended, up to 2 epochs and 2 min 00 s on top; baseline=none leaves it out"
    assert f"stock    {said}" in cli("plan", "c.yaml").out
    planned = json.loads(cli("plan", "c.yaml", "--json").out)
    assert planned["stock"] == {"net": "mlp", "epochs": 2, "seconds": 120.0, "why": ""}
    assert "stock" not in cli("plan", "c.yaml", "--set", "baseline=none").out
    elsewhere = ("plan", "c.yaml", "--set", "executor.name=ray")
    assert "none: baseline auto takes no stock network where candidates are trained elsewhere" in cli(*elsewhere).out
