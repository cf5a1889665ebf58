"""Set-up for every test: where to import from, and one thread a process."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # the packages first: tests/zerocost is a folder, not the package

# Read by OpenMP when torch is loaded, here and in the processes tests start: two cores then serve a whole suite, and a
# forked child does not wait for threads that only its parent has.
os.environ["OMP_NUM_THREADS"] = "1"
