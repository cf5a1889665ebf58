"""Numbers as the report writes them. Whatever is unknown is ``n/a``."""

from ranknosh.config.units import UNKNOWN, plural
from ranknosh.core.gate import tau_interval


def percent(fraction: float | None, digits: int = 2) -> str:
    """``0.8125`` as ``81.25 %``."""
    return UNKNOWN if fraction is None else f"{100 * fraction:.{digits}f}\u00a0%"


def number(value: float | None, digits: int = 2) -> str:
    """``0.456`` as ``0.46``."""
    return UNKNOWN if value is None else f"{value:.{digits}f}"


def track_record(tau: float | None, compared: int) -> str:
    """What a predictor's predictions were worth: ``tau 0.29 [0.09, 0.49] over 21 candidates``.

    Args:
        tau: Kendall's, between predictions made before a result was known and the results; None while there are too few.
        compared: candidates that have both.
    """
    if tau is None:
        return f"not judged yet ({plural(compared, 'candidate')} with a prediction and a result)"
    low, high = tau_interval(tau, compared)
    return f"tau {tau:.2f} [{low:.2f}, {high:.2f}] over {compared} candidates"


def origin_name(origin: str) -> str:
    """Where a candidate came from, as people say it; the journal has another name for what proxies chose."""
    return "proxy pick" if origin == "seed" else origin
