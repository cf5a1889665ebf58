"""``compare``: search methods under one budget of device time, what they find trained by one recipe, and one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ranknosh.cli.configs import settings_of, stem_of
from ranknosh.cli.flags import AsJson, ConfigFile, Quiet, flags_of, named
from ranknosh.cli.working import begun, check_end, report_row
from ranknosh.config.screen import facts, print_result
from ranknosh.config.search import CompareSettings
from ranknosh.config.settings import Overrides

if TYPE_CHECKING:
    from ranknosh.workflows.compare.run import CompareRun

FLAGS = {
    "budget.device_time": "--budget TIME",
    "table": "--table FILE.npz",
    **named("methods", "seeds", "final_epochs", "name", "out"),
}


@flags_of(CompareSettings, FLAGS)
def compare(config: ConfigFile, given: Overrides, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Compare search methods: same space, task and final recipe, equal device seconds, random search always among them.

    A search pays for everything that it needs: train-free scores, predictor, supernet, failures. What it finds is trained from
    scratch, judged on validation and read on test once. Leaves table.md (and .csv, .tex),
    results.json and report.html with a folder a method. Methods are told apart by tests over the seeds.
    Stock networks (resnet18, mobilenet_v3_small, mlp) need no search, and are trained like what others found. Published rivals:
    regularized_evolution, local_search, asha, hyperband, bohb, brp_nas, bananas, npenas, optuna_tpe.

    \b
    Examples:
    ranknosh compare configs/demo.yaml --budget 2m
    ranknosh compare photos/ --budget 10m
    ranknosh compare configs/demo.yaml --methods ranknosh,darts,darts_minus --seeds 3 --budget 2m
    ranknosh compare configs/demo.yaml --methods ranknosh,resnet18,mlp --budget 2m
    ranknosh compare search.yaml --budget 1h --table nasbench201.npz --final-epochs 50 --name fair
    ranknosh resume runs/fair
    ranknosh resume runs/fair --set seeds=5 --set methods=ranknosh,darts
    """
    from ranknosh.workflows.compare.run import CompareRun

    settings = settings_of(CompareSettings, config, given, quiet or as_json)
    sum_up(begun(CompareRun, settings, quiet, stem=f"{stem_of(config)}-compare"), as_json)


def sum_up(run: CompareRun, as_json: bool = False) -> None:
    """The end of a comparison: its table, and where the report is."""
    from ranknosh.workflows.compare.text import terminal

    text = f"{terminal(run.rows, run.settings, run.metric)}\n\n{facts([report_row(run)])}"
    print_result(run.results(), text, as_json)
    check_end(run, "no search found anything that could be trained; the notes above say why")
