"""One small cluster a module, and the search that every Tune run is compared with."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest

from tests.processes import ROOT


@pytest.fixture(scope="module")
def cluster():
    """A local Ray of two cores; nothing of it is left behind."""
    ray = pytest.importorskip("ray")
    before = {key: os.environ.get(key) for key in ("PYTHONPATH", "RAY_USAGE_STATS_ENABLED")}
    os.environ["PYTHONPATH"] = str(ROOT)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Short, because the paths of Ray's sockets end below it and may have 107 characters.
    folder = tempfile.mkdtemp(prefix="rn", dir="/tmp")
    ray.init(address="local", num_cpus=2, include_dashboard=False, _temp_dir=folder, log_to_driver=False)
    yield folder
    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)
    for key, value in before.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value
