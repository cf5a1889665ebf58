"""``retrain``: a found architecture trained from scratch by a recipe of the field, begun and summed up."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

import typer

from ranknosh.cli import finals
from ranknosh.cli.flags import AsJson, Quiet, flags_of, named
from ranknosh.cli.working import begun, export_row, report_row, say_error
from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.learning import SOURCES
from ranknosh.config.retrain import FinalsSettings, RecipeSettings, RetrainSettings
from ranknosh.config.screen import facts, plain_costs, print_result
from ranknosh.config.search import SearchSettings
from ranknosh.config.settings import Given, Overrides
from ranknosh.config.units import costs_texts, human_duration, metrics_text, plural
from ranknosh.errors import ConfigError

if TYPE_CHECKING:
    from ranknosh.workflows.retrain.run import RetrainRun

AUTO = "auto"
Own = TypeVar("Own", bound=RecipeSettings)
FLAGS = {
    "data": "--data NAME|PATH",
    "data.root": "--data-root",
    **named("train.epochs", "seed", "train.device", "name", "out"),
}


@flags_of(RetrainSettings, FLAGS)
def retrain(
    given: Overrides,
    genotype: Annotated[
        str | None,
        typer.Argument(
            metavar="ARCHITECTURE",
            help="A run folder: its best. Or an architecture's text, such as a DARTS Genotype(...), or a file that holds one.",
            show_default=False,
        ),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            metavar="auto|cifar|imagenet|small|tiny",
            help="The field's recipe (cifar, imagenet), or a smaller one of the same make; auto: what suits device and inputs.",
        ),
    ] = AUTO,
    top: Annotated[
        int, typer.Option("--top", metavar="K", min=1, help="Of a run: its K best, of which validation picks one.")
    ] = 1,
    seeds: Annotated[
        int, typer.Option("--seeds", metavar="S", min=1, help="Trainings of each architecture, a seed each.")
    ] = 1,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget", metavar="TIME", help="Wall time of all trainings together, such as 30m.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a found network, or the best few, from scratch and read the test part once, after the last epoch.

    The best of a run is trained on the data and task of the run, at the size and by the recipe that --preset names for its
    space; without it by cifar on a GPU, by small on a CPU and for inputs that are no pictures, and the reason is printed. Of a
    DARTS genotype these are cifar (20 cells, 36 channels, 600 epochs, all training examples; for a GPU), imagenet (14 cells, 48
    channels, a stem that shrinks, 250 epochs), small (8 cells, 16 channels, 25 epochs) and tiny (a try in a minute); of
    NAS-Bench-201 200 epochs of 15 cells, and smaller ones; of a space without recipes of its own 200, 250, 25 and 8 epochs at
    the size of the run, trained as there. Pictures are augmented as the preset says, other inputs, digits and svhn are not;
    --set train.augment=... decides that. Leaves a run folder with journal, weights and report.

    With --top, --seeds or --budget several trainings are finals: every architecture is trained with the first seed, then with the
    next; the one with the best mean on validation is picked, and of it the best training, which alone reads the test part. The K
    best of a search with several objectives are those of its front. All trainings leave the validation examples out, which pick.

    \b
    Examples:
    ranknosh retrain runs/demo-001 --preset tiny
    ranknosh retrain '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|' --preset small
    ranknosh retrain genotype.txt --data cifar10.zip --set train.batch=128 --set train.drop_path=0.3
    ranknosh retrain "Genotype(normal=[('sep_conv_3x3', 0), ...)" --preset small --set space.channels=24
    ranknosh retrain runs/demo-001 --preset small --top 3 --seeds 3 --budget 1h
    ranknosh resume runs/retrain-001
    """
    from ranknosh.workflows.finals.run import FinalsRun
    from ranknosh.workflows.retrain.run import RetrainRun

    if genotype is None:
        raise ConfigError(
            "nothing to retrain: give a run folder, a text such as a DARTS Genotype(...), or a file that holds one"
        )
    why = ""
    if preset == AUTO:
        preset, why = chosen_preset(genotype, given)
    several = Several(top, seeds, budget)
    alone = several == Several(1, 1, None)
    settings = settings_of(genotype, preset, given) if alone else finals_settings_of(genotype, preset, given, several)
    if why and not (quiet or as_json):
        say_error(f"preset {preset}: {why}")
    if alone:
        sum_up(begun(RetrainRun, settings, quiet or as_json), as_json)
    else:
        finals.sum_up(begun(FinalsRun, settings, quiet or as_json), as_json)


class Several(NamedTuple):
    """How many trainings finals are.

    Args:
        top: the best so many of a run.
        seeds: trainings of each.
        budget: of wall time, as the user wrote it; None for no limit.
    """

    top: int
    seeds: int
    budget: str | None


def chosen_preset(genotype: str, given: Overrides) -> tuple[str, str]:
    """The preset where none is named, and why.

    Args:
        genotype: of the architecture: a text, a file or a run folder.
        given: by the user; they may name device and data.

    Raises:
        RankNoshError: as :func:`settings_of`.
    """
    from ranknosh.training.surroundings import resolve_device
    from ranknosh.workflows.retrain.found import read_found
    from ranknosh.workflows.retrain.presets import suited

    run = read_found(genotype).run
    known = {} if run is None or _names_data(given) else run.header.data
    device = resolve_device(settings_of(genotype, "small", given).train.device)
    return suited(device.type, known.get("kind"), known.get("inputs", ()))


