"""docs/adding-a-part.md, done literally: its files, its edits and its commands, in a copy of the packages."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "adding-a-part.md").read_text()
SECTIONS = dict(re.findall(r"^## (An? [\w ]+)\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE))
FILE = re.compile(
    r"[Ii]n\s`([^`]+\.py)`(?:, (below|in place of) `([^`]+)`)?:\n\n```(?:python|text)\n(.*?)```", re.DOTALL
)
COMMANDS = re.compile(r"```console\n(.*?)```", re.DOTALL)


def follow(section, folder):
    """Does what a section says in a copy of the packages."""
    for package in ("ranknosh", "zerocost", "supernet", "configs"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    steps = FILE.findall(section)
    blocks = section.count("```python") + section.count("```text")
    assert len(steps) == blocks, "every block of code says where it goes"
    for name, how, anchor, code in steps:
        path = folder / name
        if not how:
            assert not path.exists(), f"{name} is new"
            path.parent.mkdir(exist_ok=True)
            path.write_text(code)
            continue
        before = path.read_text()
        old = anchor + "\n" if how == "below" else anchor
        assert before.count(old) == 1, f"{name} has {anchor!r} once"
        path.write_text(before.replace(old, old + code if how == "below" else code.rstrip("\n")))


def run(command, folder):
    """What a command of a recipe prints, in the copy; it must end as planned."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, *shlex.split(command)[1:]]
    ended = subprocess.run(words, cwd=folder, capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0, f"{command}\n{ended.stderr}"
    return ended.stdout


@pytest.fixture
def followed(tmp_path):
    """``followed(title)``: the output of each command of that recipe, followed in a folder of its own."""

    def outputs(title):
        follow(SECTIONS[title], tmp_path)
        commands = [line for block in COMMANDS.findall(SECTIONS[title]) for line in block.splitlines()]
        return [run(command, tmp_path) for command in commands]

    return outputs


def test_all_recipes_are_followed():
    whole = [
        "A space",
        "A task",
        "A data set",
        "A differentiable method",
        "A predictor",
        "A proxy",
        "An executor",
        "A workflow",
    ]
    assert list(SECTIONS) == whole


def header_of(folder):
    """The first line of a run's journal."""
    return json.loads((folder / "journal.jsonl").read_text().splitlines()[0])["record"]


@pytest.mark.slow
def test_a_space_is_checked_and_searched(followed, tmp_path):
    checked, _ = followed("A space")
    assert "3 of 3 one_of have branches of one shape" in checked
    assert header_of(tmp_path / "runs/layers")["settings"]["space"]["name"] == "layers:Layers"


@pytest.mark.slow
def test_a_task_ranks_by_its_own_metric(followed, tmp_path):
    (out,) = followed("A task")
    facts = header_of(tmp_path / "runs/margin")["facts"]
    assert (facts["ranked"], facts["metrics"]["right"]) == ("right", {"higher": True, "unit": "%"})
    assert re.search(r"validation right \d\d\.\d\d %", out)


@pytest.mark.slow
def test_a_data_set_is_learned_from(followed, tmp_path):
    followed("A data set")
    data = header_of(tmp_path / "runs/rings")["data"]
    assert (data["inputs"], sum(data["examples"].values()), len(data["classes"])) == ([2], 900, 3)


@pytest.mark.slow
def test_a_differentiable_method_is_searched_with(followed):
    (out,) = followed("A differentiable method")
    assert "softmax(temperature 0.2)" in out


@pytest.mark.slow
def test_a_predictor_is_used_by_its_name(followed, tmp_path):
    followed("A predictor")
    assert '"predictor":"nearest:NearestPredictor"' in (
        tmp_path / "runs/with-nearest/journal.jsonl"
    ).read_text().replace(" ", "")


@pytest.mark.slow
def test_a_proxy_scores(followed):
    (out,) = followed("A proxy")
    assert "widest:Widest" in out


def order_of_results(folder):
    """Numbers of the candidates in the order in which results were written down."""
    lines = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    return [line["record"]["candidate_id"] for line in lines if line["type"] == "observed"]


@pytest.mark.slow
def test_an_executor_takes_the_decisions_of_the_inline_one(followed, tmp_path):
    followed("An executor")
    run("python -m ranknosh search configs/digits.yaml --set budget.epochs=12 --name inline", tmp_path)
    newest, inline = (
        run(f"python -m ranknosh status runs/{name} --decisions", tmp_path) for name in ("newest", "inline")
    )
    assert newest == inline != ""
    assert order_of_results(tmp_path / "runs/newest") != order_of_results(tmp_path / "runs/inline")


@pytest.mark.slow
def test_a_workflow_has_every_verb(followed, tmp_path):
    begun, _, status, top, report, clean = followed("A workflow")
    assert begun.strip() == "runs/small"
    assert "finished" in status
    assert "5" in status
    assert len(top.splitlines()) == 3
    assert (tmp_path / report.strip()).exists()
    assert "remov" in clean
