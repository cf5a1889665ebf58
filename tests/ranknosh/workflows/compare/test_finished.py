"""The best network of a comparison, taken home."""

import pytest

from ranknosh.errors import ConfigError, DataError
from ranknosh.runs.run import begin
from ranknosh.workflows.compare import run as compare
from ranknosh.workflows.compare.run import CompareRun
from ranknosh.workflows.retrain import RetrainRun


@pytest.fixture(scope="module")
def compared(tmp_path_factory, wanted):
    """Two methods that find different cells at once, and their final trainings."""
    from tests.ranknosh.workflows.compare.compare_samples import Answering

    methods = {"mine": Answering("mine", {5: 0, 6: 1}), "random": Answering("random", {5: 2, 6: 3})}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "make_methods", lambda names, space: methods)
        patch.setattr(compare, "check_supernets", lambda *_: None)
        patch.setattr(compare, "check_budget", lambda *_: None)
        folder = tmp_path_factory.mktemp("compared")
        return begin(CompareRun, wanted("mine", out=str(folder), name="run"), command="test")


def test_the_best_training_of_the_best_method_is_taken(compared):
    trained = [each for row in compared.rows[:1] for each in row.runs]
    best = max(trained, key=lambda each: each.final.validation)
    found = compared.finished()
    assert found.text == best.text
    assert found.metrics["accuracy"] == best.final.validation


def test_its_data_are_read_where_they_lie_now(compared, tmp_path):
    with pytest.raises(DataError, match="moved does not exist"):
        compared.moved([f"data.folder={tmp_path / 'moved'}"]).finished()


def test_a_method_is_chosen_by_its_name(compared):
    for row in compared.rows:
        found = compared.finished(row.method)
        assert found.text in [each.text for each in row.runs]
    with pytest.raises(ConfigError, match=r"--candidate other has no trained network in .*; its methods are"):
        compared.finished("other")


def test_a_final_training_alone_knows_the_data_of_its_comparison(compared):
    inner = RetrainRun.read(compared.finished().run.folder)
    assert inner.settings.data is None
    assert inner.finished().task.data.fingerprint == compared.header.data["fingerprint"]
