"""Where jobs are run: in this process, on a Ray cluster, in virtual time, or looked up in a table."""
