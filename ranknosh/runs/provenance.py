"""What a result has to carry so that somebody else can make it again: versions, revision, cores, time."""

import os
import platform
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

from ranknosh.version import __version__

PACKAGES = ("ranknosh", "numpy", "scipy", "scikit-learn", "torch", "torchvision", "xgboost", "ray")


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Versions of Python and of packages, by default those that results depend on; one that is missing is left out."""
    found = {"python": platform.python_version()}
    for name in packages:
        # An installed checkout keeps the number it was installed under.
        with suppress(metadata.PackageNotFoundError):
            found[name] = __version__ if name == "ranknosh" else metadata.version(name)
    return found


def working_folder() -> str:
    """Where relative paths are meant from; empty where it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def git_revision() -> str | None:
    """The commit this package is checked out at, with ``+`` where files differ from it; None outside a checkout."""
    command = ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+"]
    folder = Path(__file__).resolve().parent
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def host_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def now() -> str:
    """The time in UTC, to the second, as journals have it."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
