"""Connecting to a Ray cluster, or starting one of our own on this machine and leaving nothing of it behind."""

import contextlib
import importlib.util
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ranknosh.errors import ClusterError, ConfigError, MissingDependency, first_line
from ranknosh.registry import own_modules
from ranknosh.runs.provenance import host_cores
from ranknosh.runs.session import SIGNALS

_PREFIX = "ranknosh-ray-"
_OWN_OBJECTS = 512 * 1024**2
_ANSWER_SECONDS = 5.0
_SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
_WORKERS = {"OMP_WAIT_POLICY": "PASSIVE"}
_ROOT = Path(__file__).resolve().parents[2]


def check_address(address: str) -> None:
    """Raises MissingDependency without ray, and ConfigError where no process listens at a host:port; starts nothing.

    A plain socket is asked first: ray itself waits for minutes where no process listens.
    """
    if importlib.util.find_spec("ray") is None:
        raise MissingDependency("ray[tune]", "executor.name: ray")
    if address in ("local", "auto") or "://" in address:
        return
    host, colon, port = address.rpartition(":")
    try:
        if not colon or not port.isdigit():
            raise OSError("it is not of the form host:port")
        socket.create_connection((host, int(port)), timeout=_ANSWER_SECONDS).close()
    except OSError as error:
        raise ConfigError(
            f"executor.address is {address!r}, and nobody answers there ({error.strerror or error}); give local, auto, or the "
            "host:port that `ray start --head` printed"
        ) from error


@contextlib.contextmanager
def connected(address: str, *, ship_code: bool | str = "auto", object_bytes: int = 0) -> Iterator[None]:
    """Be connected to a cluster while the block runs.

    Args:
        address: see ``executor.address`` of a config.
        ship_code: see ``executor.ship_code``.
        object_bytes: size of what is put into the object store of a cluster of our own.

    Raises:
        MissingDependency: without ray.
        ConfigError: where nothing answers at the address.
        ClusterError: where a cluster of our own does not start.
    """
    for name, value in _SETTINGS.items():  # read by ray when it is imported and by the processes that it starts
        os.environ.setdefault(name, value)
    check_address(address)
    with _held():
        import ray

    if ray.is_initialized():
        raise ClusterError("this process is connected to a Ray cluster already; call ray.shutdown() before the search")
    own = _own_folder() if address == "local" else None
    try:
        if own:
            with _held():
                _join(address, _of_own(own, object_bytes))
        else:  # may wait for long, and Ctrl-C ends the waiting
            _join(address, _shipped(ship_code))
        for name in () if own else own_modules():  # other machines may not have the file
            ray.cloudpickle.register_pickle_by_value(sys.modules[name])
        yield
    finally:
        with _undisturbed():
            ray.shutdown()
            if own is not None:
                _remove(own)


def _own_folder() -> Path:
    """A new folder for a cluster of our own, with those of drivers removed that were killed before they could."""
    for folder in Path("/tmp").glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        try:
            if pid.isdigit():
                os.kill(int(pid), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except PermissionError:
            pass  # of another user, and alive
    # Short, because sockets lie below it and the system limits their paths to 107 characters.
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir="/tmp"))


def _of_own(folder: Path, object_bytes: int) -> dict[str, Any]:
    """How ``ray.init`` starts a cluster on this machine."""
    # Workers on this machine shall find this very package, checkout or installed, and what the user has loaded by name.
    own = dict.fromkeys(map(str, own_modules().values()))
    paths = [str(_ROOT), *own, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "num_cpus": host_cores(),
        "include_dashboard": False,
        "object_store_memory": _OWN_OBJECTS + 2 * object_bytes,
        "_temp_dir": str(folder),
        "runtime_env": {"env_vars": {**_WORKERS, "PYTHONPATH": os.pathsep.join(paths)}},
    }


def _shipped(ship_code: bool | str) -> dict[str, Any]:
    """How ``ray.init`` joins a cluster whose nodes may lack our code."""
    packages = [str(_ROOT / package) for package in ("ranknosh", "zerocost")] if ship_code in (True, "auto") else []
    return {"runtime_env": {"env_vars": _WORKERS, **({"py_modules": packages} if packages else {})}}


def _join(address: str, how: Mapping[str, Any]) -> None:
    """``ray.init`` with its errors told. It takes SIGTERM for itself: the handler of before is put back."""
    import ray

    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **how)
    except (ConnectionError, TimeoutError, OSError, ValueError, RuntimeError) as error:
        if address == "local":
            raise ClusterError(f"a Ray cluster on this machine did not start: {first_line(error)}") from error
        if isinstance(error, RuntimeError):
            raise ClusterError(
                f"the Ray cluster at {address!r} cannot be used from here: {first_line(error)}"
            ) from error
        raise ConfigError(
            f"executor.address is {address!r}, and no Ray cluster answers there ({first_line(error)}); start one with "
            "`ray start --head`, or use --ray without an address for a cluster of its own on this machine"
        ) from error
    if before is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _held() -> Iterator[None]:
    """Let signals wait until the block has ended: what is left of an import or a start of Ray cut short fails aloud."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, lambda number, frame: came.append(number)) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no signal cut the clearing up short: it takes a second or two, and what it left would stay until the next cluster.

    While ``ray.shutdown`` runs, ray itself puts SIGTERM at its default, so that one that comes then still ends the process.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _remove(folder: Path) -> None:
    """Remove the folder; daemons that are ending may still write into it for a moment."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
