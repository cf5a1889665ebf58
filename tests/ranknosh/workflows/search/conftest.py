"""One small search of real digits, trained once and read by many tests."""

import pytest

import ranknosh
from tests.ranknosh.workflows.search.small_search import small_search


@pytest.fixture(scope="session")
def run(made_once):
    """A finished search, opened; a test that changes its folder changes a copy."""
    return ranknosh.open_run(made_once("search", small_search) / "small")
