"""Rankers of architectures, learned from the uneven evidence of a pyramid. Everything heavy is imported where it is used."""
