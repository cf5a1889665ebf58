"""Training to e(2) straight, and to e(1), in another process on to e(2): the same bits."""

import subprocess
import sys
from pathlib import Path

from train_samples import a_job, a_task, assert_same_bits, quadrants, trained, without_times

from ranknosh.train import Task

SECOND_HALF = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
torch.randn(5)  # a process with another history
from test_resume import real_task
from train_samples import a_job, observed
from ranknosh.train import CheckpointStore, train_rung
observed(train_rung(a_job(2, 4, level=2), real_task("channels_last"), CheckpointStore(Path(sys.argv[2]))))
"""


def real_task(layout: str) -> Task:
    """Everything that carries state: momentum, batch norm, averages, ramp, augmentation, a short last batch."""
    return a_task(
        quadrants(train=150, validation=60),
        build=None,
        total_epochs=6,
        batch=32,
        lr=0.1,
        ema=0.95,
        metric="ema_loss",
        augment="crop_flip_cutout",
        warmup_epochs=2.5,
        label_smoothing=0.1,
        grad_clip=5.0,
        channels_last=layout == "channels_last",
    )


def test_resume_in_another_process_gives_the_same_bits(tmp_path):
    task = real_task("channels_last")
    whole, straight = trained(a_job(0, 4), task, tmp_path / "straight")
    first, resumed = trained(a_job(0, 2), task, tmp_path / "resumed")
    here = str(Path(__file__).parent)
    subprocess.run([sys.executable, "-c", SECOND_HALF, here, str(resumed.folder)], check=True)
    assert_same_bits(straight, resumed)
    checkpoint = resumed.load(7)
    assert checkpoint.average_updates == 4 * 5
    assert len(checkpoint.momentum) > 20
    assert without_times(checkpoint.curve) == without_times(whole.curve)
    assert without_times(first.curve) == without_times(whole.curve[:2])


def test_resume_gives_the_same_bits_in_the_other_layout(tmp_path):
    task = real_task("contiguous")
    _, straight = trained(a_job(0, 4), task, tmp_path / "straight")
    _, resumed = trained(a_job(0, 2), task, tmp_path / "resumed")
    trained(a_job(2, 4), task, tmp_path / "resumed")
    assert_same_bits(straight, resumed)


def test_resume_gives_the_same_bits_with_bf16_and_dropout(tmp_path):
    task = a_task(amp="bf16", ema=0.9)
    _, straight = trained(a_job(0, 4), task, tmp_path / "straight")
    _, resumed = trained(a_job(0, 3), task, tmp_path / "resumed")
    trained(a_job(3, 4), task, tmp_path / "resumed")
    assert_same_bits(straight, resumed)
