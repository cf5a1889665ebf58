"""Searches whose candidates are trained by a function or a command: the same decisions everywhere, and nothing of torch."""

import json
import os
import signal
import sys

import pytest

import ranknosh
from ranknosh.cli.search import as_text as search_text
from ranknosh.cli.search import status_text
from ranknosh.config.screen import rows_text
from ranknosh.config.search import SearchSettings
from ranknosh.core.records import Failed
from ranknosh.errors import ConfigError
from ranknosh.report.tables import decision_lines
from ranknosh.runs.events import silent
from ranknosh.workflows.search.run import SearchRun
from ranknosh.workflows.search.trainers import label_of
from tests.own_training import SMALL, counting, small_command, small_search, worth
from tests.processes import run_python, start_python, wait_for_lines, wait_until

FUNCTION = {"name": "evaluate", "function": "tests.own_training:counting", "rank_by": "accuracy"}
KILLABLE = """
import sys
sys.path.insert(0, {root!r})
from tests.own_training import *
small_search(small_command(Path({folder!r}), SCRIPT + "\\nimport time; time.sleep(0.15)", workers=2), Path({folder!r}), "killed")
"""


@pytest.fixture(scope="module")
def by_function(tmp_path_factory):
    return small_search({**SMALL, "executor": FUNCTION}, tmp_path_factory.mktemp("function"), "function")


def test_a_search_by_a_function_finds_what_is_good(by_function):
    best = by_function.best
    assert (by_function.stop_reason, by_function.exit_code) == ("epochs", 0)
    assert best.level == 3
    assert best.metrics == {"accuracy": pytest.approx(by_function.best.metric), "epochs": 4}
    everyone = [candidate for candidate in by_function.pool.candidates.values() if candidate.level]
    assert all(candidate.metrics["epochs"] == candidate.epochs for candidate in everyone)
    assert best.metric >= max(candidate.metric for candidate in everyone if candidate.level == 3)


def test_what_is_left_of_the_best(by_function):
    place = by_function.folder / "best"
    options = json.loads((place / "architecture.json").read_text())
    assert worth(options, 4) == by_function.best.metric
    assert json.loads((place / "checkpoint" / "epochs.json").read_text()) == [1, 2, 3, 4]
    card = json.loads((place / "card.json").read_text())
    assert (card["id"], card["options"]) == (by_function.best.id, options)
    assert by_function.pool.tested == []


def test_its_page_tables_and_status(by_function):
    assert by_function.report().stat().st_size > 10_000
    rows = by_function.top(3)
    assert rows[0]["metrics"]["accuracy"] == by_function.best.metric
    assert by_function.describe()["best"]["id"] == by_function.best.id
    assert by_function.header.data == {}
    with pytest.raises(ConfigError, match="has no networks of ours"):
        by_function.network()


@pytest.mark.parametrize("workers", [1, 3])
def test_a_command_decides_as_the_function_whatever_the_workers(by_function, tmp_path, workers):
    run = small_search(small_command(tmp_path, workers=workers), tmp_path, "command")
    assert decision_lines(run) == decision_lines(by_function)
    assert run.best.metrics == by_function.best.metrics
    assert len(list((run.folder / "logs").iterdir())) == run.pool.count
    assert not (run.folder / "work").exists() or not any((run.folder / "work").iterdir())


def test_a_share_is_read_in_percent_at_every_door_unless_it_is_said_to_be_none(by_function, tmp_path):
    share = f"{100 * by_function.best.metric:.2f} %"
    plain = small_search({**SMALL, "executor": {**FUNCTION, "unit": ""}}, tmp_path, "plain")
    assert plain.best.metrics == by_function.best.metrics
    for run, shown, other in ((by_function, share, "0."), (plain, f"{by_function.best.metric:.4g}", "%")):
        run.report()
        now = run.describe()
        doors = [
            search_text(run, now),
            status_text(now, run.folder, run.quantities, run.settings.budget),
            rows_text(run.top(1), run.quantities),
        ]
        for text in doors:
            (line,) = [line for line in text.splitlines() if shown in line][:1]
            assert other not in line.partition("accuracy")[2].partition(",")[0]
        assert shown.replace(" %", "") in run.page()
        assert run.describe()["best"]["metrics"]["accuracy"] == run.best.metric  # a fraction for programs


