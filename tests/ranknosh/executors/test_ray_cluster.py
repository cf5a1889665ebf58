"""A cluster of our own: what is raised while it runs is told as it is, and its folder goes with it."""

import signal
from pathlib import Path

import pytest

pytest.importorskip("ray")


@pytest.mark.slow
def test_an_error_of_the_work_is_not_taken_for_one_of_the_start():
    from ranknosh.executors.ray_cluster import connected

    before = set(Path("/tmp").glob("ranknosh-ray-*"))
    with pytest.raises(FileNotFoundError, match="nowhere"), connected("local"):
        Path("/nowhere/at/all").read_bytes()
    assert set(Path("/tmp").glob("ranknosh-ray-*")) <= before


def test_no_signal_cuts_the_clearing_up_short():
    from ranknosh.executors.ray_cluster import _undisturbed

    before = signal.getsignal(signal.SIGTERM)
    with _undisturbed():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.raise_signal(number)
    assert signal.getsignal(signal.SIGTERM) == before
