"""One level of a user's function in a process of its own.

``python -m ranknosh.executors.calling MODULE:NAME CONFIG METRICS FOLDER...``
"""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from ranknosh.errors import FOREIGN
from ranknosh.executors.evaluate import NO_MEMORY, is_memory
from ranknosh.executors.own import Chosen
from ranknosh.registry import load, look_in


def main(label: str, config: str, metrics: str, *folders: str) -> int:
    """Call the function and write what it returns.

    Args:
        label: ``module:name`` of the function.
        config: the file that a command would get as ``{config}``.
        metrics: the file for the metrics.
        folders: where modules of the user's own are looked for.

    Returns:
        The exit code.
    """
    look_in(*folders)
    given = json.loads(Path(config).read_text())
    chosen = Chosen(given["architecture"], given["text"], tuple(given["code"]), given["id"], given["seed"])
    try:
        report = load(label, "function")(chosen, given["from_epoch"], given["to_epoch"], Path(given["dir"]))
    except FOREIGN as error:
        traceback.print_exc()
        return NO_MEMORY if is_memory(error) else 1
    Path(metrics).write_text(json.dumps(report, default=_plain))
    return 0


def _plain(value: Any) -> Any:
    """Numbers of numpy and torch; what is none is refused where it is read."""
    return value.item() if hasattr(value, "item") else repr(value)


if __name__ == "__main__":
    code = main(*sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # threads that the function left do not keep it
