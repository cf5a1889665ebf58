"""What users get wrong, as they meet it: one message, the documented exit code, and no run folder where nothing could begin."""

import json

import pytest

SMALL = """
space: {name: mlp}
data: {name: digits, limit: 100, validation_limit: 60, test_limit: 60}
pyramid: {epochs: [1, 2], initial: 3, batch: 2}
seeding: {draw: 4}
budget: {epochs: 8}
"""
SPACES = {
    "raises": "OSError: no licence for this layer",
    "raises_later": "building width=2 of raises_later failed at",
    "no_module": "no_module gave str; a space is a class of torch.nn.Module, or a function of the signature that gives one",
    "idle": "'width' of idle",
    "grows": "one_of('first') is asked for here, but was not in the first build",
    "seven_outputs": "makes (2, 7) of a batch of 2 inputs of shape (1, 8, 8), and the task asks for (2, 10)",
}
TASKS = {
    "task.loss=tests.broken_parts:loss_of_each": (
        2,
        "gave a tensor of shape (4,) on outputs (4, 10) and targets (4,); a loss",
    ),
    "task.loss=tests.broken_parts:nan_loss": (2, "the loss of the task classification is nan on outputs"),
    "task.metrics=[tests.broken_parts:Undirected]": (2, "does not say whether larger values are better"),
    "task.name=regression": (4, "targets are (100,) torch.int64; a regression needs torch.float32"),
    "space.name=mobile": (2, "of pictures of 8x8"),
    "space={name: transformer, patches: []}": (2, "inputs (1, 8, 8)"),
}


@pytest.fixture
def refused(cli, tmp_path, monkeypatch):
    """Run a command that has to be refused at the start, and give back its message on one line."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)

    def call(*words, code=2):
        ended = cli(*words)
        assert (ended.code, ended.out) == (code, ""), ended
        assert ended.err.startswith("error: ")
        assert ended.err.count("error: ") == 1
        assert "Traceback" not in ended.err
        assert not (tmp_path / "runs").exists()
        return " ".join(ended.err.split())

    return call


@pytest.mark.parametrize("name", SPACES)
def test_a_space_that_cannot_work_is_refused_by_a_search(refused, name):
    assert SPACES[name] in refused("search", "small.yaml", "--set", f"space.name=tests.broken_parts:{name}")


@pytest.mark.parametrize("name", SPACES)
def test_and_by_score_and_compare(refused, name):
    space = f"tests.broken_parts:{name}"
    assert SPACES[name] in refused("score", space, "--data", "digits", "--count", 2)
    words = ["compare", "small.yaml", "--set", f"space.name={space}", "--methods", "random", "--budget", "3s"]
    assert SPACES[name] in refused(*words)


@pytest.mark.parametrize("name", ["raises", "no_module"])
def test_and_by_a_supernet(refused, name):
    words = ["--data", "digits", "--epochs", 1]
    assert SPACES[name] in refused("supernet", "darts", "--space", f"tests.broken_parts:{name}", *words)


@pytest.mark.parametrize("setting", TASKS)
def test_a_task_that_cannot_work_is_refused(refused, setting):
    code, message = TASKS[setting]
    assert message in refused("search", "small.yaml", "--set", setting, code=code)
    words = ["--methods", "random", "--budget", "3s"]
    assert message in refused("compare", "small.yaml", "--set", setting, *words, code=code)


COMMANDS = {
    "exit 3": ("raised", "the command exited with 3"),
    "echo done": ("raised", "done"),
    "echo '{\"error\": NaN}'": ("diverged", "nan"),
    "sleep 60": ("hung", "deadline"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_ends_badly_is_told_of_each_candidate_and_the_run_stays(cli, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    executor = {"name": "command", "run": command, "rank_by": "error", "deadline": "1s"}
    space = {"name": "flat", "parameters": {"width": [1, 2, 3]}}
    config = {
        "space": space,
        "executor": executor,
        "pyramid": {"epochs": [1, 2], "initial": 2},
        "budget": {"epochs": 8},
    }
    (tmp_path / "own.yaml").write_text(json.dumps({**config, "pyramid": {**config["pyramid"], "candidates": 2}}))
    ended = cli("search", "own.yaml", "--name", "own")
    assert ended.code == 5, ended
    assert "Traceback" not in ended.err
    kind, message = COMMANDS[command]
    told = cli("status", "runs/own", "--failures")
    assert told.code == 0
    assert kind in told.out
    assert message in told.out.lower()
    again = cli("resume", "runs/own")
    assert again.code == 5
    assert "no candidate finished a level" in again.err
