"""``python -m benchmarks screenshot RUN``: the picture of a report in README, the top of the page of a finished run.

Drawn by Chromium without a window, which has to be installed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pictures import HERE
from ranknosh.errors import ConfigError

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZE = (1100, 820)
"""Width and height in pixels."""


def shoot(page: Path, picture: Path) -> None:
    """Draw the top of a page. Raises ConfigError where there is no browser, or it draws nothing."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise ConfigError(f"none of {', '.join(BROWSERS)} is installed")
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}"]
        asked = [f"--window-size={SIZE[0]},{SIZE[1]}", f"--screenshot={picture.resolve()}", page.resolve().as_uri()]
        ended = subprocess.run([browser, *options, *asked], capture_output=True, text=True, check=False)
    if ended.returncode or not picture.exists():
        raise ConfigError(f"{browser} drew nothing: {ended.stderr.strip()[-300:]}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks screenshot", description=__doc__)
    parser.add_argument("run", type=Path, help="a run folder with report.html")
    parser.add_argument("--out", type=Path, default=HERE / "report.png")
    options = parser.parse_args(arguments)
    shoot(options.run / "report.html", options.out)
    print(options.out)
