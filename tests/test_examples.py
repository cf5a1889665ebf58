"""The examples, as a user meets them: a folder with one's own files, and the command line."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.processes import start_python

ROOT = Path(__file__).parent.parent
EXAMPLES, DOCS = ROOT / "examples", ROOT / "docs"


def ranknosh(*words, cwd, **environment):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
    command = [sys.executable, "-m", "ranknosh", *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def lines_of(name, start):
    """How many lines of code the definition that begins with ``start`` has."""
    lines = (EXAMPLES / name).read_text().splitlines()
    first = lines.index(start)
    body = lines[first + 1 :]
    end = next((number for number, line in enumerate(body) if line and not line.startswith(" ")), len(body))
    return 1 + sum(bool(line.strip()) for line in body[:end])


@pytest.mark.parametrize(("start", "most"), [("class Net(nn.Module):", 15), ("def data():", 10)])
def test_an_own_module_and_own_data_are_short(start, most):
    assert lines_of("own_module.py", start) <= most


def test_the_page_shows_the_example():
    block = (DOCS / "own-space.md").read_text().split("```python\n")[1].split("```")[0]
    assert block in (EXAMPLES / "own_module.py").read_text()


def test_the_readme_shows_all_of_it_and_names_files_that_are_there():
    import re

    readme = (ROOT / "README.md").read_text()
    section = readme.split("## Your own model, data, loss, limits")[1].split("\n## ")[0]
    block = section.split("```python\n")[1].split("```")[0]
    assert (EXAMPLES / "own_module.py").read_text().endswith(block)
    assert len([line for line in block.splitlines() if line]) <= 27
    links = re.findall(r"\]\(([^)]+)\)", section)
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_page_of_tasks_shows_the_example():
    block = (DOCS / "tasks.md").read_text().split("```python\n")[1].split("```")[0]
    assert block in (EXAMPLES / "own_task.py").read_text()


def test_a_task_of_ones_own_is_searched_with_data_of_ones_own(tmp_path):
    for name in ("own_task.py", "own_task.yaml"):
        (tmp_path / name).write_text((EXAMPLES / name).read_text())
    small = ["--set", "pyramid.candidates=4", "--set", "pyramid.initial=3", "--set", "pyramid.epochs=[1, 2]"]
    ended = ranknosh("search", "own_task.yaml", *small, "--name", "own", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    lines = journal(tmp_path / "runs/own")
    assert lines[0]["record"]["data"]["task"] == {"name": "own_task:Counting", "jitter": 0.05}
    observed = [line["record"] for line in lines if line.get("type") == "observed"]
    assert observed
    assert all(record["metric"] == -record["metrics"]["off"] for record in observed)
    broken = (
        (tmp_path / "own_task.py")
        .read_text()
        .replace("outputs[:, 0], targets)", "outputs[:, 0], targets, reduction='none')")
    )
    (tmp_path / "own_task.py").write_text(broken)
    refused = ranknosh("search", "own_task.yaml", "--name", "bad", cwd=tmp_path)
    assert refused.returncode == 2
    assert "gave a tensor of shape (4,)" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "runs/bad").exists()


OWN = {
    "own_predictor.py": ["search", "{configs}", "--predictor", "{examples}/own_predictor.py:Similar"],
    "own_proxy.py": ["search", "{configs}", "--set", "seeding.proxies=[{examples}/own_proxy.py:Spread, params]"],
    "own_rival.py": ["search", "{configs}", "--set", "propose.function={examples}/own_rival.py:evolve"],
}
SMALL = """
data: {name: digits, limit: 200, validation_limit: 100, test_limit: 80}
space: {name: nasbench201, channels: 4}
pyramid: {epochs: [1, 2], initial: 5, batch: 3}
seeding: {draw: 6}
budget: {epochs: 14}
"""


def journal(run):
    return [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", OWN)
def test_a_part_of_ones_own_is_one_short_file_and_runs_by_its_name(name, tmp_path):
    assert len((EXAMPLES / name).read_text().splitlines()) < 40
    (tmp_path / "small.yaml").write_text(SMALL)
    words = [word.format(configs="small.yaml", examples=EXAMPLES) for word in OWN[name]]
    ended = ranknosh(*words, "--name", "own", "--quiet", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    records = [(line["type"], line["record"]) for line in journal(tmp_path / "runs/own") if "record" in line]
    proposed = [record for kind, record in records if kind == "proposed"]
    used = {
        "own_predictor.py": any(
            kind == "fitted" and "own_predictor.py:Similar" in r["predictor"] for kind, r in records
        ),
        "own_proxy.py": any(kind == "scored" and any("Spread" in key for key in r["values"]) for kind, r in records),
        "own_rival.py": [record["origin"] for record in proposed][5:] == ["user"] * (len(proposed) - 5),
    }
    assert used[name]
    assert len(proposed) > 5


def test_the_config_of_the_own_predictor_loads():
    from ranknosh.config.search import SearchSettings

    settings = SearchSettings.load(EXAMPLES / "own_predictor.yaml")
    assert settings.predictor.name == "examples/own_predictor.py:Similar"


def always_the_most_frequent(targets):
    return targets.unique(return_counts=True)[1].max().item() / targets.numel()


def off_of_the_mean(targets):
    return (targets - targets.mean()).square().mean().sqrt().item()


def near_the_mean(targets):
    return ((targets - targets.mean()).abs() <= 40).float().mean().item()


def all_ground(targets):
    """The mean over both classes of intersection over union; that of the digit is 0."""
    return (targets == 0).float().mean().item() / 2


def letters_by_how_often_they_come(targets):
    shares = targets.unique(return_counts=True)[1] / targets.numel()
    return (-(shares * shares.log()).sum()).exp().item()


TRIVIAL = {
    "tabular": ("accuracy", 100, always_the_most_frequent),
    "regression": ("rmse", 1, off_of_the_mean),
    "own_loss": ("near", 100, near_the_mean),
    "segmentation": ("iou", 100, all_ground),
    "tokens": ("perplexity", 1, letters_by_how_often_they_come),
}


@pytest.mark.parametrize("name", TRIVIAL)
def test_an_example_beats_the_trivial_answer_that_its_config_names(name, tmp_path, monkeypatch):
    import torch

    from ranknosh import open_run
    from ranknosh.config.search import SearchSettings
    from ranknosh.tasks.catalog import load_task

    for file in EXAMPLES.glob(f"{name}.*"):
        (tmp_path / file.name).write_text(file.read_text())
    small = ["--set", "pyramid.candidates=6", "--set", "pyramid.initial=4", "--set", "pyramid.batch=2"]
    ended = ranknosh("search", f"{name}.yaml", *small, "--name", "own", "-q", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    monkeypatch.chdir(tmp_path)
    best = open_run("runs/own").best
    settings = SearchSettings.load(tmp_path / f"{name}.yaml")
    task = load_task(settings.data, settings.task, settings.seed)
    metric, unit, trivial = TRIVIAL[name]
    assert task.rank_by == metric
    value, direction = trivial(task.data.validation.targets), task.direction(metric)
    assert direction * (best.metrics[metric] - value) > 0.1 * value
    said = (EXAMPLES / f"{name}.yaml").read_text().split("\n\n")[0].replace("\n# ", " ")
    everything = torch.cat([task.data.train.targets, task.data.validation.targets, task.data.test.targets])
    assert f" {round(unit * trivial(everything))}" in said.split("Under")[0].split("In this")[0]


BROKEN = "def late(space, results, rng):\n    raise OSError('no licence')\n\nnumber = 3\n"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["search", "--predictor", "broken:number"], "broken:number is int, no predictor"),
        (
            ["search", "--predictor", "nowhere:Mine"],
            "the predictor nowhere:Mine cannot be imported: ModuleNotFoundError",
        ),
        (["search", "--set", "seeding.proxies=[broken:number]"], "broken:number is no proxy"),
        (["search", "--set", "propose.function=broken:late"], "raised with 0 results: OSError: no licence"),
        (
            ["compare", "--methods", "random,broken:late", "--budget", "9s"],
            "raised with 0 results: OSError: no licence",
        ),
        (["compare", "--methods", "random,nowhere:f", "--budget", "9s"], "the method nowhere:f cannot be imported"),
    ],
)
def test_a_part_that_cannot_work_is_refused_before_there_is_a_folder(words, text, tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "broken.py").write_text(BROKEN)
    ended = ranknosh(words[0], "small.yaml", *words[1:], cwd=tmp_path)
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False), ended.stderr
    assert text in " ".join(ended.stderr.split())
    assert not (tmp_path / "runs").exists()


def test_the_command_of_the_page_shows_the_space():
    command = (DOCS / "own-space.md").read_text().split("```console\n")[1].split("\n```")[0]
    ended = ranknosh(*command.split()[1:], "--json", cwd=EXAMPLES)
    assert ended.returncode == 0, ended.stderr
    row = json.loads(ended.stdout)
    # Blocks: a convolution of two kernels, a pooling, nothing: 4 ways each, of 1 to 3; three widths.
    assert row["architectures"] == 3 * (4 + 16 + 64)
    assert row["depth"] == 2
    assert all(choice["changes_something"] for choice in row["choices"])


@pytest.mark.parametrize("name", ["sklearn_evaluate", "command_train", "command_train_sh"])
def test_trainings_of_ones_own_are_searched(name, tmp_path):
    """A function, a script and a script in another language; what they leave of the best one goes on."""
    small = ["--set", "budget.epochs=14", "--set", "pyramid.initial=6", "--set", "pyramid.batch=4"]
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n")  # another one, without the packages of this one
    (tmp_path / "python").chmod(0o755)
    words = ["search", f"examples/{name}.yaml", "--out", tmp_path, "--name", "own", "-q", *small]
    ended = ranknosh(*words, cwd=ROOT, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert ended.returncode == 0, ended.stderr
    records = [(line["type"], line["record"]) for line in journal(tmp_path / "own") if "record" in line]
    assert not [record for kind, record in records if kind == "failed" and record["kind"] != "diverged"]
    assert max(record["level"] for kind, record in records if kind == "observed") == 3
    kept = {path.name for path in (tmp_path / "own" / "best" / "checkpoint").iterdir()}
    assert kept == {{"sklearn_evaluate": "model.pickle", "command_train": "weights.npz"}.get(name, "weights")}


def test_the_awk_script_resumes_where_it_stopped(tmp_path):
    """Four epochs in one call and in two are the same numbers, and both are what least squares cannot beat."""
    import numpy as np

    (tmp_path / "c.json").write_text(json.dumps({"degree": 3, "rate": 0.25, "momentum": 0.9}, indent=1))

    def fit(folder, *pieces):
        (tmp_path / folder).mkdir()
        for first, last in pieces:
            words = ["sh", EXAMPLES / "command_train.sh", "c.json", first, last, folder]
            done = subprocess.run([*map(str, words)], cwd=tmp_path, capture_output=True, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])["mse"]

    once, twice = fit("once", (0, 4)), fit("twice", (0, 1), (1, 4))
    assert once == pytest.approx(twice, rel=1e-6)
    inputs = np.arange(40) / 20
    best = np.polyfit(inputs - 1, np.sin(3 * (inputs - 1)), 3)
    between = inputs - 0.975
    assert once == pytest.approx(np.mean((np.polyval(best, between) - np.sin(3 * between)) ** 2), rel=0.2)


def test_the_page_of_own_training_is_true():
    """Its configs load, and its table of placeholders is the one that commands have."""
    import re

    from ranknosh.config.search import SearchSettings
    from ranknosh.config.source import parse_value
    from ranknosh.executors.command import PLACEHOLDERS

    page = (DOCS / "own-training.md").read_text()
    table = page.split("| placeholder | |")[1].split("\n\n")[0]
    assert set(re.findall(r"`\{(\w+)\}`", table)) == set(PLACEHOLDERS)
    blocks = [parse_value(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    blocks += [{"executor": parse_value(text)} for text in re.findall(r"`executor: (\{.*?\})`", page)]
    assert len(blocks) == 5
    ask = {"name": "ask", "rank_by": "accuracy"}
    for block in blocks:
        settings = SearchSettings.from_dict({"budget": {"epochs": 10}, "executor": ask, **block})
        assert settings.executor.is_own
    for name in ("sklearn_evaluate", "command_train", "command_train_sh"):
        assert SearchSettings.load(EXAMPLES / f"{name}.yaml").executor.is_own


@pytest.fixture
def folder(tmp_path):
    """A user's folder with the example's two files."""
    for name in ("own_module.py", "own_module.yaml"):
        (tmp_path / name).write_text((EXAMPLES / name).read_text())
    return tmp_path


def ended_well(*words, cwd):
    ended = ranknosh(*words, cwd=cwd)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


FEW = (
    "--set",
    "pyramid.candidates=3",
    "--set",
    "pyramid.initial=2",
    "--set",
    "pyramid.batch=1",
    "--set",
    "seeding.draw=4",
)


def test_an_own_module_is_searched_on_data_of_ones_own(folder):
    assert "test accuracy" in ended_well("search", "own_module.yaml", "--name", "own", *FEW, cwd=folder)
    journal = (folder / "runs" / "own" / "journal.jsonl").read_text()
    assert "own_module:Net" in journal
    assert "own_module:data" in journal
    assert "block0" in (folder / "runs" / "own" / "report.html").read_text()


def test_a_config_s_own_folder_has_its_modules_and_a_run_goes_on_from_anywhere(folder, tmp_path_factory):
    above, elsewhere = folder.parent, tmp_path_factory.mktemp("elsewhere")
    run = folder / "runs" / "own"
    ended_well("search", f"{folder.name}/own_module.yaml", "--out", run.parent, "--name", "own", *FEW, cwd=above)
    assert journal(run)[0]["record"]["modules"] == {"own_module": str(folder)}
    more = ["--set", "pyramid.candidates=4"]
    assert "4 candidates" in ended_well("resume", run, *more, cwd=elsewhere)
    (folder / "own_module.py").rename(elsewhere / "own_module.py")
    gone = ranknosh("status", run, cwd=above)
    assert gone.returncode == 2
    assert f"No module named 'own_module'; looked in {folder}, {above}" in gone.stderr
    assert "Traceback" not in gone.stderr
    assert "4 unfinished" not in ended_well("status", run, cwd=elsewhere)


def test_a_network_for_rows_is_retrained_without_what_moves_pictures(tmp_path):
    small = ["--set", "pyramid.candidates=2", "--set", "pyramid.initial=2", "--set", "pyramid.epochs=[1, 2]"]
    (tmp_path / "tabular.yaml").write_text((EXAMPLES / "tabular.yaml").read_text())
    assert ranknosh("search", "tabular.yaml", *small, "--name", "own", "-q", cwd=tmp_path).returncode == 0
    ended = ranknosh("retrain", "runs/own", "--set", "train.epochs=3", "--json", "-q", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    result = json.loads(ended.stdout)
    assert result["epochs"] == 3
    assert result["test"]["accuracy"] > 0.63


EVERY_OWN = """
space: {name: "own_module:Net"}
data: {name: "own_module:data"}
train: {threads: 1}
pyramid: {epochs: [1, 2], initial: 3, batch: 2, candidates: 7}
seeding: {draw: 6, proxies: ["own_proxy:Spread", params]}
predictor: {name: "own_predictor.py:Similar", options: {neighbours: 1}}
propose: {exploration: 0.0}
executor: {name: EXECUTOR, workers: 2}
"""


@pytest.mark.slow
def test_workers_of_a_cluster_have_the_parts_of_a_folder_that_is_not_installed(folder, tmp_path_factory):
    pytest.importorskip("ray")
    for name in ("own_predictor.py", "own_proxy.py"):
        (folder / name).write_text((EXAMPLES / name).read_text())
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    decisions = []
    for executor in ("ray", "inline"):
        (folder / "all.yaml").write_text(EVERY_OWN.replace("EXECUTOR", executor))
        ended_well("search", folder / "all.yaml", "--name", executor, cwd=elsewhere)
        decisions.append(ended_well("status", f"runs/{executor}", "--decisions", cwd=elsewhere))
    lines = journal(elsewhere / "runs" / "ray")
    records = [(line["type"], line["record"]) for line in lines if "record" in line]
    scored = [record["values"] for kind, record in records if kind == "scored"]
    assert scored
    assert all(isinstance(values["own_proxy:Spread"], float) for values in scored)
    assert any(kind == "fitted" and "own_predictor.py:Similar" in record["predictor"] for kind, record in records)
    assert sum(kind == "observed" for kind, _ in records) >= 7
    assert decisions[0] == decisions[1] != ""


def decisions(run):
    """Everything that a search decided and measured, whatever the order that it came in."""
    found = []
    for line in journal(run):
        if line.get("type") in ("proposed", "promoted"):
            found.append({key: value for key, value in line["record"].items() if key != "seconds"})
        elif line.get("type") == "observed":
            found.append([line["record"][key] for key in ("candidate_id", "level", "metric", "metrics")])
    return sorted(json.dumps(one, sort_keys=True) for one in found)


@pytest.mark.slow
def test_an_own_module_decides_the_same_killed_or_on_ray(folder):
    ended_well("search", "own_module.yaml", "--name", "whole", cwd=folder)
    wanted = decisions(folder / "runs/whole")
    assert len(wanted) > 40
    ended_well("search", "own_module.yaml", "--name", "ray", "--set", "executor.name=ray", cwd=folder)
    assert decisions(folder / "runs/ray") == wanted
    child = start_python("-m", "ranknosh", "search", "own_module.yaml", "--name", "killed", cwd=folder)
    lines = folder / "runs/killed/journal.jsonl"
    while child.poll() is None and (not lines.exists() or lines.read_text().count('"observed"') < 5):
        time.sleep(0.05)
    child.kill()
    child.wait()
    assert decisions(folder / "runs/killed") != wanted
    ended_well("resume", "runs/killed", cwd=folder)
    assert decisions(folder / "runs/killed") == wanted
