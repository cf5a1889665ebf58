import dataclasses
import os
import signal
import sys
import time

import numpy as np
import pytest
import torch

from ranknosh.errors import MissingDependency, StoreError
from ranknosh.records import EpochPoint
from ranknosh.train.checkpoint import STATE, Checkpoint, CheckpointStore


def sample(epoch: int = 3, size: int = 50) -> Checkpoint:
    """Every tensor is filled with the epoch, so that a mixture shows."""
    fill = torch.full((size, 4, 3, 3), float(epoch)).to(memory_format=torch.channels_last)
    return Checkpoint(
        epoch=epoch,
        identity={"architecture": ["nasbench201", [0, 1, 2]], "train.lr": 0.1, "seed": 5},
        weights={"conv.weight": fill, "bn.num_batches_tracked": torch.tensor(epoch)},
        momentum={"conv.weight": fill.clone()},
        curve=tuple(EpochPoint(e, 1 / 3, 0.1 + 0.2, 0.7, 0.7, 1e-3) for e in range(1, epoch + 1)),
        micro_batch=16,
        initial_loss=2.3000000000000003,
        average={"conv.weight": fill + 0.5},
        average_updates=12,
        params=1800,
        macs=10**12,
    )


def assert_equal(found: Checkpoint | None, wanted: Checkpoint) -> None:
    assert found is not None
    for field in dataclasses.fields(Checkpoint):
        one, other = getattr(found, field.name), getattr(wanted, field.name)
        if field.name in ("weights", "momentum", "average"):
            assert one.keys() == other.keys()
            assert all(torch.equal(one[name], other[name]) for name in one), field.name
        elif field.name != "bytes":
            assert one == other, field.name


def test_what_was_saved_is_loaded_with_its_exact_numbers(tmp_path):
    store = CheckpointStore(tmp_path / "checkpoints")
    assert store.load(4) is None
    assert store.epoch(4) is None
    assert store.total_bytes() == 0
    size = store.save(4, 0, sample())
    found = store.load(4)
    assert_equal(found, sample())
    assert found.bytes == size == store.total_bytes() == sum(p.stat().st_size for p in store.path(4).iterdir())
    assert found.momentum["conv.weight"].is_contiguous(memory_format=torch.channels_last)
    assert store.epoch(4) == 3


def test_a_new_checkpoint_replaces_the_old_one_and_its_files(tmp_path):
    store = CheckpointStore(tmp_path)
    store.save(4, 0, sample(3))
    (store.path(4) / ".state.pt.1.tmp").write_bytes(b"left by a killed process")
    size = store.save(4, 0, sample(8))
    assert_equal(store.load(4), sample(8))
    assert store.total_bytes() == size
    assert len(list(store.path(4).iterdir())) == 2


def test_replicas_have_their_own_folders_and_removal_takes_one(tmp_path):
    store = CheckpointStore(tmp_path)
    store.save(4, 0, sample(1))
    store.save(4, 2, sample(2))
    assert (store.path(4).name, store.path(4, 2).name) == ("4", "4-r2")
    store.remove(4)
    store.remove(4)
    assert store.load(4) is None
    assert not store.path(4).exists()
    assert store.epoch(4, 2) == 2


def test_weights_are_plain_safetensors(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    store = CheckpointStore(tmp_path)
    store.save(4, 0, sample())
    (path,) = store.path(4).glob("*.safetensors")
    assert torch.equal(safetensors.load_file(path)["conv.weight"], sample().weights["conv.weight"])


def test_without_safetensors_weights_lie_in_the_torch_file(tmp_path, monkeypatch):
    pytest.importorskip("safetensors.torch")
    store = CheckpointStore(tmp_path)
    store.save(2, 0, sample())
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)  # what makes an import of it fail
    store.save(1, 0, sample())
    assert [path.name for path in store.path(1).iterdir()] == [STATE]
    assert_equal(store.load(1), sample())
    with pytest.raises(MissingDependency, match="safetensors"):
        store.load(2)
    monkeypatch.undo()
    assert_equal(store.load(1), sample())


def flip(path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 0x10
    path.write_bytes(bytes(data))


def damages(folder):
    pytest.importorskip("safetensors")
    (weights,) = folder.glob("*.safetensors")
    state = folder / STATE
    return {
        "weights cut": (weights, lambda: weights.write_bytes(weights.read_bytes()[:-7])),
        "weights flipped": (weights, lambda: flip(weights, -5)),
        "weights gone": (weights, weights.unlink),
        "state cut": (state, lambda: state.write_bytes(state.read_bytes()[:-70])),
        "state empty": (state, lambda: state.write_bytes(b"")),
        "state other": (state, lambda: state.write_bytes(b"hello world" * 100)),
        "state flipped": (state, lambda: flip(state, state.read_bytes().index(np.float32(3.5).tobytes() * 8))),
    }


@pytest.mark.parametrize(
    "what",
    ["weights cut", "weights flipped", "weights gone", "state cut", "state empty", "state other", "state flipped"],
)
def test_damage_is_named_with_the_file_and_the_way_out(tmp_path, what):
    store = CheckpointStore(tmp_path)
    store.save(4, 0, sample())
    path, damage = damages(store.path(4))[what]
    damage()
    with pytest.raises(StoreError, match=r"delete the folder .*4 and resume") as caught:
        store.load(4)
    assert str(path) in str(caught.value)


def test_pickled_code_is_not_run(tmp_path):
    class Harmful:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "harm"),))

    store = CheckpointStore(tmp_path)
    store.path(4).mkdir()
    torch.save({"format": 1, "curve": Harmful()}, store.path(4) / STATE)
    with pytest.raises(StoreError, match="damaged"):
        store.load(4)
    assert not (tmp_path / "harm").exists()


def test_another_training_is_refused_by_the_fact_that_differs(tmp_path):
    store = CheckpointStore(tmp_path)
    store.save(4, 0, sample())
    assert store.load(4, 0, {"train.lr": 0.1, "seed": 5}) is not None
    with pytest.raises(StoreError, match=r"another training: its train\.lr is 0\.1, this one's is 0\.2"):
        store.load(4, 0, {"seed": 5, "train.lr": 0.2})


def test_a_later_format_is_refused(tmp_path):
    store = CheckpointStore(tmp_path)
    store.save(4, 0, sample())
    path = store.path(4) / STATE
    state = torch.load(path, weights_only=True)
    torch.save({**state, "format": 2}, path)
    with pytest.raises(StoreError, match="format 2, not 1"):
        store.epoch(4)


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path):
    (tmp_path / "checkpoints").write_text("a file in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        CheckpointStore(tmp_path / "checkpoints").save(1, 0, sample())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process")
def test_kill_at_any_moment_leaves_one_whole_checkpoint(tmp_path):
    store = CheckpointStore(tmp_path)
    rng = np.random.default_rng(0)
    store.save(1, 0, sample(1, size=2000))
    epochs = []
    for _ in range(12):
        begin = store.epoch(1)
        child = os.fork()
        if child == 0:
            try:
                for epoch in range(begin + 1, begin + 10_000):
                    store.save(1, 0, sample(epoch, size=2000))
            finally:
                os._exit(1)
        before = time.monotonic()
        while store.epoch(1) == begin and time.monotonic() - before < 20:
            time.sleep(0.002)
        time.sleep(rng.uniform(0.0, 0.12))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = store.load(1)
        assert_equal(found, sample(found.epoch, size=2000))
        epochs.append(found.epoch)
    assert epochs == sorted(epochs)
    assert epochs[-1] > epochs[0]
