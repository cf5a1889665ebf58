"""From the words of ``ranknosh retrain`` to what is trained where; everything that can be wrong with them is said here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.config.fields import DATA_NAMES, FROM_PYTHON, did_you_mean
from ranknosh.config.search import SearchSettings
from ranknosh.config.settings import apply_overrides
from ranknosh.config.source import read_source
from ranknosh.errors import ConfigError, DataError
from ranknosh.workflows.retrain.journal import NAME, read_record
from ranknosh.workflows.retrain.presets import DEFAULT_DATA, preset_for
from ranknosh.workflows.retrain.recipe import RetrainConfig, check_unchanged
from ranknosh.workflows.retrain.subject import Subject, parse_subject, read_subject

if TYPE_CHECKING:
    from ranknosh.data import ImageData

DEFAULT_PRESET, STEM, CONFIG_NAME = "cifar", "retrain", "config.yaml"


@dataclass(frozen=True)
class Request:
    """What is trained, how, and the run folder, which may not be there yet."""

    subject: Subject
    config: RetrainConfig
    folder: Path

    def load_data(self) -> ImageData:
        """The images that the config names. Raises DataError."""
        from ranknosh.workflows.search.assembly import load_data

        section = self.config.data
        if section is None or section.name == FROM_PYTHON:
            raise DataError(
                f"the images of {self.folder} were given from Python, so the command line cannot load them; go on from Python "
                "with ranknosh.workflows.retrain.retrain(..., folder=...)"
            )
        # A search's config says what ends it; loading images has no use for that.
        plain = {"budget": {"epochs": 1}, "seed": self.config.split_seed, "data": section.model_dump()}
        return load_data(SearchSettings.from_dict(plain))


def begun_anew(genotype: str | None, preset: str | None, settings: Sequence[str]) -> Request:
    """A new retraining. ``settings``: ``key=value``, later ones win. Raises ConfigError, SpaceError or StoreError."""
    if genotype is None:
        raise ConfigError(
            "nothing to retrain: give a NAS-Bench-201 string, a DARTS Genotype(...), a file or a run folder that holds one, or "
            "--resume RUN"
        )
    from ranknosh.runs.provenance import host_cores

    subject, chosen = read_subject(genotype), preset or DEFAULT_PRESET
    base: dict[str, Any] = preset_for(chosen, subject).to_dict()
    base["train"]["threads"] = host_cores()
    base["data"] = {"name": DEFAULT_DATA[chosen]}
    base.update(_images_of(Path(genotype)) if _is_folder(genotype) else {})
    data, given = apply_overrides(base, settings)
    config: RetrainConfig = RetrainConfig.validated(data, "retrain", given)
    if config.data is not None and config.data.name == FROM_PYTHON:
        raise ConfigError(f"the images of {genotype} were given from Python; name the images to train on with --data")
    out = Path(config.out)
    folder = out / config.name if config.name else next_folder(out)
    if (folder / NAME).exists():
        raise ConfigError(
            f"{folder} already holds a run; go on with `ranknosh retrain --resume {folder}` or choose another --name"
        )
    return Request(subject, config, folder)


def begun(folder: Path, genotype: str | None, preset: str | None, settings: Sequence[str]) -> Request:
    """A retraining that goes on, with the settings of its config.yaml, which may not have changed but for where it runs.

    Raises ConfigError naming what changed, StoreError where the folder holds no retraining.
    """
    header = read_record(folder).header
    subject = parse_subject(header["architecture"])
    if genotype is not None and read_subject(genotype) != subject:
        raise ConfigError(
            f"{folder} retrains {subject.text}, and another cell is given; leave it out, or start a new retraining"
        )
    path = folder / CONFIG_NAME
    stored = read_source(path).data if path.exists() else header["config"]
    words = [*settings, *([] if preset is None else [f"preset={json.dumps(preset)}"])]
    data, given = apply_overrides(stored, words)
    config: RetrainConfig = RetrainConfig.validated(data, str(path), given)
    check_unchanged(header["config"], config.to_dict())
    return Request(subject, config, folder)


def source_setting(text: str) -> str:
    """``--data`` as a setting: a known name, an npz file, or a folder or an archive of one. Raises ConfigError."""
    if text in DATA_NAMES:
        return f"data.name={json.dumps(text)}"
    path = Path(text).expanduser()
    if path.suffix == ".npz":
        return f"data.npz={json.dumps(str(path))}"
    if not path.exists():
        raise ConfigError(
            f"--data is {text}, which is neither there nor a name; images of your own are given as a folder, an archive or an "
            f"npz file, and known names are {', '.join(DATA_NAMES)}{did_you_mean(text, DATA_NAMES)}"
        )
    return f"data.folder={json.dumps(str(path))}"


def next_folder(out: Path) -> Path:
    """``out/retrain-001``, or the first number above every one taken."""
    taken = [path.name.rpartition("-")[2] for path in out.glob(f"{STEM}-*")] if out.is_dir() else []
    return out / f"{STEM}-{max((int(number) for number in taken if number.isdigit()), default=0) + 1:03d}"


def _is_folder(genotype: str) -> bool:
    return "(" not in genotype and "|" not in genotype and Path(genotype).expanduser().is_dir()


def _images_of(folder: Path) -> dict[str, Any]:
    """The images of a run folder, divided as its run divided them; nothing where it does not say."""
    path = folder.expanduser() / CONFIG_NAME
    if not path.exists():
        return {}
    known = read_source(path).data
    if not isinstance(known.get("data"), dict):
        return {}
    return {"data": known["data"], "split_seed": known.get("split_seed", known.get("seed", 0))}
