"""A process that runs exported models and cannot import ranknosh: what it says of a model is true of the files alone.

Run by path, isolated (``python -I``), it reads a JSON object a line and answers with one.
"""

import importlib.util
import json
import sys
from typing import Any

BLOCKED = (
    "ranknosh",
    "supernet",
    "zerocost",
    "safetensors",
    "torchvision",
    "torchmetrics",
    "scipy",
    "sklearn",
    "pandas",
)


class Blocked:
    """Finds nothing, and lets nobody else find what is blocked."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.split(".")[0] in BLOCKED:
            raise ImportError(f"{name} may not be imported here: an exported model has to do without it")


def opened(folder: str) -> tuple[Any, dict[str, Any]]:
    """The model in a folder, and how many weights it has."""
    spec = importlib.util.spec_from_file_location("exported_model", f"{folder}/model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.load(folder)
    return model, {"parameters": sum(parameter.numel() for parameter in model.parameters())}


def run(model: Any, request: dict[str, Any]) -> None:
    """Write the outputs of the inputs in a file into another one."""
    import torch

    torch.manual_seed(request["seed"])
    with torch.inference_mode():
        torch.save(model(torch.load(request["inputs"], weights_only=True)), request["outputs"])


def main() -> None:
    paths = json.loads(sys.stdin.readline())["paths"]  # to classes of the user's own, which need ranknosh
    if paths:
        sys.path += paths
    else:
        sys.meta_path.insert(0, Blocked())  # type: ignore[arg-type]
    print(json.dumps({}), flush=True)
    model, said = None, dict[str, Any]()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "open" in request:
                model, said = opened(request["open"])
            else:
                run(model, request)
        except (Exception, SystemExit) as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)
        said = {}


if __name__ == "__main__":
    main()
