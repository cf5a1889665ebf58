"""``bench build``: the table at its end, the same command again, a kill, and what is refused."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest

from ranknosh.runs.journal import FILE
from ranknosh.tasks.data.table import Table
from tests.processes import output_of, start_python, wait_for_lines

CONFIG = """
seed: 3
space: {name: nasbench201, channels: 2, cells: 1}
data: {name: digits, limit: 64, validation_limit: 32, test_limit: 32}
train: {batch: 32, threads: 1, device: cpu}
pyramid: {epochs: [1, 2, 4], ratio: [0.5, 0.5]}
budget: {epochs: 5}
"""
BANK = ("--count", 4, "--epochs", 3, "--seeds", 2, "--seeded", 2)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a config and a bank that was built in it."""
    place = tmp_path_factory.mktemp("bank")
    (place / "small.yaml").write_text(CONFIG)
    child = start_python("-m", "ranknosh", "bench", "build", "small.yaml", *BANK, "--out", "whole.npz", cwd=place)
    out, err = output_of(child)
    assert child.returncode == 0, err
    assert "whole.npz: 4 architectures, 1 to 3 epochs, up to 2 seeds each" in out
    assert "trained  4 architectures, 6 trainings" in out
    assert "ranknosh bench run --table whole.npz" in out
    return place


@pytest.fixture
def there(home, monkeypatch):
    monkeypatch.chdir(home)
    return home


def timeless(table):
    with np.load(table) as arrays:
        return {name: arrays[name].tolist() for name in arrays.files if name != "seconds_per_epoch"}


def test_its_table_is_searched(cli, there):
    words = ("--methods", "random,halving,ranknosh", "--budget", 12, "--repeats", 2, "--jobs", 1)
    ended = cli("bench", "run", "--table", "whole.npz", *words)
    assert ended.code == 0, ended.err
    assert Table.load("whole.npz", levels=(1, 2, 3)).curves
    shown = cli("bench", "show", "whole.npz", "--levels", "1,2,3")
    assert shown.code == 0, shown.err
    assert "4 architectures, 6 trainings" in shown.out
    assert "several of 2 architectures" in shown.out
    assert "channels: 2" in shown.out
    found = json.loads(cli("bench", "show", "whole.npz", "--levels", "1,3", "--json").out)
    assert [level["epochs"] for level in found["levels"]] == [1, 3]
    assert found["digest"] in shown.out


def test_the_same_command_again_has_nothing_to_do_and_makes_the_table_anew(cli, there):
    before, lines = timeless("whole.npz"), Path("whole", FILE).read_bytes()
    Path("whole.npz").unlink()
    ended = cli("bench", "build", "small.yaml", *BANK, "--out", "whole.npz", "--json")
    assert ended.code == 0, ended.err
    assert (json.loads(ended.out)["table"], json.loads(ended.out)["workflow"]) == ("whole.npz", "bank")
    assert Path("whole", FILE).read_bytes() == lines
    assert json.dumps(timeless("whole.npz")) == json.dumps(before)
    again = cli("resume", "whole")
    assert again.code == 0, again.err
    assert "ranknosh bench add whole --out whole.npz" in again.out


def test_another_recipe_or_a_smaller_count_is_refused(cli, there):
    for words, told in (
        (("--count", 3), "pyramid.candidates was 4"),
        (("--epochs", 2), "pyramid.epochs was [3]"),
        (("--set", "train.lr=0.5"), "train.lr was 0.1"),
        (("--seed", 4), "seed was 3"),
    ):
        ended = cli("bench", "build", "small.yaml", *BANK, *words, "--out", "whole.npz")
        assert (ended.code, ended.out) == (2, "")
        assert f"{told} when this run started" in " ".join(ended.err.split())


def test_what_cannot_be_built_is_said_before_anything_is_written(cli, there):
    for words, told in (
        (("nowhere.yaml", "--out", "no.npz"), "nowhere.yaml"),
        (("small.yaml", "--out", "no.npz", "--set", "data.name=nothing"), "nothing"),
        (("small.yaml", "--out", "_no.npz"), "must begin with a letter or a digit"),
        (("small.yaml", "--out", "no.npz", "--seeds", 0), "seeds"),
    ):
        ended = cli("bench", "build", *words)
        assert ended.code == 2
        assert told in ended.err
        assert not Path("no").exists()
    assert sorted(path.name for path in there.iterdir()) == ["small.yaml", "whole", "whole.npz"]


@pytest.mark.slow
def test_killed_and_built_again_it_has_the_same_table(there):
    words = ("-m", "ranknosh", "bench", "build", "small.yaml", *BANK, "--out", "killed")
    for lines in (5, 12):
        child = start_python(*words, cwd=there)
        wait_for_lines(there / "killed" / FILE, lines, child)
        child.send_signal(signal.SIGKILL)
        output_of(child)
    child = start_python(*words, cwd=there)
    _, err = output_of(child)
    assert child.returncode == 0, err
    assert json.dumps(timeless("killed/table.npz")) == json.dumps(timeless("whole.npz"))
