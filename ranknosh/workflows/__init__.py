"""What a run can be: search, supernet, retrain, score, compare."""
