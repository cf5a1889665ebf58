"""Every block of Python and of commands in README and docs is run, or says here why it is not.

Commands run as they are written, in a folder that has what they name: small runs, pictures, configs. What would take long is made
small by options behind the written ones. docs/adding-a-part.md is followed by test_recipes.py.
"""

import ast
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").glob("*.md") if path.stem != "adding-a-part")]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)

NOT_RUN = {
    r"^(git clone|make |\. \.venv|pip install)": "sets a machine up; CI and fresh clones do it",
    r"^ray (start|stop)|--ray": "needs a cluster; tests/ranknosh/executors and test_examples.py have one",
    r"cifar10|nasbench201\.npz|resume runs/pt|retrain runs/pt": "needs data that are not in the repository",
    r"^tensorboard|mlflow=http": "needs a server",
    r"^ranknosh compare |resume runs/\w+-compare": "ends by time, so that it is slow or refused; tests of compare run it",
}
"""Commands that are not run: what they look like, and why."""

LONG = "its searches take many minutes; its verbs and options are compared, and their own tests run them"
NOT_FOLLOWED = {"README": LONG, "from-folder-to-model": LONG}
"""Pages whose commands are not run one after the other, and why."""

FEW = "--set pyramid.candidates=3 --set pyramid.initial=2 --set pyramid.batch=1 --set pyramid.epochs=[1,2]"
SMALLER = {
    r"^ranknosh (search|plan) examples/": "--set budget.epochs=14 --set pyramid.initial=6 --set pyramid.batch=4",
    r"^ranknosh search own\.yaml": "",
    r"^ranknosh (search|plan) ": f"{FEW} --set seeding.draw=4",
    r"^ranknosh supernet (?!list)": "--epochs 1 --set data.limit=64",
    r"^ranknosh retrain ": "--set train.epochs=1",
    r"^ranknosh score nasbench201": "--count 2",
    r"^ranknosh bench build ": "--count 4 --epochs 2 --seeds 2 --seeded 1 --set data.limit=100 --set data.validation_limit=100",
    r"^ranknosh bench run --table digits": "--methods random --budget 8 --repeats 1 --jobs 1",
    r"^ranknosh resume runs/(demo|search)-001 --set": "--set pyramid.candidates=6",
    r"^ranknosh resume runs/score-001 --set": "--set count=3",
}
"""What is written behind a command so that it takes seconds; the first that fits."""

SMALL = """
data: {name: digits, limit: 200, validation_limit: 100, test_limit: 80}
space: {name: nasbench201, channels: 4, cells: 1}
train: {threads: 1}
pyramid: {epochs: [1, 2], initial: 3, batch: 2, candidates: 4}
seeding: {draw: 6}
budget: {epochs: 30}
"""
ASKING = """
space: {name: flat, parameters: {width: [8, 16, 32], rate: {loguniform: [0.001, 1.0]}}}
executor: {name: ask, rank_by: accuracy}
pyramid: {epochs: [1, 3], initial: 4, batch: 2, candidates: 4}
budget: {epochs: 20}
"""


def blocks(page, *languages):
    return [text for language, text in BLOCK.findall(page.read_text()) if language in languages]


def commands(page):
    """The lines of a page's blocks of commands, without prompt and remark."""
    lines = (line for block in blocks(page, "console") for line in block.splitlines())
    return [re.sub(r"\s+# .*$", "", line.removeprefix("$ ")).strip() for line in lines if line.strip()]


def first_that_fits(table, command):
    return next((what for pattern, what in table.items() if re.search(pattern, command)), None)


EVERY = [(page.stem, command) for page in PAGES for command in commands(page)]


def test_no_language_of_a_block_is_forgotten():
    languages = {language for page in PAGES for language, _ in BLOCK.findall(page.read_text())}
    assert languages <= {"console", "python", "yaml", "text"}
    assert len(EVERY) > 80


@pytest.mark.parametrize("table", [NOT_RUN, SMALLER], ids=["not run", "smaller"])
def test_every_exception_is_of_a_command_that_is_there(table):
    assert [pattern for pattern in table if not any(re.search(pattern, command) for _, command in EVERY)] == []


