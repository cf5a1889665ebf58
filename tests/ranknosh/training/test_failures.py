import os

import pytest
import torch

from ranknosh.spaces.base import Architecture
from ranknosh.training import rung
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.epoch import Diverged, _check_loss
from ranknosh.training.rung import train_rung
from ranknosh.training.surroundings import is_out_of_memory
from tests.journal_lines import read_back
from tests.processes import run_python
from tests.ranknosh.training.train_samples import (
    Normed,
    Plain,
    a_job,
    a_recipe,
    assert_same_bits,
    failed,
    observed,
    plain,
    quadrants,
    tensors_of,
    trained,
)


def test_a_huge_learning_rate_diverges(tmp_path):
    result = train_rung(a_job(0, 5), a_recipe(build=plain, lr=1e4, momentum=0.9), CheckpointStore(tmp_path))
    outcome = failed(result)
    assert outcome.kind == "diverged"
    assert 1 <= outcome.epochs <= 2
    assert "loss" in outcome.message
    assert outcome.seconds > 0
    assert read_back(outcome) == outcome


def test_divergence_rules_by_hand():
    for fine in ([9.0], [9.0, 2.9], [1.0, 9.0, 2.0, 9.0], [3.0, 3.0], [999.0]):
        _check_loss(len(fine), fine, initial=1.0, factor=3.0)
    for bad in ([float("nan")], [float("inf")], [1.0, 3.1, 3.1], [1001.0]):
        with pytest.raises(Diverged, match=f"epoch {len(bad)}"):
            _check_loss(len(bad), bad, initial=1.0, factor=3.0)
    with pytest.raises(Diverged):
        _check_loss(1, [1.0], initial=float("nan"), factor=3.0)


class Poisoned(Plain):
    """Weights turn NaN in epoch 3, at its first step (there are 5 steps an epoch)."""

    def __init__(self, classes: int) -> None:
        super().__init__(classes)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, images):
        if self.training:
            self.calls += 1
        out = super().forward(images)
        return out * float("nan") if int(self.calls) > 10 else out


def poisoned(architecture, signature):
    return Poisoned(*signature.outputs)


def test_epochs_of_a_diverged_training_are_those_really_run(tmp_path):
    store = CheckpointStore(tmp_path)
    outcome = failed(train_rung(a_job(0, 6), a_recipe(build=poisoned), store))
    assert (outcome.kind, outcome.epochs) == ("diverged", 3)
    observed(train_rung(a_job(0, 2, candidate_id=8), a_recipe(build=poisoned), store))
    outcome = failed(train_rung(a_job(2, 6, candidate_id=8, attempt=2), a_recipe(build=poisoned), store))
    assert (outcome.kind, outcome.epochs, outcome.attempt) == ("diverged", 1, 2)
    assert store.epoch(8) == 2  # what was good is kept


def test_a_loss_that_is_not_finite_is_seen_inside_a_long_epoch(tmp_path):
    recipe = a_recipe(quadrants(train=320), build=poisoned, batch=2)
    outcome = failed(train_rung(a_job(0, 1), recipe, CheckpointStore(tmp_path)))
    assert "step 64 of 160" in outcome.message


class Blind(Plain):
    def forward(self, images):
        out = super().forward(images)
        return out if self.training else out * float("inf")


def blind(architecture, signature):
    return Blind(*signature.outputs)


def test_a_validation_loss_that_is_not_finite_is_a_divergence(tmp_path):
    outcome = failed(train_rung(a_job(0, 2), a_recipe(build=blind), CheckpointStore(tmp_path)))
    assert (outcome.kind, outcome.epochs) == ("diverged", 1)
    assert "validation loss" in outcome.message


class Breaking(Poisoned):
    def forward(self, images):
        out = super().forward(images)
        if int(self.calls) > 7:
            raise TypeError("a bug\nwith a second line")
        return out


def breaking(architecture, signature):
    return Breaking(*signature.outputs)


