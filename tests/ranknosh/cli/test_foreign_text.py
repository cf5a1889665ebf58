"""What names hold that terminals, pages and files would obey reaches none of them, by any door; commands to type still work."""

from __future__ import annotations

import csv
import html
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ranknosh.errors import printable, to_type

HOSTILE = "x\x1b[31m\u202ey\nz\x85\x7f\r\u2028<b>"
SEEN = r"x\x1b[31m\u202ey\nz\x85\x7f\r\u2028<b>"
"""As it is shown."""
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|y\nz")
TINY = {
    "seeding.draw": 3,
    "seeding.proxies": "[]",
    "space.channels": 4,
    "space.cells": 1,
    "pyramid.epochs": "[1, 2]",
    "pyramid.candidates": 3,
    "pyramid.initial": 2,
    "pyramid.batch": 1,
    "train.augment": "none",
    "baseline": "none",
}


def unclean(text: str) -> str:
    """The first place of a text that holds what none may."""
    found = UNSEEN.search(text)
    return repr(text[max(0, found.start() - 80) : found.end() + 20]) if found else ""


def check_clean(*texts: str) -> None:
    assert [place for place in map(unclean, texts) if place] == []


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders of hostile names, one of whose pictures is transparent, which a note says."""
    image = pytest.importorskip("PIL.Image")
    folder = tmp_path_factory.mktemp("data") / f"set{HOSTILE}".replace("/", "")
    for label in ("a", "b"):
        (folder / f"{label}{HOSTILE}").mkdir(parents=True)
        for index in range(10):
            pixels = np.random.default_rng(index).integers(0, 256, (8, 8, 4), dtype=np.uint8)
            image.fromarray(pixels).save(folder / f"{label}{HOSTILE}" / f"{index}{HOSTILE}.png")
    return folder


@pytest.fixture
def run(cli: Any, pictures: Path, tmp_path: Path) -> Path:
    """A search whose data, classes and folder have such names."""
    words = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]
    (tmp_path / "c.yaml").write_text("budget: {epochs: 8}\n")
    out = tmp_path / f"runs{HOSTILE}"
    place = ("--set", f"data.folder={json.dumps(str(pictures))}", "--set", f"out={json.dumps(str(out))}")
    ended = cli("search", tmp_path / "c.yaml", *words, *place, "--name", "one")
    assert ended.code == 0, ended.err
    check_clean(ended.out, ended.err)
    assert SEEN in ended.err  # the note
    return out / "one"


@pytest.mark.slow
def test_names_of_data_classes_and_folders(cli: Any, run: Path, pictures: Path, tmp_path: Path) -> None:
    said = {}
    for words in (
        ("status", run),
        ("status", run, "--decisions"),
        ("status", run, "--why", "0"),
        ("top", run),
        ("report", run),
        ("resume", run),
        ("clean", run),
        ("plan", pictures, "--budget", "1m"),
        ("export", run, "--to", "py,card", "--out", tmp_path / f"model{HOSTILE}"),
        ("predict", run, pictures, "--out", tmp_path / "said.csv"),
        ("predict", run, pictures),
        ("init", "--data", pictures, "--out", tmp_path / "new.yaml"),
    ):
        ended = cli(*words)
        assert ended.code == 0, (words, ended.err)
        said[words[0]] = unclean(ended.out) + unclean(ended.err)
    assert not any(said.values()), said
    model = tmp_path / f"model{HOSTILE}"
    files = [*run.glob("*.html"), *run.glob("*.csv"), *model.glob("card.*"), model / "model.py", tmp_path / "said.csv"]
    texts = {file.name: file.read_bytes().decode() for file in (*files, tmp_path / "new.yaml")}
    # A page keeps breaks of lines, which are blanks there.
    written = {
        name: unclean(text.replace("y\nz", "") if name.endswith(".html") else text) for name, text in texts.items()
    }
    assert not any(written.values()), written
    assert set(texts) >= {"report.html", "trials.csv", "card.md", "card.json", "model.py", "said.csv", "new.yaml"}
    assert html.escape(SEEN.replace(r"\n", "\n")) in texts["report.html"]
    assert SEEN in texts["card.md"]
    assert any(SEEN in row["class 1"] for row in csv.DictReader(texts["said.csv"].splitlines()))
    checked = subprocess.run([sys.executable, "model.py", "--check"], cwd=model, capture_output=True, text=True)
    assert checked.stdout.startswith("outputs of the recorded examples differ by"), checked.stderr
    told = subprocess.run(
        [sys.executable, "model.py", *pictures.glob("a*/0*")], cwd=model, capture_output=True, text=True
    )
    assert SEEN in told.stdout
    check_clean(told.stdout)


@pytest.mark.slow
def test_what_programs_read_has_the_names_themselves(cli: Any, run: Path, pictures: Path) -> None:
    for words in (("status", run), ("top", run), ("predict", run, pictures), ("plan", pictures, "--budget", "1m")):
        ended = cli(*words, "--json")
        assert ended.code == 0, ended.err
        check_clean(ended.out, ended.err)
        found = json.loads(ended.out)
        if words[0] == "predict":
            assert HOSTILE in str(found[0]["input"])


def test_errors_and_the_commands_they_advise(cli: Any, tmp_path: Path) -> None:
    missing, wrong = tmp_path / f"no{HOSTILE}", {}
    for words in (
        ("status", missing),
        ("resume", missing),
        ("search", missing),
        ("search", "--data", missing),
        ("init", "--data", missing),
        ("retrain", f"{HOSTILE}"),
        ("search", "digits", "--set", f"budget.epochs={HOSTILE}", "--set", f"{HOSTILE}=1"),
        ("space", "show", HOSTILE),
        ("score", HOSTILE),
        ("predict", missing, missing),
        ("export", missing),
        ("compare", missing),
        ("supernet", missing),
        ("repair", missing),
        (HOSTILE,),
        ("status", f"--{HOSTILE}"),
        ("status", tmp_path, "--watch", HOSTILE),
    ):
        ended = cli(*words)
        if ended.code not in (2, 3, 4) or "Traceback" in ended.err:
            wrong[words] = f"{ended.code} {ended.err}"
        elif place := unclean(ended.out) + unclean(ended.err):
            wrong[words] = place
    assert wrong == {}


@pytest.mark.parametrize("word", [HOSTILE, "a'b\x1b0", "\udcff\x07", "c\\n\x01", "plain", "two words", "$HOME\n"])
def test_a_command_to_type_names_what_it_names(word: str) -> None:
    command = to_type("status", word)
    check_clean(command)
    typed = subprocess.run(["bash", "-c", f'ranknosh() {{ printf %s "$2"; }}; {command}'], capture_output=True).stdout
    assert typed == word.encode(errors="surrogateescape")
    if printable(word) == word:
        assert command == shlex.join(["ranknosh", "status", word])


def test_text_for_people_has_one_way_out() -> None:
    """Only the screen and the plain view print, and what is copied to users or runs in a process of its own."""
    package = Path(__file__).parents[3] / "ranknosh"
    own = {"config/screen.py", "runs/progress.py", "export/parts/loading.py", "export/clean.py"}
    printing = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if re.search(r"(?<![\w.])print\(|typer\.echo\(|print_exc\(|sys\.std(out|err)\.write", path.read_text())
    }
    assert printing - own == {"cli/app.py", "cli/__init__.py", "executors/calling.py"}
