"""Decisions of a search: no torch, no files, no clock."""
