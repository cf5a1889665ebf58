import pytest
import torch

from ranknosh.export.proof import Clean, ExportDiffers, difference


def test_differences_by_hand():
    wanted = torch.tensor([10.0, -20.0])
    assert difference(wanted, wanted) == 0
    assert difference(wanted + torch.tensor([0.0, 0.1]), wanted) == pytest.approx(0.005, rel=1e-4)
    assert difference(torch.tensor([0.1]), torch.tensor([0.2])) == pytest.approx(0.1)
    assert difference(wanted[None], wanted) == float("inf")
    assert difference(wanted.double(), wanted) == float("inf")
    assert difference(torch.tensor([float("nan"), -20.0]), wanted) == float("inf")
    assert difference(torch.tensor([float("nan")]), torch.tensor([float("nan")])) == 0


@pytest.fixture
def model(tmp_path):
    """A folder with a ``model.py`` that does what a test writes."""

    def write(body):
        (tmp_path / "model.py").write_text(body)
        return tmp_path

    return write


DOUBLE = """
import torch
class Model(torch.nn.Module):
    def forward(self, x):
        return 2 * x
def load(folder):
    {}
    return Model()
"""


def test_a_clean_process_runs_a_model_and_cannot_import_ranknosh(model):
    with Clean() as process:
        assert process.open(model(DOUBLE.format("pass"))) == {"parameters": 0}
        assert torch.equal(process.outputs(torch.tensor([1.0, 2.0])), torch.tensor([2.0, 4.0]))
        for name in ("ranknosh", "ranknosh.spaces", "safetensors.torch", "zerocost"):
            with pytest.raises(ExportDiffers, match="may not be imported here"):
                process.open(model(DOUBLE.format(f"import {name}")))
        assert process.open(model(DOUBLE.format("pass"))) == {"parameters": 0}


def test_a_model_that_ends_the_program_is_an_error_and_the_process_goes_on(model):
    with Clean() as process:
        with pytest.raises(ExportDiffers, match="cannot be run on its own: SystemExit: 3"):
            process.open(model(DOUBLE.format("import sys; sys.exit(3)")))
        assert process.open(model(DOUBLE.format("pass"))) == {"parameters": 0}


def test_a_process_that_dies_is_an_error(model):
    with Clean() as process, pytest.raises(ExportDiffers, match="ended by itself"):
        process.open(model(DOUBLE.format("import os; os._exit(3)")))


def test_random_numbers_follow_the_seed(model):
    body = DOUBLE.format("pass").replace("2 * x", "torch.randn_like(x)")
    with Clean() as process:
        process.open(model(body))
        one, two = process.outputs(torch.zeros(3), 5), process.outputs(torch.zeros(3), 5)
        torch.manual_seed(5)
        assert torch.equal(one, two)
        assert torch.equal(one, torch.randn(3))
