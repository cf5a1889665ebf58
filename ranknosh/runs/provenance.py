"""What a result has to carry so that somebody else can make it again: versions, revision, device."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = ("ranknosh", "numpy", "scipy", "scikit-learn", "torch", "torchvision", "xgboost", "ray")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on; a package that is missing is left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_revision() -> str | None:
    """The commit this package is checked out at, with ``+`` where files differ from it; None outside a checkout."""
    folder = Path(__file__).resolve().parent
    try:
        head, status = (
            subprocess.run(
                ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=True
            ).stdout
            for arguments in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return head.strip() + ("+" if status.strip() else "")


def host_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
