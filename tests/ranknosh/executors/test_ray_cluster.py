"""A cluster of our own: what is raised while it runs is told as it is, and its folder goes with it."""

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
