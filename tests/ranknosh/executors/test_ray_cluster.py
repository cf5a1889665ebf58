"""A cluster of our own: what is raised while it runs is told as it is, and its folder goes with it."""

import os
import signal
from pathlib import Path

import pytest

pytest.importorskip("ray")


@pytest.mark.slow
def test_an_error_of_the_work_is_not_taken_for_one_of_the_start():
    from ranknosh.executors.ray_cluster import connected

    with pytest.raises(FileNotFoundError, match="nowhere"), connected("local"):
        Path("/nowhere/at/all").read_bytes()
    assert list(Path("/tmp").glob(f"ranknosh-ray-{os.getpid()}-*")) == []


def test_no_signal_cuts_the_clearing_up_short():
    from ranknosh.executors.ray_cluster import _undisturbed

    before = signal.getsignal(signal.SIGTERM)
    with _undisturbed():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.raise_signal(number)
    assert signal.getsignal(signal.SIGTERM) == before


def test_signals_wait_until_the_import_or_the_start_has_ended():
    from ranknosh.executors.ray_cluster import _held

    told = []

    def starting():
        with _held():
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
            told.append("started")

    handlers = {signal.SIGTERM: lambda number, frame: told.append("stop"), signal.SIGINT: signal.default_int_handler}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        with pytest.raises(KeyboardInterrupt):
            starting()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert told == ["started", "stop"]


def test_workers_of_a_cluster_of_our_own_find_what_was_loaded_by_name(monkeypatch, tmp_path):
    from ranknosh import registry
    from ranknosh.executors import ray_cluster

    monkeypatch.setattr(registry, "OWN_MODULES", {"mine": tmp_path, "yours": tmp_path})
    monkeypatch.setenv("PYTHONPATH", "/before")
    paths = ray_cluster._of_own(tmp_path, 0)["runtime_env"]["env_vars"]["PYTHONPATH"].split(":")
    assert paths[1:] == [str(tmp_path), "/before"]