@pytest.mark.parametrize(
    ("executor", "said"),
    [
        ({"name": "inline"}, "the running epoch"),
        (FUNCTION, "the running levels"),
        ({**FUNCTION, "workers": 2}, "the running trainings are ended"),
        ({"name": "command", "run": "true", "rank_by": "accuracy"}, "the running trainings are ended"),
    ],
)
def test_what_a_stop_waits_for_is_said_of_what_runs(executor, said):
    data = {} if executor["name"] != "inline" else {"data": {"name": "digits"}}
    settings = SearchSettings.from_dict({**data, "budget": {"epochs": 9}, "executor": executor})
    assert SearchRun.step(settings).startswith(said)


def test_a_function_from_python_is_resumed_by_its_name_or_given_again(by_function, tmp_path):
    sections = {name: value for name, value in SMALL.items() if name != "budget"}
    run = ranknosh.search(
        evaluate=counting, rank_by="accuracy", budget=20, out=str(tmp_path), name="a", events=silent, **sections
    )
    assert run.settings.executor.function == "tests.own_training:counting"
    again = ranknosh.open_run(run.folder).resume(["budget.epochs=40"])
    assert decision_lines(again)[:6] == decision_lines(by_function)[:6]
    assert again.pool.epochs_spent == 40

    given = lambda *arguments: counting(*arguments)  # noqa: E731
    other = ranknosh.search(
        evaluate=given, rank_by="accuracy", budget=20, out=str(tmp_path), name="b", events=silent, **sections
    )
    with pytest.raises(ConfigError, match=r"resume with run\.resume\(evaluate=function\)"):
        other.resume(["budget.epochs=40"])
    assert decision_lines(other.resume(["budget.epochs=40"], evaluate=given)) == decision_lines(again)


def test_labels_are_names_that_give_the_function_again():
    assert label_of(counting) == "tests.own_training:counting"
    assert label_of(lambda: 0) == "python"
    assert label_of(print) == "builtins:print"
    script = (
        "from ranknosh.workflows.search.trainers import label_of\ndef mine(*given): return 1\nprint(label_of(mine))"
    )
    assert run_python("-c", script).stdout == "python\n"


