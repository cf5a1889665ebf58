"""Numbers as the report writes them. Whatever is unknown is ``n/a``."""

from collections.abc import Mapping

from ranknosh.config.units import UNKNOWN, plural
from ranknosh.core.gate import tau_interval
from ranknosh.core.records import PLAIN, Signal

SIGNALS: dict[Signal, str] = {
    "validation": "the validation metric",
    "mean": "the mean of three epochs",
    "ema": "the moving average",
    "train_loss": "the training loss",
    "combined": "validation and training loss together",
}
"""What a level is ranked by."""


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


def signal_text(signal: Signal, level: int, compared: int, taus: Mapping[Signal, float]) -> str:
    """``level 1 by the training loss, tau 0.62 with level 2 over 24 candidates (the validation metric 0.41)``.

    Args:
        signal: what the level was ranked by.
        level: from 1.
        compared: candidates of both levels.
        taus: Kendall's, of each signal with the validation metric of the level above.
    """
    if signal not in taus:
        return f"level {level} by {SIGNALS[signal]}"
    plain = "" if signal == PLAIN else f" ({SIGNALS[PLAIN]} {taus[PLAIN]:.2f})"
    over = plural(compared, "candidate")
    return f"level {level} by {SIGNALS[signal]}, tau {taus[signal]:.2f} with level {level + 1} over {over}{plain}"


def origin_name(origin: str) -> str:
    """Where a candidate came from, as people say it; the journal has another name for what proxies chose."""
    return "proxy pick" if origin == "seed" else origin
