"""Run folders: files, journal, provenance."""