def test_a_crash_is_told_with_its_place(tmp_path):
    outcome = failed(train_rung(a_job(0, 4), a_recipe(build=breaking), CheckpointStore(tmp_path)))
    assert (outcome.kind, outcome.epochs) == ("raised", 2)
    assert outcome.message.startswith("TypeError: a bug (test_failures.py:")
    assert "in forward" in outcome.message
    assert "\n" not in outcome.message
    assert outcome.traceback.startswith("Traceback (most recent call last)")
    assert outcome.traceback.endswith("TypeError: a bug\nwith a second line")
    assert "in _train_epoch" in outcome.traceback
    assert read_back(outcome) == outcome


def deep(architecture, signature, depth=400):
    return deep(architecture, signature, depth - 1) if depth else too_deep(depth)


def too_deep(depth):
    try:
        return 1 // depth
    except ZeroDivisionError as error:
        raise ValueError("x" * 7000) from error


def test_the_end_of_a_long_traceback_is_kept(tmp_path):
    outcome = failed(train_rung(a_job(0, 2), a_recipe(build=deep), CheckpointStore(tmp_path)))
    assert len(outcome.traceback) == 8000
    assert outcome.traceback.endswith("ValueError: " + "x" * 7000)
    assert "in too_deep" in outcome.traceback


def unbuildable(architecture, signature):
    raise ValueError("no weights for this one")


def test_a_network_that_cannot_be_built_costs_no_epoch(tmp_path):
    outcome = failed(train_rung(a_job(0, 2), a_recipe(build=unbuildable), CheckpointStore(tmp_path)))
    assert (outcome.kind, outcome.epochs) == ("raised", 0)
    foreign = a_job(0, 2, architecture=Architecture("nasbench201", (0, 1)))
    outcome = failed(train_rung(foreign, a_recipe(build=None), CheckpointStore(tmp_path)))
    assert (outcome.kind, outcome.epochs) == ("invalid", 0)


class Interrupting(Poisoned):
    def forward(self, images):
        out = Plain.forward(self, images)
        if self.training:
            self.calls += 1
            if int(self.calls) == 13:  # in epoch 3
                raise KeyboardInterrupt
        return out


def interrupting(architecture, signature):
    return Interrupting(*signature.outputs)


