"""Settings of runs: read, checked, written."""
