"""Real commands of a shell: what they are given, how they end, and what is left of them."""

import json
import shlex
import sys
import threading

import pytest

from ranknosh.core.records import Failed, Interrupted, Observed
from ranknosh.errors import ConfigError
from ranknosh.executors import command as module
from ranknosh.executors.command import CommandTraining, check_command, filled
from ranknosh.executors.evaluate import EvaluateTraining
from ranknosh.executors.reported import Ranking
from ranknosh.training.folders import FolderStore
from tests.own_training import SCRIPT, SPACE, counting, job
from tests.processes import is_alive, wait_until

ACCURACY = Ranking("accuracy", higher=True)
GOOD = """echo '{"accuracy": 0.5}' > {metrics}"""


def training(folder, command, **more):
    return CommandTraining(SPACE, ACCURACY, FolderStore(folder / "checkpoints"), command, folder, **more)


def run(one, a_job, stop=lambda: False):
    return one(a_job, stop, lambda job, point: None).outcome


def script(folder, text=SCRIPT):
    path = folder / "a script.py"
    path.write_text(text)
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(path))} {{config}} {{metrics}} {{dir}}"


def test_a_program_and_a_function_that_do_the_same_give_the_same(tmp_path):
    one = training(tmp_path, script(tmp_path))
    function = EvaluateTraining(SPACE, ACCURACY, FolderStore(tmp_path / "others"), counting, "counting")
    for number in (1, 2):
        for level in (job(number), job(number, 2, 2, 5)):
            by_command, by_function = run(one, level), run(function, level)
            assert by_command.metrics == by_function.metrics
            assert by_command.metric == by_function.metric


def test_a_script_is_run_by_the_python_that_runs_ranknosh(tmp_path):
    write = "import json, sys; print(sys.prefix); json.dump({'accuracy': 0.5}, open(sys.argv[1], 'w'))"
    assert run(training(tmp_path, f'{{python}} -c "{write}" {{metrics}} > prefix'), job(7)).metric == 0.5
    assert (tmp_path / "prefix").read_text().strip() == sys.prefix


def test_what_a_command_is_given(tmp_path):
    copies = "cp {config} copy.json; echo {from_epoch} {to_epoch} {seed} {id} {level} {dir} > words; " + GOOD
    a_job = job(7, 2, 2, 5)
    run(training(tmp_path, copies), a_job)
    given = json.loads((tmp_path / "copy.json").read_text())
    first, last, seed, number, level, folder = (tmp_path / "words").read_text().split()
    assert given["architecture"] == SPACE.decode(a_job.architecture)
    assert given["text"] == SPACE.format(a_job.architecture)
    assert given["code"] == list(a_job.architecture.code)
    assert [first, last, seed, number, level] == ["0", "5", str(a_job.seed % 2**31), "7", "2"]
    assert [given[name] for name in ("from_epoch", "to_epoch", "seed", "id", "level")] == [
        0,
        5,
        a_job.seed % 2**31,
        7,
        2,
    ]
    assert given["dir"] == folder
    assert str(tmp_path) in given["metrics"]


def test_without_a_metrics_file_the_last_printed_line_counts_and_all_of_it_is_in_the_log(tmp_path):
    outcome = run(training(tmp_path, """echo hello; echo aside >&2; echo '{"accuracy": 0.25, "loss": 2}'"""), job(3))
    assert dict(outcome.metrics) == {"accuracy": 0.25, "loss": 2.0}
    log = (tmp_path / "logs" / "3.log").read_text().splitlines()
    assert log[0].startswith("== level 1, to epoch 2, attempt 1: echo hello")
    assert {*log[1:]} == {"hello", "aside", '{"accuracy": 0.25, "loss": 2}'}


@pytest.mark.parametrize(
    ("command", "kind", "message"),
    [
        ("echo one; echo two >&2; exit 3 {metrics}", "raised", "the command exited with 3: two"),
        ("exit 3", "raised", "the command exited with 3 and printed nothing"),
        ("true {metrics}", "raised", 'wrote no metrics to {metrics}; it has to write JSON such as {"accuracy": 0.9}'),
        ("true", "raised", "printed no metrics; its last line has to be JSON"),
        ("echo NaN > {metrics}", "diverged", "the metrics file says that accuracy is nan"),
        ("""echo '{"accuracy": NaN}'""", "diverged", "its last line says that accuracy is nan"),
        ("mkdir {metrics}", "raised", "the metrics file cannot be read: Is a directory; the command has to write JSON"),
        ("mkfifo {metrics}", "raised", "the metrics file cannot be read: it is a pipe with a name"),
        (
            "head -c 1000001 /dev/zero > {metrics}",
            "raised",
            "the metrics file cannot be read: it has more than 1,000,000",
        ),
        ("echo nothing > {metrics}", "raised", "the metrics file cannot be used: it is no JSON"),
        ("echo -nan > {metrics}", "diverged", "the metrics file says that accuracy is nan"),
        ("""echo '{"loss": 1}' > {metrics}""", "raised", "it reports loss, and not accuracy"),
        ("kill -9 $$", "crashed", "the command was ended by SIGKILL; memory may have run out"),
        ("sh -c 'kill -SEGV $$' && true", "crashed", "the command was ended by SIGSEGV"),
    ],
)
def test_what_does_not_end_well_is_one_message_and_the_end_of_its_output(tmp_path, command, kind, message):
    outcome = run(training(tmp_path, command), job(2))
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.epochs) == (kind, 2)
    assert message in outcome.message
    assert str(tmp_path / "logs" / "2.log") in outcome.traceback
    if "two" in command:
        assert "one\ntwo\n" in outcome.traceback
    assert not any((tmp_path / "work").iterdir())