def _names_data(given: Overrides) -> bool:
    """Whether the user gives data of his own."""
    return any(isinstance(each, Given) and each.path[0] == "data" and each.path[1] in SOURCES for each in given)


def settings_of(genotype: str, preset: str, given: Overrides) -> RetrainSettings:
    """The settings of a new retraining; see :func:`_base`, which says what is raised."""
    base, (text,) = _base(genotype, preset, given, 1)
    return _named(RetrainSettings.from_dict({**base, "architecture": text}, "ranknosh retrain", given), genotype)


def finals_settings_of(genotype: str, preset: str, given: Overrides, several: Several) -> FinalsSettings:
    """The settings of new finals.

    Args:
        genotype: a run folder; where one architecture is wanted, also its text or a file.
        preset: the recipe that all are trained by.
        given: by the user.
        several: how many, how often and how long.
    """
    base, texts = _base(genotype, preset, given, several.top)
    base["train"]["all_data"] = False  # validation picks
    flags = [Given(("seeds",), several.seeds, f"--seeds {several.seeds}")]
    if several.budget is not None:
        flags.append(Given(("budget", "time"), several.budget, f"--budget {several.budget}"))
    data = {**base, "architectures": texts}
    return _named(FinalsSettings.from_dict(data, "ranknosh retrain", [*given, *flags]), genotype)


def _named(settings: Own, genotype: str) -> Own:
    """Settings whose data can be loaded by name. Raises ConfigError."""
    if settings.data is not None and settings.data.name == FROM_PYTHON:
        raise ConfigError(f"the data of {genotype} were given from Python; name the data to train on with --data")
    return settings


def _base(genotype: str, preset: str, given: Overrides, count: int) -> tuple[dict[str, Any], list[str]]:
    """Recipe, data and task as plain settings, and the architectures that are trained, as texts.

    Args:
        genotype: of the architecture: a text, a file or a run folder, whose data are taken as well.
        preset: the recipe that it begins with.
        given: by the user; data of their own take the place of the run's.
        count: how many architectures.

    Raises:
        ConfigError: where a setting breaks a rule.
        SpaceError: for a text that is no architecture.
        StoreError: for a folder without one.
    """
    from ranknosh.runs.provenance import host_cores
    from ranknosh.workflows.retrain.found import read_several
    from ranknosh.workflows.retrain.presets import DEFAULT_DATA, PRESETS
    from ranknosh.workflows.retrain.presets import preset as recipe

    found, texts = read_several(genotype, count)
    run = found.run
    base: dict[str, Any] = recipe(preset, found.space, found.spelled).to_dict()
    del base["architecture"]
    base["train"]["threads"] = host_cores()
    base["data"] = {"name": DEFAULT_DATA.get(preset)}
    if run is not None and run.settings.to_dict().get("data"):
        known = run.settings.to_dict()
        base.update(data=known["data"], split_seed=known.get("split_seed", known["seed"]))
        own, told = known.get("task", {}), run.header.data.get("task", {}).get("name")
        base["task"] = {**base["task"], **own} if told == base["task"]["name"] else own or base["task"]
        if isinstance(run.settings, SearchSettings) and preset not in found.space.recipes:
            # No recipe is known for networks of this space: they are trained as they were found, for as long as the preset says.
            length = {name: value for name, value in PRESETS[preset]["train"].items() if name != "augment"}
            base["train"] = {**known["train"], **length, "threads": host_cores()}
    if _names_data(given):
        base["data"] = {}  # how the data of the run were divided and limited is not for others
    elif base["data"] == {"name": None}:
        raise ConfigError(f"--preset {preset} is for data of your own; name them, such as --data path/to/images")
    return base, texts


def sum_up(run: RetrainRun, as_json: bool = False) -> None:
    """The end of a retraining, in words or as JSON."""
    result, weights = run.result, run.folder / "best" / "weights.safetensors"
    assert result is not None
    quantities = run.quantities
    validation = metrics_text(result.metrics, quantities)
    if result.trained_on_validation:
        validation = f"n/a: its {plural(result.examples['validation'], 'example')} were trained on"
    test = f"{metrics_text(result.test, quantities)} (read once, after the last epoch)"
    if not result.test:
        test = "n/a: there are no test examples"
    train = run.settings.train
    as_kept = run.header.facts.get("augment") == "none" and not (train.randaugment or train.mixup)
    how = "while they were learned" if as_kept else "as they were augmented"
    trained = (
        f"{metrics_text(result.train_metrics, quantities)} of {plural(result.examples['train'], 'example')}, {how}"
    )
    size = f"{', '.join(costs_texts(result.costs))}, without an auxiliary head"
    epochs = f"{plural(result.epochs, 'epoch')} of recipe {run.settings.preset}"
    rows = [
        ("trained", result.architecture),
        ("test", test),
        ("validation", validation),
        ("training", trained),
        ("size", size),
        ("took", f"{human_duration(result.device_seconds)} on {result.device}: {epochs}"),
        ("weights", str(weights) if weights.exists() else f"in {run.folder / 'checkpoints'}"),
        report_row(run),
        export_row(run),
    ]
    data = {
        **asdict(result),
        "costs": plain_costs(result.costs),
        "preset": run.settings.preset,
        "folder": str(run.folder),
    }
    print_result(data, facts(rows), as_json)
