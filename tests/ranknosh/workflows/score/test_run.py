"""A table of scores as a run: begun, killed, resumed, extended, refused."""

import csv
import io
import json
import pickle
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerocost
from ranknosh.config.score import ScoreSettings
from ranknosh.errors import ConfigError, DataError
from ranknosh.runs.events import Event, Message, Progress, Recorded
from ranknosh.runs.run import begin
from ranknosh.runs.session import StopRequest
from ranknosh.spaces.catalog import get_space
from ranknosh.tasks import Task
from ranknosh.training.proxies import proxy_scorer
from ranknosh.workflows import open_run
from ranknosh.workflows.score.records import NetworkScores
from ranknosh.workflows.score.run import ScoreRun, score_network
from tests.processes import run_python

SPACE = get_space("nasbench201", channels=4, cells=1)
FIRST = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"
TWIN = "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|"
OTHER = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
Make = Callable[..., ScoreSettings]
KILLED = """
import os, signal, sys
from ranknosh.config.score import ScoreSettings
from ranknosh.runs.events import Recorded
from ranknosh.runs.run import begin
from ranknosh.workflows.score.records import NetworkScores
from ranknosh.workflows.score.run import ScoreRun
seen = []
def kill(event):
    seen.extend(r for r in getattr(event, "records", ()) if isinstance(r, NetworkScores))
    if len(seen) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
begin(ScoreRun, ScoreSettings.load(sys.argv[1]), command="test", events=kill)
"""


def begun(settings: ScoreSettings, out: Path, events: Callable[[Event], None] | None = None, **given: Any) -> ScoreRun:
    placed = settings.replace([f"out={json.dumps(str(out))}"])
    return begin(ScoreRun, placed, command="score it", events=events or (lambda event: None), **given)


def rows_of(run: ScoreRun) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO((run.folder / "scores.csv").read_text()))
    return [{**row, "seconds": ""} for row in rows]


def scored_in(run: ScoreRun) -> list[NetworkScores]:
    return [record for record in run.history.records if isinstance(record, NetworkScores)]


def messages(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Message)]


def stopping_after(count: int) -> tuple[StopRequest, Callable[[Event], None]]:
    """A stop that is asked for when ``count`` networks are scored, and what listens for them."""
    seen: list[object] = []

    def listen(event: Event) -> None:
        if isinstance(event, Recorded):
            seen.extend(record for record in event.records if isinstance(record, NetworkScores))

    return StopRequest(lambda: len(seen) >= count), listen


def test_a_run_has_its_folder_and_isomorphic_cells_are_scored_once(make_settings: Make, tmp_path: Path) -> None:
    events: list[Event] = []
    run = begun(make_settings([FIRST, TWIN, DEAD, FIRST]), tmp_path, events.append)
    assert run.folder == tmp_path / "score-001"
    names = {path.name for path in run.folder.iterdir()}
    assert {"journal.jsonl", "config.yaml", "scores.csv", "report.html"} <= names
    assert [record.text for record in scored_in(run)] == [FIRST, DEAD]
    found = rows_of(run)
    assert [row["architecture"] for row in found] == [FIRST, TWIN, DEAD, FIRST]
    assert found[0]["synflow"] == found[1]["synflow"] != ""
    assert "flow is zero" in json.loads(found[2]["reasons"])["synflow"]
    progress = [(event.task, event.done, event.total) for event in events if isinstance(event, Progress)]
    assert progress == [("networks", 0, 2), ("networks", 1, 2), ("networks", 2, 2)]
    assert (run.reason, run.exit_code, run.ended) == ("2 networks scored by 2 proxies", 0, True)
    assert (run.status()["networks"], run.status()["scored"]) == (2, 2)
    assert [row["architecture"] for row in run.top(1)] == [FIRST]
    assert repr(open_run(run.folder)) == repr(run)