def test_every_attempt_is_in_the_log(tmp_path):
    for attempt in (1, 2):
        run(training(tmp_path, f"echo try {attempt}; exit 1"), job(2, attempt=attempt))
    lines = (tmp_path / "logs" / "2.log").read_text().splitlines()
    assert [line for line in lines if not line.startswith("==")] == ["try 1", "try 2"]


def test_a_command_that_hangs_is_ended_with_everything_that_it_started(tmp_path):
    hangs = "sleep 1000 & echo $! > child; wait"
    outcome = run(training(tmp_path, hangs, late=lambda seconds: (tmp_path / "child").exists()), job())
    assert (outcome.kind, outcome.epochs) == ("hung", 2)
    assert "at its deadline" in outcome.message
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: not is_alive(child), "the child ended")


def test_a_command_that_does_not_end_when_asked_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.2)
    stubborn = "trap '' TERM; touch begun; while true; do sleep 0.1; done"
    outcome = run(training(tmp_path, stubborn), job(), stop=lambda: (tmp_path / "begun").exists())
    assert isinstance(outcome, Interrupted)


def test_a_stop_ends_the_command_and_keeps_the_level_before(tmp_path):
    one = training(tmp_path, script(tmp_path))
    run(one, job(4))
    waiting = training(tmp_path, one.command)
    (tmp_path / "a script.py").write_text("import time, pathlib; pathlib.Path('begun').touch(); time.sleep(1000)")
    outcome = run(waiting, job(4, 2, 2, 5), stop=lambda: (tmp_path / "begun").exists())
    assert isinstance(outcome, Interrupted)
    assert (outcome.epoch, outcome.epochs) == (2, 0)
    (tmp_path / "a script.py").write_text(SCRIPT)
    assert run(one, job(4, 2, 2, 5)).metrics["epochs"] == 5


def test_a_command_may_trap_the_signal_and_what_it_saves_then_is_not_taken(tmp_path):
    """A level is kept whole or not at all: the same epochs give the same numbers, whenever somebody pressed Ctrl-C."""
    saves = "trap 'touch {dir}/half; exit 0' TERM; touch begun; while true; do sleep 0.05; done"
    one = training(tmp_path, saves)
    assert isinstance(run(one, job(), stop=lambda: (tmp_path / "begun").exists()), Interrupted)
    assert one.read(job()).state is None


def test_what_a_command_leaves_in_the_background_ends_with_it(tmp_path):
    outcome = run(training(tmp_path, "sleep 1000 & echo $! > child; " + GOOD), job())
    assert isinstance(outcome, Observed)
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: not is_alive(child), "the child ended")


def test_a_command_that_cannot_be_run_ends_the_search_and_no_candidate(tmp_path):
    with pytest.raises(
        ConfigError, match=r"cannot be run \(exit code 127\): .*nowhere.*No candidate is marked as failed"
    ):
        run(training(tmp_path, "cd . && ./nowhere {metrics}"), job())
    gone = training(tmp_path, GOOD)
    with pytest.raises(ConfigError, match=r"cannot be started in .*gone: No such file"):
        run(CommandTraining(SPACE, ACCURACY, gone.checkpoints, GOOD, tmp_path / "gone"), job())


def test_stopping_is_asked_for_from_another_thread_too(tmp_path):
    stop, results = threading.Event(), []
    one = training(tmp_path, "touch begun; sleep 1000")
    thread = threading.Thread(target=lambda: results.append(run(one, job(), stop.is_set)))
    thread.start()
    wait_until(lambda: (tmp_path / "begun").exists(), "the command began")
    stop.set()
    thread.join()
    assert isinstance(results[0], Interrupted)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("a {id} {level}", "a 3 2"),
        ("a {{id}} {id}", "a {id} 3"),
        ("a ${id} $HOME {print $1} {x y}", "a ${id} $HOME {print $1} {x y}"),
        ("a '{{ }}' {UPPER}", "a '{{ }}' {UPPER}"),
        ("a {dir}", "a '/a b/c'"),
    ],
)
def test_placeholders_are_words_of_the_shell_and_other_braces_stay(command, words):
    check_command(command.replace("a ", "true ", 1))
    assert filled(command, {"id": 3, "level": 2, "dir": "/a b/c"}) == words


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            "true {confg}",
            r"has the placeholder \{confg\}; known are \{config\}, \{dir\}.*; did you mean config\?.*\{\{confg\}\}",
        ),
        ("", "executor.run is empty"),
        ("true 'x", "cannot be read by a shell: No closing quotation"),
        ("no-such-program --config {config}", "begins with no-such-program, and no such program is found"),
        ("./no-such-file.sh", "no such program is found; give its path from the folder"),
        ("python9 {config}", r"no such program is found.*; \{python\} is the Python that runs ranknosh"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_runs(command, message):
    with pytest.raises(ConfigError, match=message):
        check_command(command)


@pytest.mark.parametrize(
    "command", ["cd x && y", "A=1 python x", "if true; then a; fi", "$TOOL x", "(cd x; y)", sys.executable]
)
def test_words_of_the_shell_are_programs_too(command):
    check_command(command)
