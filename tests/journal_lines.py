"""Records as the journal writes and reads them."""

from ranknosh.core.records import RECORDS
from ranknosh.runs.journal import FORMAT, Header, dump, parse

HEADER = Header(FORMAT, "search", "run-1", "2026-03-01T12:00:00+00:00", "ranknosh search", {}, {}, {}, {})


def read_back(record):
    """The record after a line of a journal was written and read."""
    (found,) = parse(dump(HEADER, [record]), lambda header: RECORDS).records
    return found
