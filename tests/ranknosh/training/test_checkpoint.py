import hashlib
import io
import os
import pickle
import re
import uuid
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch

from ranknosh.errors import StoreError
from ranknosh.training.checkpoint import CheckpointStore
from tests.ranknosh.training.checkpoint_samples import assert_equal, sample


@pytest.fixture(params=["path", "file", "memory"])
def store(request, tmp_path):
    place = tmp_path / "checkpoints"
    url = f"memory://{uuid.uuid4().hex}"
    return CheckpointStore({"path": place, "file": place.as_uri(), "memory": url}[request.param])


def files(store, folder="4"):
    return sorted(entry.name for entry in store.storage.list(folder))


def change(store, edit):
    """Put other bytes into the file of the highest epoch."""
    name = store.publications(4)[0].name
    store.storage.write(name, edit(store.storage.read(name)))
    return store.storage.where(name)


def test_what_was_saved_is_loaded_with_its_exact_numbers(store):
    assert store.read(4).checkpoint is None
    assert store.whole(4) is None
    assert store.epoch(4) is None
    assert sum(held.size for held in store.holdings()) == 0
    size = store.save(4, 0, sample())
    found = store.read(4).checkpoint
    assert_equal(found, sample())
    assert found.bytes == size == sum(entry.size for entry in store.storage.list("4"))
    assert found.momentum["conv.weight"].is_contiguous(memory_format=torch.channels_last)
    assert store.epoch(4) == 3


def test_a_new_checkpoint_replaces_the_old_one_and_its_files(store):
    store.save(4, 0, sample(3))
    size = store.save(4, 0, sample(8))
    assert_equal(store.read(4).checkpoint, sample(8))
    assert sum(held.size for held in store.holdings()) == size
    assert [name.rsplit("-", 1)[0] for name in files(store)] == ["state-8"]


def test_replicas_have_their_own_folders_and_removal_takes_one(store):
    store.save(4, 0, sample(1))
    store.save(4, 2, sample(2))
    assert (store.where(4)[-2:], store.where(4, 2)[-5:]) == ("/4", "/4-r2")
    store.remove(4)
    store.remove(4)
    assert store.read(4).checkpoint is None
    assert files(store, "") == ["4-r2"]
    assert store.epoch(4, 2) == 2


def test_a_store_is_the_same_behind_a_pickle(store):
    store.save(4, 0, sample())
    assert_equal(pickle.loads(pickle.dumps(store)).read(4).checkpoint, sample())


def flip(data: bytes, position: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 0x10
    return bytes(changed)


DAMAGES = {
    "cut": lambda data: data[:-70],
    "longer": lambda data: data + b"\0",
    "empty": lambda data: b"",
    "other": lambda data: b"hello world" * 100,
    "flipped": lambda data: flip(data, data.index(np.float32(8.5).tobytes() * 8)),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_is_named_and_an_older_whole_checkpoint_is_taken(store, what):
    store.save(4, 0, sample(8))
    where = change(store, DAMAGES[what])
    found = store.read(4)
    assert (found.checkpoint, [damage.where for damage in found.damages]) == (None, [where])
    assert "is damaged" in found.damages[0].reason
    with pytest.raises(
        StoreError, match=rf"{re.escape(where)} is damaged .*from a copy .* or train the candidate again"
    ):
        store.whole(4)
    store.save(4, 0, sample(3))  # an attempt that is behind
    found = store.read(4)
    assert_equal(found.checkpoint, sample(3))
    assert [damage.where for damage in found.damages] == [where]
    with pytest.raises(StoreError, match="is damaged"):  # an older one is another network
        store.whole(4)


def test_a_state_under_the_name_of_another_epoch_is_damage(store):
    store.save(4, 0, sample(3))
    name = store.publications(4)[0].name
    store.storage.write(name.replace("state-3", "state-9"), store.storage.read(name))
    found = store.read(4)
    assert_equal(found.checkpoint, sample(3))
    assert "it holds epoch 3" in str(found.damages[0])


def test_no_flipped_byte_is_taken_for_the_truth(tmp_path):
    store = CheckpointStore(tmp_path)
    store.save(4, 0, sample(3, size=1))
    for name in files(store):
        path = tmp_path / "4" / name
        whole = path.read_bytes()
        for position in range(len(whole)):
            path.write_bytes(flip(whole, position))
            found = store.read(4)
            assert found.checkpoint is None
            assert len(found.damages) == 1
        path.write_bytes(whole)
    assert_equal(store.read(4).checkpoint, sample(3, size=1))


def test_no_bit_flipped_at_random_is_taken_for_the_truth(tmp_path):
    store, random = CheckpointStore(tmp_path), Random(0)
    store.save(4, 0, sample(3, size=200))
    for name in files(store):
        path = tmp_path / "4" / name
        whole = path.read_bytes()
        for _ in range(40):
            changed, place = bytearray(whole), random.randrange(8 * len(whole))
            changed[place // 8] ^= 1 << place % 8
            path.write_bytes(changed)
            assert store.read(4).checkpoint is None
        path.write_bytes(whole)
    assert_equal(store.read(4).checkpoint, sample(3, size=200))


def test_pickled_code_is_not_run(tmp_path):
    class Harmful:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "harm"),))

    store = CheckpointStore(tmp_path)
    body = io.BytesIO()
    torch.save({"epoch": 1, "curve": Harmful()}, body)
    digest = hashlib.sha256(b"5" + body.getvalue()).hexdigest().encode()
    store.storage.write("4/state-1-0a.pt", b"ranknosh checkpoint 5 " + digest + b"\n" + body.getvalue())
    (damage,) = store.read(4).damages
    assert re.search(r"damaged .*UnpicklingError", damage.reason)
    assert not (tmp_path / "harm").exists()


def test_another_training_is_refused_by_the_fact_that_differs(store):
    store.save(4, 0, sample())
    assert store.read(4, 0, {"train.lr": 0.1, "seed": 5}).checkpoint is not None
    (damage,) = store.read(4, 0, {"seed": 5, "train.lr": 0.2}).damages
    assert damage.reason == "belongs to another training (its train.lr is 0.1, expected is 0.2)"


def test_every_fact_of_the_identity_is_compared(store):
    store.save(4, 0, sample())
    assert_equal(store.whole(4, identity={"seed": 5}), sample())
    with pytest.raises(StoreError, match=r"another training \(its seed is 5, expected is 6\).*back from a copy"):
        store.whole(4, identity={"train.lr": 0.1, "seed": 6})


def test_another_format_is_refused(store):
    store.save(4, 0, sample())
    header = b"ranknosh checkpoint 6 " + hashlib.sha256(b"6whatever").hexdigest().encode()
    change(store, lambda data: header + b"\nwhatever")
    with pytest.raises(StoreError, match="format 6, not 5"):
        store.read(4)


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path):
    (tmp_path / "checkpoints").write_text("a file in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        CheckpointStore(tmp_path / "checkpoints").save(1, 0, sample())


def test_the_folder_is_known_where_there_is_one(tmp_path):
    assert CheckpointStore(tmp_path).folder == CheckpointStore(tmp_path.as_uri()).folder == Path(tmp_path)
    assert CheckpointStore("memory://somewhere").folder is None
