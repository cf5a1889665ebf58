"""The search by a pyramid and a predictor."""
