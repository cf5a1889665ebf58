"""The model card: what an exported model is, what it was measured to be, and what was checked; for programs and for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ranknosh.config.screen import plain_costs
from ranknosh.config.units import Quantity, costs_texts, metrics_text, plural
from ranknosh.errors import printable
from ranknosh.export.finished import Finished
from ranknosh.export.proof import CLOSE, Proof
from ranknosh.runs.provenance import now, versions

LICENCES = {
    "digits": "CC BY 4.0 (UCI, Optical Recognition of Handwritten Digits)",
    "cluttered_digits": "CC BY 4.0 (made of UCI, Optical Recognition of Handwritten Digits)",
    "digit_masks": "CC BY 4.0 (made of UCI, Optical Recognition of Handwritten Digits)",
    "breast_cancer": "CC BY 4.0 (UCI, Breast Cancer Wisconsin, Diagnostic)",
    "wine": "CC BY 4.0 (UCI, Wine)",
    "fashion_mnist": "MIT",
}
"""Of data sets that state one; whoever takes a model further asks those who made its data."""
TASKS = {
    "classes": "classification",
    "labels": "several labels that may hold",
    "maps": "a class for every place of the input",
    "next_tokens": "a token for every place of a sequence",
    "numbers": "regression",
}


def card_of(finished: Finished, proof: Proof, command: str) -> dict[str, Any]:
    """The card as plain JSON data.

    Args:
        finished: the network.
        proof: that its files are it.
        command: that exports it.
    """
    run, data, task = finished.run, finished.recipe.learned, finished.task
    return {
        "what": finished.what,
        "run": run.header.id,
        "architecture": finished.text,
        "space": finished.space.spec,
        "task": dict(task.settings),
        "answers": finished.answers,
        "classes": list(finished.classes),
        "inputs": {"shape": list(task.signature.inputs), "resize": data.resize, **data.preparation.facts},
        "outputs": {"shape": list(task.signature.outputs)},
        "data": {
            "name": data.name,
            "fingerprint": run.header.data.get("fingerprint"),
            "examples": run.header.data.get("examples"),
            "licence": LICENCES.get(data.name),
        },
        "metrics": {"validation": dict(proof.recorded or proof.metrics), "test": dict(finished.test)},
        "quantities": task.quantities,
        "costs": plain_costs(finished.costs),
        "parameters": proof.parameters,
        "trained": {
            "epochs": finished.epochs,
            "of": finished.planned,
            "to_the_top_level": finished.epochs >= finished.planned,
            "on_validation": finished.recipe.settings.all_data,
        },
        "checked": asdict(proof),
        "made": {"by": versions(), "at": now(), "search": run.header.command, "export": command},
    }


def markdown(card: dict[str, Any], finished: Finished) -> str:
    """The card for people."""
    quantities = Quantity.several(card["quantities"])
    trained, data, proof = card["trained"], card["data"], card["checked"]
    to_top = (
        ""
        if trained["to_the_top_level"]
        else ": it was paused before its schedule ended; `ranknosh retrain` trains it whole"
    )
    on = " The validation examples were trained on too." if trained["on_validation"] else ""
    measured = [
        f"| {part} | {metrics_text(values, quantities)} |" for part, values in card["metrics"].items() if values
    ]
    examples = ", ".join(f"{count:,} {part}" for part, count in (data["examples"] or {}).items())
    costs = costs_texts(finished.costs)
    left = (
        f" ({proof['left_out']:,} more of the search's network are never run and left out)" if proof["left_out"] else ""
    )
    lines = [
        f"# {_title(finished)}",
        "",
        f"Made by RankNOSH {card['made']['by'].get('ranknosh', '')}: {finished.what} of the run {card['run']}.".replace(
            "  ", " "
        ),
        "",
        f"- **Task**: {TASKS[card['answers']]} ({card['task']['name']})",
        f"- **Inputs**: {_inputs(card)}",
        f"- **Outputs**: {_outputs(card)}",
        f"- **Data**: {data['name']} ({examples})",
        f"- **Licence of the data**: {data['licence'] or 'not known; ask whoever gave you the data'}",
        f"- **Size**: {plural(card['parameters'], 'parameter')}{left}; as the run counts {', '.join(costs)}",
        f"- **Training**: {trained['epochs']} of {plural(trained['of'], 'epoch')}{to_top}.{on}",
        "",
        f"## Measured on {data['name']}",
        "",
        "| part | metrics |",
        "|---|---|",
        *measured,
        "",
        "## Checked",
        "",
        f"- {_process(proof)} ran {plural(proof['examples'], proof['part'] + ' example')}: outputs differ by at most "
        f"{proof['difference']:.1e} (allowed {CLOSE:g})",
        *(
            f"- {name} gives the same outputs for batches of 1 and 3 within {far:.1e}"
            for name, far in proof["formats"].items()
        ),
        "",
        "## Architecture",
        "",
        "```",
        card["architecture"],
        "```",
        "",
        "## Made by",
        "",
        "```",
        card["made"]["search"],
        card["made"]["export"],
        "```",
    ]
    return "\n".join(map(printable, lines)) + "\n"


def _process(proof: dict[str, Any]) -> str:
    return "A process without ranknosh" if proof["alone"] else "A process of its own, with your class and ranknosh,"


def _title(finished: Finished) -> str:
    return f"{TASKS[finished.answers].capitalize()} on {finished.recipe.data.name}"


def _inputs(card: dict[str, Any]) -> str:
    inputs = card["inputs"]
    shape = "x".join(map(str, inputs["shape"]))
    if inputs["kind"] == "tokens":
        return f"{shape} tokens below {inputs['vocabulary']}"
    if inputs["kind"] == "numbers":
        return (
            f"{shape} numbers, from which the means of the training inputs are taken and which their deviations divide"
        )
    mean, std = (" ".join(f"{value:.4f}" for value in inputs[name]) for name in ("mean", "std"))
    rule = (
        "an image of another size is scaled until it covers this one (bilinear, antialiased), and its middle is cut out"
    )
    return f"pictures {shape} (channels, height, width), uint8; {rule}; pixels / 255, minus {mean}, divided by {std}"


def _outputs(card: dict[str, Any]) -> str:
    shape, classes = "x".join(map(str, card["outputs"]["shape"])), card["classes"]
    shown = [name if name.strip() else repr(name) for name in classes[:20]]
    names = f": {', '.join(shown)}{' ...' if len(classes) > 20 else ''}" if classes else ""
    return f"{shape} {'values in the unit of the targets' if card['answers'] == 'numbers' else 'logits'}{names}"