def test_a_number_alone_is_the_ranking_metric(tmp_path):
    run = ranknosh.search(
        evaluate=lambda architecture, *_: worth(architecture, 0),
        rank_by="badness",
        direction="min",
        budget=8,
        out=str(tmp_path),
        events=silent,
        pyramid={"epochs": [1], "initial": 8},
    )
    values = [candidate.metrics["badness"] for candidate in run.pool.candidates.values()]
    assert run.best.metrics["badness"] == min(values) < max(values)
    assert run.best.metric == -min(values)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"evaluate": counting}, "executor.rank_by says by which"),
        ({"evaluate": counting, "rank_by": "speed"}, "whether more or less of speed is better is not known"),
        ({"evaluate": "nowhere:f", "rank_by": "accuracy"}, "the function nowhere:f cannot be imported"),
        ({"evaluate": "tests.own_training:nothing", "rank_by": "accuracy"}, "unknown name 'nothing'"),
        ({"evaluate": "tests.own_training:SMALL", "rank_by": "accuracy"}, "is dict, not a function"),
        ({"evaluate": lambda a: 0, "rank_by": "accuracy"}, "cannot be called as evaluate"),
        ({"evaluate": counting, "rank_by": "accuracy", "data": "digits"}, "data is given, which networks of ours need"),
        ({"rank_by": "accuracy"}, "rank_by and direction belong to evaluate"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(ConfigError, match=message):
        ranknosh.search(**arguments, budget=20, out=str(tmp_path / "runs"), events=silent)
    assert not (tmp_path / "runs").exists()


def test_failures_are_records_and_the_search_goes_on(tmp_path):
    def picky(architecture, from_epoch, to_epoch, folder):
        if architecture.id % 3 == 0:
            raise OSError("no luck")
        if architecture.id % 3 == 1:
            return float("nan")
        return worth(architecture, to_epoch)

    pyramid = {"epochs": [1, 2], "initial": 6, "batch": 3}
    run = ranknosh.search(
        evaluate=picky, rank_by="accuracy", budget=18, out=str(tmp_path), events=silent, pyramid=pyramid
    )
    kinds = {candidate.id % 3: candidate.failed and candidate.failed.kind for candidate in run.pool.candidates.values()}
    assert kinds == {0: "raised", 1: "diverged", 2: None}
    assert run.best.id % 3 == 2
    assert run.pool.epochs_spent <= 18
    kept = {path.name for path in (run.folder / "checkpoints").iterdir()}
    assert kept == {str(candidate.id) for candidate in run.pool.candidates.values() if not candidate.failed}


def test_crashed_commands_are_tried_again(tmp_path):
    once = "import os, signal\nif not os.path.exists('tried'):\n    open('tried', 'w'); os.kill(os.getpid(), signal.SIGKILL)\n"
    before = os.getcwd()
    os.chdir(tmp_path)
    try:
        run = small_search(
            {**small_command(tmp_path, f"{once}{_script()}"), "budget": {"epochs": 8}}, tmp_path, "crash"
        )
    finally:
        os.chdir(before)
    crashed = [record for record in run.history.records if isinstance(record, Failed)]
    assert [(record.kind, record.final) for record in crashed] == [("crashed", False)]
    assert run.pool.candidates[crashed[0].candidate_id].level >= 1


def _script():
    from tests.own_training import SCRIPT

    return SCRIPT


LIMITED = {
    "constraints": {"convolutions": "<= 3"},
    "costs": {"convolutions": {"function": "tests.own_training:convolutions"}},
}


def test_constraints_hold_for_trainings_of_ones_own(by_function, tmp_path):
    run = small_search({**SMALL, **LIMITED, "executor": FUNCTION}, tmp_path, "limited")
    everyone = [candidate.text.count("nor_conv") for candidate in run.pool.candidates.values()]
    assert max(everyone) == 3
    assert max(candidate.text.count("nor_conv") for candidate in by_function.pool.candidates.values()) > 3


def test_no_torch_is_imported(tmp_path):
    code = (
        "import sys; from pathlib import Path; from tests.own_training import *; "
        f"small_search({{**SMALL, 'executor': {FUNCTION!r}}}, Path({str(tmp_path)!r}), 'light'); "
        "print(sorted({'torch', 'ray', 'xgboost', 'torchvision'} & set(sys.modules)))"
    )
    done = run_python("-c", code)
    assert done.stdout.strip().splitlines()[-1] == "[]", done.stderr


def test_a_command_is_run_where_the_search_was_started(tmp_path, monkeypatch):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    settings = small_command(first)
    settings["executor"]["run"] = f"{sys.executable} train.py {{config}} {{metrics}} {{dir}}"
    monkeypatch.chdir(first)
    run = small_search({**settings, "budget": {"epochs": 10}}, tmp_path, "moved")
    monkeypatch.chdir(second)
    assert run.resume(["budget.epochs=20"]).pool.failures == []


@pytest.mark.slow
def test_a_killed_search_by_commands_goes_on_with_the_same_decisions(by_function, tmp_path):
    """SIGKILL while commands run, several times; the commands end with it, and none of their levels is half kept."""
    from tests.processes import ROOT

    folder = tmp_path / "killed"
    process = start_python("-c", KILLABLE.format(root=str(ROOT), folder=str(tmp_path)))
    for lines in (6, 14, 24, 31):
        wait_for_lines(folder / "journal.jsonl", lines, process)
        process.kill()
        process.communicate()
        process = start_python("-m", "ranknosh", "resume", folder)
    assert process.wait() == 0, process.communicate()
    run = ranknosh.open_run(folder)
    assert decision_lines(run) == decision_lines(by_function)
    assert run.best.metrics == by_function.best.metrics
    assert len(run.sessions) == 5


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_commands_and_saves(by_function, tmp_path, number):
    from tests.processes import ROOT

    folder = tmp_path / "killed"
    code = KILLABLE.format(root=str(ROOT), folder=str(tmp_path)).replace("time.sleep(0.15)", "time.sleep(1000)")
    process = start_python("-c", code.replace("small_search(", "import ranknosh\nsmall_search(", 1))
    wait_until(lambda: len(list(tmp_path.glob("killed/work/*/config.json"))) == 2, "two commands ran", process)
    process.send_signal(number)
    _, err = process.communicate()
    assert "KeyboardInterrupt" in err
    assert ranknosh.open_run(folder).pool.failures == []
    (tmp_path / "train.py").write_text(_script())
    run = ranknosh.open_run(folder).resume()
    assert decision_lines(run) == decision_lines(by_function)


@pytest.mark.slow
def test_decisions_on_ray_are_the_same(by_function, tmp_path):
    """Of commands, of a function of a module, and of one in a file that only this machine's folder has."""
    pytest.importorskip("ray")
    (tmp_path / "only_here.py").write_text(
        "from tests.own_training import counting\ndef mine(*given): return counting(*given)\n"
    )
    functions = [
        {**FUNCTION, "name": "ray"},
        {**FUNCTION, "name": "ray", "function": f"{tmp_path}/only_here.py:mine"},
    ]
    settings = [small_command(tmp_path, name="ray"), *({**SMALL, "executor": each} for each in functions)]
    for number, each in enumerate(settings):
        run = small_search(each, tmp_path, f"run-{number}")
        assert decision_lines(run) == decision_lines(by_function)
        assert run.best.metrics == by_function.best.metrics


KILLABLE_FUNCTION = """
import time
from tests.own_training import *
def slow(*given):
    time.sleep(0.15)
    return counting(*given)
if __name__ == "__main__":
    executor = {{"name": "evaluate", "function": {folder!r} + "/slow_function.py:slow", "rank_by": "accuracy"}}
    small_search({{**SMALL, "executor": executor}}, Path({folder!r}), "killed")
"""


@pytest.mark.slow
def test_a_killed_search_by_a_function_goes_on_with_the_same_decisions(by_function, tmp_path):
    (tmp_path / "slow_function.py").write_text(KILLABLE_FUNCTION.format(folder=str(tmp_path)))
    process = start_python(tmp_path / "slow_function.py")
    for lines in (5, 12, 23):
        wait_for_lines(tmp_path / "killed" / "journal.jsonl", lines, process)
        process.kill()
        process.communicate()
        process = start_python("-m", "ranknosh", "resume", tmp_path / "killed")
    assert process.wait() == 0, process.communicate()
    run = ranknosh.open_run(tmp_path / "killed")
    assert decision_lines(run) == decision_lines(by_function)
    assert run.best.metrics == by_function.best.metrics
    assert not (run.folder / "work").exists() or not any((run.folder / "work").iterdir())


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit])
def test_the_best_keeps_what_its_level_left_where_every_longer_training_fails(tmp_path, error):
    def short(architecture, first, last, folder):
        if first:
            raise error("too long")
        (folder / "weights").write_text(architecture.text)
        return worth(architecture, 0)

    sections = {"pyramid": {"epochs": [1, 2], "initial": 4, "candidates": 4}}
    run = ranknosh.search(
        evaluate=short, rank_by="badness", direction="min", budget=20, out=str(tmp_path), events=silent, **sections
    )
    assert run.ended
    assert {failed.message for failed in run.pool.failures} == {f"{error.__name__}: too long"}
    best = run.best
    assert best.metric == max(each.metric for each in run.pool.candidates.values())
    assert (best.level, best.failed.level) == (1, 2)
    assert (run.folder / "best" / "checkpoint" / "weights").read_text() == best.text
