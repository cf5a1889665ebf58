"""Texts as tokens: pieces worked out by hand, and what is refused."""

import os

import pytest

from ranknosh.config.learning import DataConfig, TaskConfig
from ranknosh.errors import ConfigError, DataError
from ranknosh.tasks.catalog import load_task
from ranknosh.tasks.data.catalog import load_section
from ranknosh.tasks.data.look import look
from ranknosh.tasks.tokens import NextToken

LINES = "".join(f"{number} bottles\n" for number in range(40))


def section(path, **settings):
    return DataConfig(folder=str(path), **{"options": {"length": 4}, **settings})


def test_pieces_are_characters_and_targets_the_ones_that_follow(tmp_path):
    (tmp_path / "train.txt").write_text("\ufeffabcaébca\r\nb", encoding="utf-8", newline="")
    (tmp_path / "val.txt").write_text("cabac")
    (tmp_path / "test.txt").write_text("aaaab")
    data = load_section(section(tmp_path), 0)
    assert data.classes == ("\n", "a", "b", "c", "é")
    assert data.train.inputs.tolist() == [[1, 2, 3, 1], [4, 2, 3, 1]]
    assert data.train.targets.tolist() == [[2, 3, 1, 4], [2, 3, 1, 0]]
    assert (data.validation.inputs.tolist(), data.validation.targets.tolist()) == ([[3, 1, 2, 1]], [[1, 2, 1, 3]])
    assert data.test.targets.tolist() == [[1, 1, 1, 2]]
    assert data.preparation.vocabulary == 5


def test_one_text_is_a_task_of_tokens_and_is_divided(tmp_path):
    (tmp_path / "song.txt").write_text(LINES)
    (tmp_path / "song").mkdir()
    for name, text in (("1.txt", LINES[:100]), ("2.txt", LINES[100:]), ("cover.md", "# A song")):
        (tmp_path / "song" / name).write_text(text)
    task = load_task(section(tmp_path / "song.txt"), TaskConfig(), 0)
    assert isinstance(task, NextToken)
    assert task.signature.outputs == (4, len(set(LINES)))
    parts = (task.data.train, task.data.validation, task.data.test)
    assert sum(map(len, parts)) == (len(LINES) - 1) // 4
    assert load_section(section(tmp_path / "song"), 0).fingerprint == task.data.fingerprint
    assert look(section(tmp_path / "song"), 0, lambda sizes: 8).counts["train"] == len(task.data.train)
    longer = load_section(section(tmp_path / "song.txt", options={}), 0)
    assert longer.input_shape == (64,)


@pytest.mark.parametrize(
    ("files", "settings", "message"),
    [
        ({"a.txt": b"\xff\xfe"}, {}, "a.txt cannot be read: it is not UTF-8 text"),
        ({"a.txt": b"abc"}, {}, "the train text has 3 characters, no piece of 4"),
        ({"train.txt": b"abcde", "notes.txt": b"x"}, {}, r"notes\.txt stands beside the parts"),
        ({"a.txt": b"abcdefgh"}, {}, "it has 1 example, too few"),
        ({"a.txt": b"abcde"}, {"options": {"length": 0}}, r"options\.length is 0"),
        ({"a.txt": b"abcde"}, {"options": {"size": 3}}, "leave out data.options size"),
        ({"cats/a.txt": b"abcde"}, {"options": {}}, "holds no images: .*texts end in .txt and lie in no folder"),
    ],
)
def test_what_is_no_text_is_said(tmp_path, files, settings, message):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    with pytest.raises((DataError, ConfigError), match=message):
        load_section(section(tmp_path, **settings), 0)


def test_a_text_that_is_not_there_is_said(tmp_path):
    with pytest.raises(DataError, match=r"nothing\.txt does not exist"):
        load_section(section(tmp_path / "nothing.txt"), 0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_may_not_be_listed_is_said(tmp_path):
    place = tmp_path / "closed"
    place.mkdir(mode=0)
    try:
        with pytest.raises(DataError, match=r"closed cannot be listed: Permission denied; check its permissions"):
            load_section(section(place, options={}), 0)
    finally:
        place.chmod(0o755)
