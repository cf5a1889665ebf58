"""Numbers as the report writes them. Whatever is unknown is ``n/a``."""

from ranknosh.config.units import UNKNOWN


def percent(fraction: float | None, digits: int = 2) -> str:
    """``0.8125`` as ``81.25 %``."""
    return UNKNOWN if fraction is None else f"{100 * fraction:.{digits}f}\u00a0%"


def points(fraction: float | None) -> str:
    """A difference of accuracies, in percentage points with its sign."""
    return UNKNOWN if fraction is None else f"{100 * fraction:+.2f} points"


def number(value: float | None, digits: int = 2) -> str:
    """``0.456`` as ``0.46``."""
    return UNKNOWN if value is None else f"{value:.{digits}f}"


def origin_name(origin: str) -> str:
    """Where a candidate came from, as people say it; the journal has another name for what proxies chose."""
    return "proxy pick" if origin == "seed" else origin
