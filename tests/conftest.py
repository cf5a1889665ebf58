"""One thread a process, for every test and for what tests start, and folders that all processes of a test run share."""

import os
import random
import shutil

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from tests.fuzzing import MANY

# Read by OpenMP when torch is loaded, here and in the processes tests start: two cores then serve a whole suite, and a
# forked child does not wait for threads that only its parent has.
os.environ["OMP_NUM_THREADS"] = "1"

# How long a drawn example takes depends on what else the machine does.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("many", settings.get_profile("any machine"), max_examples=MANY)
settings.load_profile("any machine")


def seed_everything():
    """What a test draws without a generator of its own is the same in every run, whichever tests ran before it."""
    import torch

    random.seed(0)
    torch.manual_seed(0)


def pytest_collectstart(collector):
    if isinstance(collector, pytest.Module):
        seed_everything()  # networks and tensors that a module makes while it is imported


@pytest.fixture(autouse=True)
def the_same_draws():
    seed_everything()


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """``made_once(name, make)``: the folder that ``make(folder)`` filled, once for all processes of this test run.

    It is for reading; a test that changes something changes a copy.
    """
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # every process has a folder of its own below it

    def once(name, make):
        folder = root / "made-once" / name
        made = folder.with_suffix(".made")
        folder.parent.mkdir(exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not made.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                made.touch()
        return folder

    return once


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Headless Chromium with one tab, for as long as tests run; who asks for it is skipped where it cannot be had."""
    from tests.browser import Browser, program

    if program() is None:
        pytest.skip("there is no Chromium on this machine")
    pytest.importorskip("websocket", reason="the package websocket-client is not installed")
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(autouse=True)
def no_modules_of_other_tests(monkeypatch):
    """A test finds no module of a user's own where another test looked for its own."""
    from ranknosh import registry

    monkeypatch.setattr(registry, "FOLDERS", [])
    monkeypatch.setattr(registry, "OWN_MODULES", {})
