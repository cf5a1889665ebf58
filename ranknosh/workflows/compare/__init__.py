"""Search methods under one budget: the same space, data and final recipe, equal device seconds, and one table of results."""