def options_of(words):
    """The options of the verb that ``words`` call, by the command line's own table."""
    import typer

    from ranknosh.cli.app import app

    command, words = typer.main.get_command(app), list(words)
    while hasattr(command, "commands"):
        assert words, "a group of verbs, and none of them"
        assert words[0] in command.commands, f"{words[0]} is no verb"
        command = command.commands[words.pop(0)]
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}, words


@pytest.mark.parametrize(("page", "command"), EVERY)
def test_a_command_has_a_verb_and_options_that_are_there(page, command):
    for part in re.findall(r"ranknosh [^)|]*", command) if command.startswith("diff") else [command]:
        words = shlex.split(part)
        if words[0] == "ranknosh":
            known, rest = options_of(words[1:])
            given = {word.split("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
            assert given <= {*known, "--help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_blocks_of_python_are_python(page):
    for block in blocks(page, "python"):
        ast.parse(block)


def run(command, folder):
    """What a command prints, run in the folder; it has to end as planned. ``ranknosh`` itself is called in this process, but
    for the folder of examples, whose modules stand in the folder above under the same names."""
    words = shlex.split(command)
    here = words[0] == "ranknosh" and folder.name != "examples"
    code, printed, said = called(words[1:], folder) if here else started(command, folder)
    assert code == 0, f"{command}\nended with {code}\n{printed}\n{said}"
    return printed


def called(words, folder):
    """Exit code, output and messages of the command line, as a function."""
    from ranknosh.cli import main

    before, printed, said = Path.cwd(), io.StringIO(), io.StringIO()
    os.chdir(folder)
    try:
        with redirect_stdout(printed), redirect_stderr(said), pytest.raises(SystemExit) as ended:
            main(words)
    finally:
        os.chdir(before)
    return ended.value.code or 0, printed.getvalue(), said.getvalue()


def started(command, folder):
    """The same of any other command, by a shell."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    programs = next(above / "programs" for above in folder.parents if (above / "programs").exists())
    environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"
    shell = ["bash", "-c", command]
    ended = subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout, ended.stderr


def make_pictures(folder):
    """Two classes of small pictures, dark and light."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for label, level in (("dark", 60), ("light", 160)):
        (folder / "photos" / label).mkdir(parents=True)
        for number in range(40):
            pixels = rng.integers(level - 40, level + 40, (16, 16, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / label / f"{number}.png")
    shutil.copy(folder / "photos/dark/0.png", folder / "picture.png")
    shutil.copytree(folder / "photos", folder / "PATH")


def make_programs(folder):
    """``ranknosh`` and ``python`` of this checkout, however they are installed."""
    folder.mkdir()
    for name, what in (("ranknosh", f"{sys.executable} -m ranknosh"), ("python", sys.executable)):
        (folder / name).write_text(f'#!/bin/sh\nexec {what} "$@"\n')
        (folder / name).chmod(0o755)


def make_world(folder):
    """A folder with what the pages' commands name."""
    make_programs(folder.parent / "programs")
    folder.mkdir()
    for name in ("configs", "examples"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("configs/demo.yaml", "search.yaml"):
        (folder / name).write_text(SMALL)
    (folder / "own.yaml").write_text(ASKING)
    shutil.copy(folder / "examples/own_module.py", folder)  # own-space.md says: where the file is
    make_pictures(folder)
    run("ranknosh search search.yaml --name demo-001 -q", folder)
    for name in ("search-001", "a", "b", "big"):
        shutil.copytree(folder / "runs/demo-001", folder / "runs" / name)
    return folder


@pytest.fixture
def world(made_once, tmp_path):
    made = made_once("world", lambda folder: make_world(folder / "world"))
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    yield tmp_path / "world"
    for name, module in list(sys.modules.items()):  # the reader's own modules, which other tests have elsewhere
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


FOLLOWED = [page for page in PAGES if commands(page) and page.stem not in NOT_FOLLOWED]


@pytest.mark.slow
@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.stem)
def test_commands_of_a_page_do_what_they_say(page, world):
    """In their order, in one folder; ``cd`` holds until the end of its block."""
    ran = 0
    for block in blocks(page, "console"):
        here = world
        for line in block.splitlines():
            command = re.sub(r"\s+# .*$", "", line.removeprefix("$ ")).strip()
            if not command or first_that_fits(NOT_RUN, command):
                continue
            if command.startswith("cd "):
                here = here / command.removeprefix("cd ")
                continue
            if command.startswith("ranknosh init"):
                (here / "search.yaml").unlink()  # which it would not write over
            out = run(f"{command} {first_that_fits(SMALLER, command) or ''}", here)
            assert out.strip() or command.startswith(("diff", "ranknosh tell", "ranknosh init")), (
                f"{command} says nothing"
            )
            ran += 1
    assert ran or all(first_that_fits(NOT_RUN, command) for command in commands(page))


CLUSTER = "needs a Ray cluster; tests/ranknosh/tune and examples/ray_tune.py do the same on one"
PYTHON_NOT_RUN = {("README", 1): CLUSTER, ("ray_tune", 0): CLUSTER, ("ray_tune", 2): CLUSTER}
"""Blocks of Python that are read by Python and not run, by page and place, and why."""

SMALL_SEARCH = 'budget=8, pyramid={"epochs": [1, 2], "initial": 2, "batch": 1}, seeding={"draw": 4}'
NET = """
import torch
network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(3600, 3))
"""
TENSORS = "import torch\nimages, labels = torch.randn(16, 3, 32, 32), torch.randint(3, (16,))\n"
TASKS = "import torch\nfrom ranknosh.spaces import Signature\nfrom ranknosh.tasks import Metric, Task\n"
ROWS = 'rows = [{"synflow": 1.0, "nwot": 2.0, "ntk": 3.0}, {"synflow": 2.0, "nwot": 1.0, "ntk": None}]\n'
MODULE = "from torch import nn\nfrom ranknosh.spaces import choice, one_of, repeat\n"
EVALUATE = (
    "def evaluate(architecture, from_epoch, to_epoch, checkpoint_dir):\n    return architecture['width'] / to_epoch\n"
)
TRAIN = """
import ranknosh
def train(architecture, from_epoch, to_epoch, folder):
    return {"accuracy": architecture["width"] / 40}
"""
GIVEN = {
    ("README", 3): NET + TENSORS,
    ("from-idea-to-table", 0): 'import sys\nsys.path.insert(0, "examples")\n',
    ("own-space", 0): MODULE,
    ("own-training", 1): EVALUATE,
    ("own-training", 2): TRAIN,
    ("ray_tune", 1): "from pathlib import Path\n",
    ("supernet", 0): TENSORS,
    ("tasks", 0): TASKS,
    ("zerocost", 1): ROWS,
}
"""What the text around a block has given: Python before it."""

INSTEAD = {
    ("README", 0): {'"path/to/images", budget=130': f'"photos", {SMALL_SEARCH}'},
    ("own-training", 1): {"{...}": '{"width": [1, 2, 3], "rate": [0.1, 0.2]}'},
    ("supernet", 0): {"epochs=20": "epochs=2"},
}
"""What stands in a block for the reader's own, or would take minutes, and what is run in its place."""

FIRST = {
    ("from-folder-to-model", 0): "ranknosh search search.yaml --name pets -q",
    ("own-training", 2): "ranknosh search own.yaml --name mine -q",
}
"""Commands that the page has before the block."""

PYTHON = {(page.stem, place): block for page in PAGES for place, block in enumerate(blocks(page, "python"))}


@pytest.mark.parametrize("table", [PYTHON_NOT_RUN, GIVEN, INSTEAD, FIRST], ids=["not run", "given", "instead", "first"])
def test_every_exception_is_of_a_block_that_is_there(table):
    assert [key for key in table if key not in PYTHON] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "key", [key for key in PYTHON if key not in PYTHON_NOT_RUN], ids=lambda key: f"{key[0]}-{key[1]}"
)
def test_a_block_of_python_runs(key, world):
    if key == ("from-folder-to-model", 0):
        pytest.importorskip("onnx")
    block = PYTHON[key]
    for written, other in INSTEAD.get(key, {}).items():
        assert block.count(written) == 1
        block = block.replace(written, other)
    if key in FIRST:
        run(FIRST[key], world)
    (world / "block.py").write_text(GIVEN.get(key, "") + block)
    run("python block.py", world)
