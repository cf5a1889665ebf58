"""Search methods under one budget: the same space, images and final recipe, equal device seconds, and one table of results."""
