"""Wrong input of every kind: one message, the documented exit code, never a traceback."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from ranknosh.cli import working
from ranknosh.errors import RankNoshError
from ranknosh.workflows.search.rivals import SHARED
from tests.processes import HANG_SECONDS, run_python

VERBS = [
    "doctor",
    "init",
    "plan",
    "search",
    "resume",
    "status",
    "top",
    "score",
    "supernet",
    "retrain",
    "compare",
    "export",
    "predict",
    "report",
    "clean",
]
GROUPS = {"space": ["show", "sample", "count", "check"], "bench": ["run", "show", "add", "build"]}
IMPORTED = """
import sys
from ranknosh.cli import main
try:
    main({words!r})
except SystemExit:
    pass
print(*sorted(set(sys.modules) & set("torch ray xgboost matplotlib sklearn scipy numpy".split())), file=sys.stderr)
"""


def one_message(ended, code):
    assert ended.code == code, ended
    assert ended.err.startswith("error: ")
    assert "Traceback" not in ended.err
    assert ended.err.count("\n") == 1
    return ended.err


@pytest.mark.parametrize(
    "words", [[verb] for verb in VERBS] + [[group, verb] for group in GROUPS for verb in GROUPS[group]]
)
def test_every_verb_explains_itself_with_an_example(cli, words):
    ended = cli(*words, "--help")
    assert ended.code == 0
    assert f"ranknosh {' '.join(words)}" in ended.out.replace("\n", " ")
    assert "Examples:" in ended.out


@pytest.mark.parametrize(("columns", "width"), [("80", 80), ("140", 140)])
def test_sentences_of_the_help_break_where_the_terminal_ends_and_nowhere_else(cli, monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    for words in ([verb] for verb in VERBS):
        about = cli(*words, "--help").out.partition("Examples:")[0].splitlines()[2:]
        for line, after in itertools.pairwise([line.strip() for line in about]):
            if line and after:  # the next word had no room
                assert len(line) + 1 + len(after.split()[0]) > width - 2, line


@pytest.mark.parametrize("words", [["--help"], ["search", "--help"], ["status", "."]])
def test_reading_verbs_start_without_torch(words):
    ended = subprocess.run(
        [sys.executable, "-c", IMPORTED.format(words=words)], capture_output=True, text=True, check=True
    )
    assert ended.stderr.splitlines()[-1] == "numpy"  # spaces say what settings they take


@pytest.mark.parametrize(
    ("words", "said", "remedy"),
    [
        (
            "nonsense",
            "no such command 'nonsense'",
            "write ranknosh [OPTIONS] COMMAND [ARGS]... (ranknosh --help says more)",
        ),
        ("--verson", "no such option: --verson", "write ranknosh [OPTIONS] COMMAND"),
        ("space shw", "no such command 'shw'", "write ranknosh space [OPTIONS] COMMAND"),
        ("bench rn", "no such command 'rn'", "write ranknosh bench [OPTIONS] COMMAND"),
        (
            "search",
            "issing argument 'CONFIG|DATA'",
            "write ranknosh search [OPTIONS] {CONFIG|DATA} (ranknosh search --help",
        ),
        ("search a.yaml --sett x=1", "no such option: --sett", "write ranknosh search [OPTIONS] {CONFIG|DATA}"),
        ("top . -n 0", "invalid value for '--count'", "write ranknosh top [OPTIONS] {RUN}"),
        ("top . there", "(there)", "write ranknosh top [OPTIONS] {RUN}"),
        ("init digits", "(digits)", "write ranknosh init [OPTIONS], data with --data digits (ranknosh init --help"),
        ("bench run", "--table", "write ranknosh bench run --table TABLE [OPTIONS] ("),
        ("bench add", "issing argument 'SOURCE'", "write ranknosh bench add --out OUT [OPTIONS] {SOURCE} ("),
        ("space count mlp", "(mlp)", "write ranknosh space count [OPTIONS], space with --space mlp ("),
        ("search a.yaml --seed", "--seed", "write ranknosh search [OPTIONS] {CONFIG|DATA}"),
    ],
)
def test_words_that_fit_no_verb_are_one_message_that_says_what_to_write(cli, words, said, remedy):
    text = one_message(cli(*words.split()), 2)
    assert text.startswith("error: ranknosh")
    assert said in text
    assert remedy in text


@pytest.mark.parametrize("words", [[], ["space"], ["bench"]])
def test_a_group_without_a_verb_shows_its_help(cli, words):
    ended = cli(*words)
    assert ended.code in (0, 2)  # by the version of click
    assert "Commands" in ended.out + ended.err


@pytest.mark.parametrize("verb", ["search", "plan"])
@pytest.mark.parametrize(
    ("text", "words", "code", "needle"),
    [
        ("pyramid: {raito: 0.5}", [], 2, "did you mean pyramid.ratio?"),
        ("train: {batch: large}", [], 2, "must be a whole number"),
        ("pyramid: {ratio: 1.5}", [], 2, "between 0 and 1"),
        ("pyramid: {epochs: [4, 2]}", [], 2, "2 comes after 4"),
        ("a: [", [], 2, "not valid YAML"),
        ("data: {name: digits}", ["--set", "pyramid.ratio=1.5"], 2, "--set pyramid.ratio=1.5"),
        ("data: {name: digits}", ["--set", "data.options.clutter=1"], 2, "clutter"),
        ("data: {name: digits}", ["--set", "data.folder=none"], 4, "none"),
        ("data: {name: digits}", ["--set", "data.npz=none.npz"], 4, "none.npz"),
        ("data: {name: digits}", ["--set", "train.device=cuda:77"], 2, "cuda:77"),
        ("data: {name: digits}", ["--set", "predictor={name: linear, options: {depth: 3}}"], 2, "depth"),
        ("data: {name: digits}", ["--set", "budget.epochs=0"], 3, "smallest budget that holds a candidate is 1"),
    ],
)
def test_a_config_that_cannot_be_searched(cli, tmp_path, monkeypatch, verb, text, words, code, needle):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text("budget: {epochs: 4}\n" + text)
    assert needle in one_message(cli(verb, "c.yaml", *words), code)
    assert not (tmp_path / "runs").exists()


def save_images(folder, names, seed=0):
    image = pytest.importorskip("PIL.Image")
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng([seed, number]).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        image.fromarray(pixels).save(path)


def empty_folder(folder):
    folder.mkdir()


def one_class(folder):
    save_images(folder, [f"cat/{i}.png" for i in range(8)])


def corrupt_image(folder):
    save_images(folder, [f"{name}/{i}.png" for name in ("cat", "dog") for i in range(8)])
    (folder / "cat" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\nnot an image")


def not_a_zip(folder):
    folder.write_text("PK\x03\x04 but not really")


@pytest.mark.parametrize(
    ("make", "name", "needle"),
    [
        (empty_folder, "images", "images"),
        (one_class, "images", "class"),
        (corrupt_image, "images", "3.png"),
        (not_a_zip, "images.zip", "images.zip"),
    ],
)
def test_images_that_cannot_be_learned_from_are_4(cli, tmp_path, monkeypatch, make, name, needle):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / name)
    (tmp_path / "c.yaml").write_text(f"budget: {{epochs: 4}}\ndata: {{folder: {name}}}\n")
    assert needle in one_message(cli("search", "c.yaml"), 4)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "words", [["status"], ["top"], ["report"], ["resume"], ["clean"], ["repair"], ["export"], ["predict", "cat.png"]]
)
def test_a_folder_without_a_run_is_4(cli, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert "none does not exist" in one_message(cli(words[0], "none", *words[1:]), 4)
    assert "empty holds no run" in one_message(cli(words[0], "empty", *words[1:]), 4)


def test_an_out_folder_that_cannot_be_made_is_4(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "c.yaml").write_text("budget: {epochs: 4}\ndata: {name: digits}\n")
    assert "--out" in one_message(cli("search", "c.yaml", "--out", "file/runs"), 4)


def raising(error):
    def command():
        raise error

    return working.one_end()(command)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (RankNoshError("what, which, why"), 1, "error: what, which, why\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (ZeroDivisionError("by zero"), 1, "by zero (add --debug to see the traceback)\n"),
    ],
)
def test_what_a_command_raises_becomes_a_message_and_a_code(capsys, monkeypatch, error, code, text):
    typer = pytest.importorskip("typer")
    for debug in (False, True):
        monkeypatch.setattr(working, "debug", debug)
        with pytest.raises(typer.Exit) as left:
            raising(error)()
        shown = capsys.readouterr().err
        assert left.value.exit_code == code
        assert shown.endswith(text)
        assert ("Traceback" in shown) is debug


def test_debug_is_understood_after_the_verb(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "Traceback" in cli("status", "none", "--debug").err
    assert "Traceback" not in cli("status", "none").err


def test_a_reader_that_leaves_early_is_no_error():
    command = f"{sys.executable} -m ranknosh space sample -n 20000 | head -n 1; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=HANG_SECONDS)
    assert (ended.returncode, ended.stderr, ended.stdout.count("\n")) == (0, "", 1)


def test_bench_refuses_what_it_cannot_run(cli, tmp_path):
    assert "none.npz does not exist" in one_message(
        cli("bench", "run", "--table", tmp_path / "none.npz", "--repeats", "1"), 4
    )
    text = one_message(cli("bench", "run", "--table", tmp_path / "none.npz", "--methods", "random,magic"), 2)
    assert "'magic'" in text


def test_ctrl_c_while_modules_are_loaded_shows_no_traceback():
    pressed = """
import sys
from ranknosh.cli import main

class Pressed:
    def find_spec(self, name, path=None, target=None):
        if name == "ranknosh.cli.app":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Pressed())
main(["doctor"])
"""
    ended = run_python("-c", pressed)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_a_working_directory_that_was_removed_is_said(tmp_path):
    gone = """
import os, sys
from ranknosh.cli import main

os.mkdir(sys.argv[1])
os.chdir(sys.argv[1])
os.rmdir(sys.argv[1])
main(["plan", "search.yaml"])
"""
    ended = run_python("-c", gone, str(tmp_path / "gone"))
    assert (ended.returncode, ended.stdout) == (4, "")
    assert ended.stderr == "error: the working directory was removed; change to one that is there, and try again\n"


@pytest.mark.parametrize("words", [["compare"], ["bench", "run"]])
def test_the_help_names_every_published_rival(cli, words):
    said = cli(*words, "--help").out
    assert [name for name in SHARED if name not in said] == []
