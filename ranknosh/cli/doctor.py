"""``doctor``: what this machine offers a search, and the command that mends what is missing."""

import os
import platform
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from ranknosh.cli.flags import AsJson
from ranknosh.cli.working import USAGE
from ranknosh.config.screen import print_result
from ranknosh.config.units import UNKNOWN, human_size
from ranknosh.runs.provenance import host_cores, versions

REQUIRED = ("torch", "numpy", "scipy", "scikit-learn", "filelock", "pydantic", "typer", "rich", "ruamel.yaml")
OPTIONAL = {
    "torchvision": "cifar10, cifar100, fashion_mnist and svhn by name",
    "pillow": "image folders and zips",
    "xgboost": "predictor.name: gbdt",
    "matplotlib": "report.html",
    "jinja2": "report.html",
    "safetensors": "weights of the best that other tools can read",
    "ray": "running on a cluster",
}


def doctor(
    out: Annotated[Path, typer.Option("--out", help="Where runs would be written.")] = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Check what this machine offers: packages, devices, cores, disk. Exit code 2 where something required is missing.

    \b
    Examples:
    ranknosh doctor
    ranknosh doctor --out /data/runs --json
    """
    found = _examine(out)
    print_result(found, "\n".join(_lines(found)), as_json)
    if not found["ok"]:
        raise typer.Exit(USAGE)


def _examine(out: Path) -> dict[str, Any]:
    """Everything ``doctor`` knows, as plain data; versions are None where a package is missing."""
    known = versions(("ranknosh", *REQUIRED, *OPTIONAL))
    required = {name: known.get(name) for name in REQUIRED}
    devices, torch_problem = _devices() if required["torch"] else ([], None)
    folder, disk_problem = _writable(out)
    problems = [f"{name} is missing; run: pip install {name}" for name, found in required.items() if found is None]
    problems += [problem for problem in (torch_problem, disk_problem) if problem]
    return {
        "ok": not problems,
        "problems": problems,
        "python": known["python"],
        "ranknosh": known.get("ranknosh"),
        "cores": host_cores(),
        "devices": devices,
        "out": str(out),
        "free_bytes": shutil.disk_usage(folder).free if folder else None,
        "required": required,
        "optional": {name: known.get(name) for name in OPTIONAL},
    }


def _devices() -> tuple[list[dict[str, Any]], str | None]:
    try:
        import torch
    except Exception as error:  # a broken binary raises OSError or RuntimeError as well as ImportError
        text = " ".join(str(error).split())
        return [], f"torch is installed but does not import ({text}); reinstall it: pip install --force-reinstall torch"
    found: list[dict[str, Any]] = [{"device": "cpu", "name": platform.processor() or platform.machine(), "bytes": None}]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        facts = torch.cuda.get_device_properties(index)
        found.append({"device": f"cuda:{index}", "name": facts.name, "bytes": facts.total_memory})
    if torch.backends.mps.is_available():
        found.append({"device": "mps", "name": "Apple GPU", "bytes": None})
    return found, None


def _writable(out: Path) -> tuple[Path | None, str | None]:
    """The nearest folder that exists, and what keeps runs from being written there."""
    folder = next((path for path in (out.absolute(), *out.absolute().parents) if path.exists()), None)
    if folder is None or not folder.is_dir():
        return None, f"{out} is not a folder; give another with --out"
    if not os.access(folder, os.W_OK | os.X_OK):
        return folder, f"{folder} cannot be written; give a folder you may write with --out"
    return folder, None


def _lines(found: dict[str, Any]) -> list[str]:
    free = UNKNOWN if found["free_bytes"] is None else human_size(found["free_bytes"])
    lines = [
        f"python {found['python']}   ranknosh {found['ranknosh'] or '(not installed, plain checkout)'}",
        f"{found['cores']} CPU cores   {free} free for {found['out']}",
    ]
    for device in found["devices"]:
        memory = f"   {human_size(device['bytes'])}" if device["bytes"] else ""
        lines.append(f"device {device['device']}   {device['name']}{memory}")
    for name, number in (found["required"] | found["optional"]).items():
        if number:
            lines.append(f"[ok]      {name} {number}")
        elif name in OPTIONAL:
            lines.append(f"[absent]  {name}, needed for {OPTIONAL[name]}; to have it: pip install {name}")
    lines += [f"[problem] {problem}" for problem in found["problems"]]
    lines.append("ready to search" if found["ok"] else "not ready: see the problems above")
    return lines
