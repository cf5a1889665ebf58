"""One thread a process, for every test and for what tests start."""

import os

# Read by OpenMP when torch is loaded, here and in the processes tests start: two cores then serve a whole suite, and a
# forked child does not wait for threads that only its parent has.
os.environ["OMP_NUM_THREADS"] = "1"
