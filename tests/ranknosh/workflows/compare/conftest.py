"""Searches of real digits that train in fractions of a second, and methods that answer at once."""

import numpy as np
import pytest

from ranknosh.config.search import CompareSettings, SearchSettings
from ranknosh.core.seeding import draw
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.tasks.data.table import Table
from ranknosh.workflows.search.assembly import build_parts
from tests.ranknosh.workflows.compare.compare_samples import SETTINGS, Answering, Heard, without_inner_pages


@pytest.fixture(scope="module", autouse=True)
def _without_report():
    with pytest.MonkeyPatch.context() as patch:
        without_inner_pages(patch)
        yield


@pytest.fixture(scope="session")
def config():
    return SearchSettings.from_dict(SETTINGS)


@pytest.fixture(scope="session")
def parts(config):
    return build_parts(config)


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def answering():
    return Answering


@pytest.fixture(scope="session")
def wanted():
    """Settings of a comparison of two seeds; random search is added where it is not named."""

    def make(*methods, **changes):
        own = {"methods": list(methods), "seeds": 2, "final_epochs": 1, "budget": {"device_time": "60s"}}
        return CompareSettings.from_dict({**SETTINGS, **own, **changes})

    return make


@pytest.fixture(scope="session")
def table():
    """Accuracies 50.0, 50.1, ... % of the first draws of the space, under two seeds that differ by 1 %."""
    space = NasBench201()
    drawn = draw(space, 8, 0)
    values = 50 + 0.1 * np.arange(len(drawn))
    return Table.from_arrays(
        {
            "arch": np.array([space.format(one) for one in drawn]),
            "epoch12_val": values.astype(np.float32),
            "epoch200_seeds": np.stack([values, values + 1], axis=1),
            "train_seconds_200": np.ones(len(drawn)),
        }
    )
