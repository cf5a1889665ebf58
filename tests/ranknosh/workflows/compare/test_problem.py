"""What methods are given, and what is kept from them."""

import pytest
import torch

from ranknosh.errors import ConfigError, DataError
from ranknosh.spaces import catalog
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.workflows.compare.problem import problem_of


def test_a_problem_is_what_the_config_says(config, problem):
    assert (problem.space.name, problem.size.channels, problem.size.cells, problem.size.classes) == (
        "nasbench201",
        4,
        1,
        10,
    )
    assert problem.train.total_epochs == 2
    assert [len(part) for part in (problem.data.train, problem.data.validation, problem.data.test)] == [200, 100, 80]


def test_a_search_sees_neither_test_images_nor_the_table(problem, config, table):
    blind = problem_of(config, table, problem.data).for_search()
    assert blind.table is None
    assert len(blind.data.test) == 0
    assert torch.equal(blind.data.train.images, problem.data.train.images)
    assert torch.equal(blind.data.validation.labels, problem.data.validation.labels)


def test_jobs_on_a_cluster_are_refused(config):
    with pytest.raises(ConfigError, match=r"executor\.name=inline"):
        problem_of(config.replace(["executor.name=ray"]))


def test_a_table_of_another_space_is_refused(config, table, monkeypatch):
    class Other(NasBench201):
        name = "other"

    monkeypatch.setitem(catalog.SPACES, "other", Other)
    table = type(table)(Other(), table.architectures, table.epochs, table.values, table.seconds)
    with pytest.raises(DataError, match="of other"):
        problem_of(config, table)