def test_ctrl_c_passes_through_and_the_last_epoch_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(rung, "SAVE_EVERY_SECONDS", 0.0)
    store = CheckpointStore(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train_rung(a_job(0, 4), a_recipe(build=interrupting), store)
    assert store.epoch(7) == 2
    assert len(store.read(7).checkpoint.curve) == 2


class Limited(Normed):
    """Memory for so many images at a time, as a rule."""

    limit = 5
    sizes: list[int] = []  # noqa: RUF012

    def forward(self, images):
        if self.training:
            self.sizes.append(len(images))
        if len(images) > self.limit:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().forward(images)


class LimitedPlain(Plain):
    def forward(self, images):
        if len(images) > 5:
            raise MemoryError
        return super().forward(images)


class NoMemory(Plain):
    def forward(self, images):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: 8 bytes")


def limited(architecture, signature):
    return Limited(*signature.outputs)


def limited_plain(architecture, signature):
    return LimitedPlain(*signature.outputs)


def no_memory(architecture, signature):
    return NoMemory(*signature.outputs)


def test_smaller_parts_are_tried_until_they_fit_and_remembered(tmp_path):
    store = CheckpointStore(tmp_path)
    Limited.sizes.clear()
    outcome = observed(train_rung(a_job(0, 1), a_recipe(quadrants(train=64), build=limited), store))
    assert Limited.sizes == [16, 8] + [4] * 16
    assert store.read(7).checkpoint.micro_batch == 4
    assert (outcome.epochs, len(outcome.curve)) == (1, 1)
    Limited.sizes.clear()
    observed(train_rung(a_job(1, 2), a_recipe(quadrants(train=64), build=limited), store))
    assert Limited.sizes == [4] * 16


def test_a_job_that_has_a_worker_alone_begins_with_half(tmp_path):
    recipe = a_recipe(quadrants(train=64), build=limited)
    Limited.sizes.clear()
    _, store = trained(a_job(0, 1, alone=True), recipe, tmp_path / "anew")
    assert Limited.sizes == [8] + [4] * 16
    Limited.sizes.clear()
    observed(train_rung(a_job(1, 2, alone=True), recipe, store))
    assert Limited.sizes == [2] * 32
    tiny = a_recipe(quadrants(train=64), build=plain, batch=1)
    assert trained(a_job(0, 1, alone=True), tiny, tmp_path / "tiny")[1].read(7).checkpoint.micro_batch == 1


def test_smaller_parts_give_the_training_of_the_whole_batch(tmp_path):
    whole, one = trained(a_job(0, 3), a_recipe(build=plain), tmp_path / "whole")
    parts, other = trained(a_job(0, 3), a_recipe(build=limited_plain), tmp_path / "parts")
    left, right = tensors_of(one), tensors_of(other)
    for name in left:
        torch.testing.assert_close(left[name], right[name], rtol=1e-4, atol=1e-6)
    assert parts.curve[-1].train_loss == pytest.approx(whole.curve[-1].train_loss, rel=1e-4)


class LaterLimited(Limited):
    """Room for a whole batch in epochs 1 and 2 (5 steps each), then for four images."""

    def __init__(self, classes: int) -> None:
        super().__init__(classes)
        self.register_buffer("images_seen", torch.zeros((), dtype=torch.int64))

    def forward(self, images):
        if self.training:
            if int(self.images_seen) >= 140 and len(images) > 4:
                raise MemoryError
            self.images_seen += len(images)
        return Normed.forward(self, images)


def later_limited(architecture, signature):
    return LaterLimited(*signature.outputs)


def test_memory_running_out_later_goes_on_from_the_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(rung, "SAVE_EVERY_SECONDS", 0.0)
    seen = []
    store, recipe = CheckpointStore(tmp_path / "one"), a_recipe(build=later_limited)
    result = train_rung(a_job(0, 4), recipe, store, on_epoch=lambda job, point: seen.append(point.epoch))
    assert observed(result).epochs == 4
    assert seen == [1, 2, 3, 4]
    assert store.read(7).checkpoint.micro_batch == 4
    _, again = trained(a_job(0, 4), recipe, tmp_path / "two")
    assert_same_bits(store, again)


def test_no_room_for_one_image_is_a_failure(tmp_path):
    outcome = failed(train_rung(a_job(0, 2), a_recipe(build=no_memory), CheckpointStore(tmp_path)))
    assert (outcome.kind, outcome.epochs) == ("out_of_memory", 0)
    assert "one example at a time" in outcome.message
    assert "can't allocate memory" in outcome.message


def test_out_of_memory_is_told_from_other_errors():
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.cuda.OutOfMemoryError("x"))
    assert is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("out of memory"))
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert is_out_of_memory(caught.value)


TIGHT = """
import resource, sys
from pathlib import Path
import torch
from torch import nn
from tests.ranknosh.training.train_samples import a_job, a_recipe, observed, quadrants
from ranknosh.tasks.data import Split
from ranknosh.tasks.data.base import assemble
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.rung import train_rung

class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 32, 1)
        self.classifier = nn.Linear(32, 4)
    def forward(self, images):
        return self.classifier(torch.tanh(self.conv(images)).mean((2, 3)))

labels = torch.arange(128) % 4
images = torch.randint(0, 256, (128, 1, 64, 64), dtype=torch.uint8)
data = assemble("big", [Split(images, labels)] * 3, list("abcd"))
recipe = a_recipe(data, build=lambda architecture, signature: Wide(), batch=128, lr=1e-3)
store = CheckpointStore(Path(sys.argv[1]))
observed(train_rung(a_job(0, 1, candidate_id=1), a_recipe(), store))  # what every process loads once
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + 110 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
observed(train_rung(a_job(0, 1), recipe, store))
print(store.read(7).checkpoint.micro_batch)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads the size of a process from /proc")
def test_a_process_with_little_memory_trains_in_smaller_parts(tmp_path):
    # One layer's output for 128 images is 67 MB; a step holds at least two such.
    done = run_python("-c", TIGHT, tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) in (8, 16, 32, 64)
