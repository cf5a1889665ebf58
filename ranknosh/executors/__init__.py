"""Where jobs are run: in this process, or looked up in a table."""
