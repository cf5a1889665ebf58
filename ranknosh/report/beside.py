"""The winner and the stock network beside it, in a sentence."""

from collections.abc import Mapping
from typing import Any

from ranknosh.config.units import Quantity, human_count, human_duration, plural, quantity_of


def beside_text(best: Mapping[str, Any], stock: Mapping[str, Any], quantities: Mapping[str, Quantity]) -> str:
    """``#14 74.40 % (176 K params) / resnet18 81.70 % (11.2 M params, 3 of 8 epochs) under the same recipe, 12 s``.

    Args:
        best: a row of the winner, as ``status --json`` has it.
        stock: the stock network there.
        quantities: the metrics of the task; the first one that both have is shown.
    """
    if stock["failed"] is not None:
        return f"{stock['net']} has no result: {stock['failed']}"
    name = next((each for each in best["metrics"] if each in stock["metrics"]), None)
    shown = quantity_of(name or "metric", quantities)
    texts = []
    for who, row, more in ((f"#{best['id']}", best, ""), (stock["net"], stock, _epochs(stock))):
        params = human_count(row["costs"].get("params"))
        texts.append(f"{who} {shown.text(row['metrics'].get(name))} ({params} params{more})")
    spent = f"{human_duration(stock['candidate_seconds'])} and {human_duration(stock['seconds'])}"
    return f"validation {shown.name}: {' / '.join(texts)} under the same recipe, {spent}"


def _epochs(stock: Mapping[str, Any]) -> str:
    epochs, winners = stock["epochs"], stock["candidate_epochs"]
    return "" if epochs == winners else f", {epochs} of {plural(winners, 'epoch')} in that time"
