"""ranknosh/errors.py"""

import pickle
import shlex
from pathlib import Path

import pytest

from ranknosh.errors import MissingDependency, StoreFull, to_type


@pytest.mark.parametrize("error", [StoreFull("the disk is full"), MissingDependency("ray[tune]", "executor.name: ray")])
def test_an_error_comes_back_from_another_process_as_it_was(error):
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.exit_code) == (type(error), str(error), error.exit_code)


def test_a_command_to_type_gives_a_shell_the_words_that_were_meant():
    words = ["resume", Path("runs/a b"), "--set", "data.folder=it's here", "-n", 3]
    assert shlex.split(to_type(*words)) == ["ranknosh", *map(str, words)]
