"""ranknosh/errors.py"""

import pickle

import pytest

from ranknosh.errors import MissingDependency, StoreFull


@pytest.mark.parametrize("error", [StoreFull("the disk is full"), MissingDependency("ray[tune]", "executor.name: ray")])
def test_an_error_comes_back_from_another_process_as_it_was(error):
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.exit_code) == (type(error), str(error), error.exit_code)