@pytest.mark.slow
def test_it_is_the_same_killed_at_any_network_and_resumed(make_settings: Make, tmp_path: Path) -> None:
    settings = make_settings([FIRST, TWIN, OTHER], count=2)
    whole = begun(settings, tmp_path / "whole")
    config = tmp_path / "config.yaml"
    config.write_text(settings.replace([f"out={json.dumps(str(tmp_path))}", "name=killed"]).to_yaml())
    assert run_python("-c", KILLED, config).returncode == -signal.SIGKILL
    killed = open_run(tmp_path / "killed")
    assert isinstance(killed, ScoreRun)
    assert (len(scored_in(killed)), killed.reason, killed.describe()["state"]) == (2, None, "interrupted")
    journal = killed.folder / "journal.jsonl"
    before = journal.read_bytes()
    with journal.open("ab") as file:
        file.write(b'{"n": 6, "type": "netw')  # as if it had died in the middle of a write
    resumed = killed.resume()
    assert journal.read_bytes().startswith(before)
    assert rows_of(resumed) == rows_of(whole)
    assert [record.text for record in scored_in(resumed)] == [record.text for record in scored_in(whole)]
    assert (resumed.reason, resumed.exit_code) == (whole.reason, 0)


def test_a_stop_keeps_what_is_scored_and_the_table_shows_it(make_settings: Make, tmp_path: Path) -> None:
    stop, listen = stopping_after(2)
    settings = make_settings([FIRST, OTHER, DEAD])
    with pytest.raises(KeyboardInterrupt):
        begun(settings, tmp_path, listen, stop=stop)
    run = ScoreRun(tmp_path / "score-001", open_run(tmp_path / "score-001").history)
    assert [row["architecture"] for row in rows_of(run)] == [FIRST, OTHER]
    assert run.exit_code == 5
    assert len(scored_in(run.resume())) == 3


def test_an_error_keeps_what_is_scored(make_settings: Make, tmp_path: Path) -> None:
    def unlucky(event: Event) -> None:
        if isinstance(event, Progress) and event.done == 2:
            raise RuntimeError("out of luck")

    with pytest.raises(RuntimeError, match="out of luck"):
        begun(make_settings([FIRST, OTHER, DEAD]), tmp_path, unlucky)
    run = open_run(tmp_path / "score-001")
    assert isinstance(run, ScoreRun)
    assert [record.text for record in scored_in(run)] == [FIRST, OTHER]


def test_more_proxies_and_architectures_later_and_what_was_scored_stays(make_settings: Make, tmp_path: Path) -> None:
    run = begun(make_settings([FIRST], ["params"]), tmp_path)
    events: list[Event] = []
    more = [f'architectures=["{FIRST}", "{TWIN}", "{OTHER}"]', "proxies=[nwot, params]"]
    later = run.resume(more, events=events.append)
    assert [(record.text, list(record.values)) for record in scored_in(later)] == [
        (FIRST, ["params"]),
        (FIRST, ["nwot"]),
        (OTHER, ["nwot", "params"]),
    ]
    assert [row["architecture"] for row in rows_of(later)] == [FIRST, TWIN, OTHER]
    assert [event.done for event in events if isinstance(event, Progress)] == [0, 1, 2]
    drawn = later.resume(["count=2"])
    assert [row["architecture"] for row in rows_of(drawn)][:3] == [FIRST, TWIN, OTHER]
    assert len(rows_of(drawn)) == 5
    ended: list[Event] = []
    before = (drawn.folder / "journal.jsonl").read_bytes()
    drawn.resume(events=ended.append)
    assert "nothing to do" in messages(ended)[0]
    assert (drawn.folder / "journal.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            "space.channels=5",
            r"space.channels was 4 when this run started and is 5 now; it cannot change on resume",
        ),
        ("seed=1", "seed was 0 when this run started and is 1 now; it cannot change on resume"),
        ("batch=9", "batch was 8 .* cannot change on resume"),
        ("device=auto", "device was 'cpu' .* cannot change on resume"),
        ("draw=codes", "draw was 'functions' .* cannot change on resume"),
        ("proxies=[nwot]", r"proxies was \['params', .* can only grow on resume"),
        (f'architectures=["{OTHER}"]', "architectures was .* can only grow on resume"),
        ("options.synflow.nonsense=1", "options.synflow was not set .* cannot change on resume"),
    ],
)
def test_what_scores_depend_on_is_refused_by_name(once: ScoreRun, change: str, text: str) -> None:
    before = (once.folder / "journal.jsonl").read_bytes()
    with pytest.raises(ConfigError, match=text):
        once.resume([change])
    assert (once.folder / "journal.jsonl").read_bytes() == before


@pytest.fixture(scope="module")
def once(make_settings: Make, tmp_path_factory: pytest.TempPathFactory) -> ScoreRun:
    return begun(make_settings([FIRST]), tmp_path_factory.mktemp("once"))


