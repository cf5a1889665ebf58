"""Numbers as the report writes them. Whatever is unknown is ``n/a``."""

from ranknosh.config.units import UNKNOWN, human_duration


def percent(fraction: float | None, digits: int = 2) -> str:
    """``0.8125`` as ``81.25 %``."""
    return UNKNOWN if fraction is None else f"{100 * fraction:.{digits}f}\u00a0%"


def points(fraction: float | None) -> str:
    """A difference of accuracies, in percentage points with its sign."""
    return UNKNOWN if fraction is None else f"{100 * fraction:+.2f} points"


def number(value: float | None, digits: int = 2) -> str:
    """``0.456`` as ``0.46``."""
    return UNKNOWN if value is None else f"{value:.{digits}f}"


def integer(value: int | None) -> str:
    """``14210`` as ``14,210``."""
    return UNKNOWN if value is None else f"{value:,}"


def duration(seconds: float | None) -> str:
    """``200`` as ``3 min 20 s``."""
    return UNKNOWN if seconds is None else human_duration(seconds)


def origin_name(origin: str) -> str:
    """Where a candidate came from, as people say it; the journal has another name for what proxies chose."""
    return "proxy pick" if origin == "seed" else origin


def counted(count: int, one: str, many: str | None = None) -> str:
    """``1 candidate``, ``3 candidates``.

    Args:
        count: how many.
        one: the word for one.
        many: the word for any other count; by default ``one`` with an s.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
