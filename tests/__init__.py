"""The tests, importable as ``tests.…``; a package, so that no other ``tests`` on the path is found instead."""