def test_options_come_with_their_proxy_and_stay(make_settings: Make, tmp_path: Path) -> None:
    run = begun(make_settings([FIRST], ["params"]), tmp_path)
    more = run.resume(["proxies=[params, swap_reg]", "options.swap_reg={mu: 5.2, sigma: 4}"])
    assert rows_of(more)[0]["swap_reg"] != ""
    with pytest.raises(ConfigError, match=r"options\.swap_reg was .*5\.2.* cannot change on resume"):
        more.resume(["options.swap_reg.mu=7"])


def npz(path: Path, shift: int = 0) -> Path:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 200, (60, 8, 8, 3), dtype=np.uint8) + np.uint8(shift)
    np.savez(path, x_train=images, y_train=np.arange(60) % 3)
    return path


def test_images_may_move_and_others_are_refused(make_settings: Make, tmp_path: Path) -> None:
    old, new = npz(tmp_path / "old.npz"), tmp_path / "elsewhere" / "new.npz"
    run = begun(make_settings([FIRST], data={"npz": str(old)}), tmp_path)
    assert len(run.header.data["classes"]) == 3
    new.parent.mkdir()
    shutil.move(old, new)
    with pytest.raises(DataError, match=r"old\.npz"):
        run.resume(["count=1"])
    moved = run.resume(["count=1", f"data.npz={json.dumps(str(new))}"])
    assert len(rows_of(moved)) == 2
    npz(new, shift=1)
    with pytest.raises(DataError, match="fingerprint"):
        moved.resume(["count=2"])


def test_a_table_gives_each_architecture_its_mean_truth(make_settings: Make, tmp_path: Path) -> None:
    table, copy = tmp_path / "table.npz", tmp_path / "deep" / "copy.csv"
    np.savez(
        table,
        arch=np.array([FIRST, TWIN]),
        epoch12_val=np.full(2, 10.0),
        epoch200_seeds=np.array([[75.0, 100.0], [50.0, np.nan]]),
        train_seconds_200=np.ones(2),
    )
    run = begun(make_settings([FIRST, TWIN, OTHER]), tmp_path)
    assert "truth" not in rows_of(run)[0]
    events: list[Event] = []
    judged = run.resume([f"table={json.dumps(str(table))}", f"csv={json.dumps(str(copy))}"], events=events.append)
    assert [row["truth"] for row in rows_of(judged)] == ["0.875", "0.5", ""]
    assert copy.read_bytes() == (run.folder / "scores.csv").read_bytes()
    assert "all 2 networks were scored before" in messages(events)
    assert judged.table_data == "table"  # the file says nothing of its data
    table.unlink()
    assert judged.report().exists()  # the truths are in the journal


