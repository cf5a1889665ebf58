"""Training to e(2) straight, and to e(1), in another process on to e(2): the same bits."""

from tests.processes import run_python
from tests.ranknosh.training.train_samples import a_job, a_recipe, assert_same_bits, real_recipe, trained, without_times

SECOND_HALF = """
import sys
from pathlib import Path
import torch
torch.randn(5)  # a process with another history
from tests.ranknosh.training.train_samples import a_job, observed, real_recipe
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.rung import train_rung
observed(train_rung(a_job(2, 4, level=2), real_recipe("channels_last"), CheckpointStore(Path(sys.argv[1]))))
"""


def test_resume_in_another_process_gives_the_same_bits(tmp_path):
    recipe = real_recipe("channels_last")
    whole, straight = trained(a_job(0, 4), recipe, tmp_path / "straight")
    first, resumed = trained(a_job(0, 2), recipe, tmp_path / "resumed")
    run_python("-c", SECOND_HALF, resumed.folder, check=True)
    assert_same_bits(straight, resumed)
    checkpoint = resumed.read(7).checkpoint
    assert checkpoint.average_updates == 4 * 5
    assert len(checkpoint.momentum) > 20
    assert without_times(checkpoint.curve) == without_times(whole.curve)
    assert without_times(first.curve) == without_times(whole.curve[:2])


def test_resume_gives_the_same_bits_in_the_other_layout(tmp_path):
    recipe = real_recipe("contiguous")
    _, straight = trained(a_job(0, 4), recipe, tmp_path / "straight")
    _, resumed = trained(a_job(0, 2), recipe, tmp_path / "resumed")
    trained(a_job(2, 4), recipe, tmp_path / "resumed")
    assert_same_bits(straight, resumed)


def test_resume_gives_the_same_bits_with_bf16_and_dropout(tmp_path):
    recipe = a_recipe(amp="bf16", ema=0.9)
    _, straight = trained(a_job(0, 4), recipe, tmp_path / "straight")
    _, resumed = trained(a_job(0, 3), recipe, tmp_path / "resumed")
    trained(a_job(3, 4), recipe, tmp_path / "resumed")
    assert_same_bits(straight, resumed)
