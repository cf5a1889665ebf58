"""ranknosh/errors.py"""

import pickle
import shlex
from pathlib import Path

import pytest

from ranknosh.errors import MissingDependency, StoreFull, printable, to_type


@pytest.mark.parametrize("error", [StoreFull("the disk is full"), MissingDependency("ray[tune]", "executor.name: ray")])
def test_an_error_comes_back_from_another_process_as_it_was(error):
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.exit_code) == (type(error), str(error), error.exit_code)


def test_a_command_to_type_gives_a_shell_the_words_that_were_meant():
    words = ["resume", Path("runs/a b"), "--set", "data.folder=it's here", "-n", 3]
    assert shlex.split(to_type(*words)) == ["ranknosh", *map(str, words)]


def test_what_would_be_obeyed_and_not_seen_is_written_out_and_all_else_stays():
    assert printable("a\x00\t\n\x1b\x7f\x9b\u061c\u200e\u2028\u202e\u2066\ud800\udcff", "\n") == (
        r"a\x00\t" + "\n" + r"\x1b\x7f\x9b\u061c\u200e\u2028\u202e\u2066\ud800\udcff"
    )
    assert printable(plain := "caf\u00e9 \u6587 \u202f \u200d \U0001f600 \\x1b") == plain
