import subprocess
import sys

import pytest

from ranknosh.errors import ConfigError
from ranknosh.predictors.catalog import PREDICTORS
from ranknosh.predictors.combined import EnsemblePredictor
from ranknosh.predictors.kernel import KernelPredictor
from ranknosh.predictors.making import make_predictor


@pytest.mark.parametrize("name", PREDICTORS.builtins)
def test_every_name_makes_a_predictor_of_that_name(name: str) -> None:
    if name == "gbdt":
        pytest.importorskip("xgboost")
    assert make_predictor(name).name == name


def test_options_reach_the_predictor() -> None:
    made = make_predictor("kernel", degree=2, noise=0.1)
    assert isinstance(made, KernelPredictor)
    assert (made.degree, made.noise) == (2, 0.1)


@pytest.mark.parametrize(("ensemble", "kind"), [(None, KernelPredictor), (0, KernelPredictor), (3, EnsemblePredictor)])
def test_a_number_of_members_makes_an_ensemble(ensemble: int | None, kind: type) -> None:
    assert type(make_predictor("kernel", ensemble=ensemble)) is kind


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("kernal", {}, "did you mean kernel"),
        ("forest", {}, "auto, linear, gbdt, gin, kernel, staged, ensemble, random"),
        ("linear", {"depth": 3}, "no option depth; it takes l2, scale"),
        ("random", {"depth": 3}, "it takes none"),
        ("ensemble", {"of": ["kernel", "oracle"]}, "predictor.options.of"),
        ("ensemble", {"depth": 3}, "no option depth"),
        ("auto", {"among": []}, "predictor.options.among"),
        ("auto", {"depth": 3}, "no option depth"),
        ("linear", {"ensemble": -1}, "0 or more"),
    ],
)
def test_what_nobody_knows_is_refused_with_what_is_known(name: str, options: dict, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make_predictor(name, **options)


def test_kernel_and_linear_need_neither_torch_nor_xgboost() -> None:
    code = (
        "import sys, ranknosh.predictors.proposer; from ranknosh.predictors.making import make_predictor;"
        "make_predictor('auto'); make_predictor('ensemble'); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "xgboost"} & set(loaded)
    assert "scipy" in loaded
