"""Retrainings of the best few by one recipe with several seeds each, of which validation picks one: a finished model."""

from ranknosh.workflows.finals.run import FinalsRun as FinalsRun
