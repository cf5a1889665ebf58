"""Measuring search methods on a table of finished trainings: the table, its accounting, the methods and the runs."""