def test_another_version_is_named(once: ScoreRun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from ranknosh.runs import session
    from ranknosh.workflows.score import run as module

    folder = Path(shutil.copytree(once.folder, tmp_path / "copy"))
    now = {**once.sessions[0].versions, "torch": "99.0"}
    monkeypatch.setattr(session, "versions", lambda: now)
    monkeypatch.setattr(module, "versions", lambda: now)
    events: list[Event] = []
    open_run(folder).resume(["count=1"], events=events.append)
    assert any("the rest is with 99.0" in text for text in messages(events))


def test_what_ran_out_of_memory_is_tried_again(make_settings: Make, tmp_path: Path, monkeypatch: Any) -> None:
    from ranknosh.workflows.score.run import ScoreNetwork

    whole = ScoreNetwork.__call__

    def short(self: ScoreNetwork, item: Any) -> NetworkScores:
        found = whole(self, item)
        reasons = {"synflow": "OutOfMemoryError: CUDA out of memory."}
        return NetworkScores(found.key, found.text, {**found.values, "synflow": None}, reasons, found.seconds)

    monkeypatch.setattr(ScoreNetwork, "__call__", short)
    run = begun(make_settings([FIRST, OTHER]), tmp_path)
    assert (run.reason, run.exit_code, run.left) == (None, 5, 2)
    monkeypatch.undo()
    again = run.resume()
    assert (again.reason, again.exit_code) == ("2 networks scored by 2 proxies", 0)
    assert all(float(row["synflow"]) > 0 and not row["reasons"] for row in rows_of(again))


def test_no_value_at_all_is_no_success(make_settings: Make, tmp_path: Path) -> None:
    run = begun(make_settings([DEAD], ["synflow"]), tmp_path)
    assert (run.ended, run.exit_code) == (True, 5)


def test_nothing_is_written_for_what_cannot_be_scored(make_settings: Make, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    wrong: tuple[dict[str, Any], ...] = (
        {"architectures": [FIRST.replace("3x3", "9x9")]},
        {"proxies": ["swap_reg"]},
        {"options": {"synflow": {"nonsense": 1}}},
        {"data": {"npz": str(tmp_path / "none.npz")}},
        {"table": str(tmp_path / "none.npz")},
        {"csv": str(tmp_path / "folder.csv")},
        {"space": {"name": "chain", "stages": [1] * 5}, "architectures": ["00000"]},  # digits are 8x8, not 32x32
    )
    for changes in wrong:
        with pytest.raises((ConfigError, DataError)):
            begun(make_settings([FIRST], **changes), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]


def test_values_are_those_of_a_searchs_proxy_scoring(make_settings: Make, digits: Task) -> None:
    settings = make_settings([FIRST], ["params", "synflow", "nwot"])
    score = score_network(settings, SPACE, digits)
    signature = score.scorer.task.signature
    assert (signature.inputs, signature.outputs) == ((1, 8, 8), (10,))
    found = score((SPACE.parse(FIRST), settings.proxies))
    level_zero = proxy_scorer(SPACE, digits, settings.proxies, batch=8, seed=0)
    assert found.values == level_zero(SPACE.parse(FIRST))[0]
    assert (found.text, found.key) == (FIRST, SPACE.canonical(SPACE.parse(FIRST)))
    assert set(found.seconds) == set(settings.proxies)


def test_a_dead_cell_is_scored_like_any_other(make_settings: Make, digits: Task) -> None:
    found = score_network(make_settings([DEAD]), SPACE, digits)((SPACE.parse(DEAD), ("params", "synflow")))
    assert (found.values["params"] or 0) > 0
    assert found.values["synflow"] is None
    assert "flow is zero" in found.reasons["synflow"]


def test_options_reach_their_proxy(make_settings: Make, digits: Task) -> None:
    def value(mu: float) -> float | None:
        settings = make_settings([FIRST], ["swap_reg"], options={"swap_reg": {"mu": mu, "sigma": 4}})
        return score_network(settings, SPACE, digits)((SPACE.parse(FIRST), ("swap_reg",))).values["swap_reg"]

    assert value(5.2) != value(7)


def test_work_pickles_and_gives_the_same_elsewhere(make_settings: Make, digits: Task) -> None:
    score, item = score_network(make_settings([FIRST]), SPACE, digits), (SPACE.parse(FIRST), ("synflow",))
    sent = pickle.dumps(score)
    assert len(sent) < 20_000  # 8 images, not the set
    assert pickle.loads(sent)(item).values == score(item).values


WIDEST = """
from zerocost.proxy import Pass, Proxy


class Widest(Proxy):
    name = "widest"
    needs = Pass.NONE

    def value(self):
        return float(max(weight.shape[0] for weight in self.subject.parameters if weight.ndim >= 2))
"""


def test_a_module_first_named_on_resume_is_found_from_elsewhere_afterwards(
    make_settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, elsewhere = tmp_path / "mine", tmp_path / "elsewhere"
    for folder in (mine, elsewhere):
        folder.mkdir()
    (mine / "widest_of_a_test.py").write_text(WIDEST)
    run = begun(make_settings([FIRST], ["params"]), tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))
    monkeypatch.chdir(mine)
    try:
        run.resume(["proxies=params,widest_of_a_test:Widest"])
    finally:  # other tests look at every proxy there is
        zerocost.PROXIES.pop("widest_of_a_test:Widest", None)
    folder, more = str(run.folder.resolve()), "count=2"
    code = f"import ranknosh; run = ranknosh.open_run({folder!r}).resume([{more!r}]); print(run.reason)"
    monkeypatch.chdir(elsewhere)
    there = run_python("-c", code, cwd=elsewhere)
    assert there.stdout.startswith("3 networks scored by 2 proxies"), there.stderr
    assert open_run(folder).sessions[1].details == {"modules": {"widest_of_a_test": str(mine)}}
