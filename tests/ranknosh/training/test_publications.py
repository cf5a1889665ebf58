"""Several processes at one candidate: whatever happens, a reader finds one attempt's whole checkpoint."""

import os
import signal
import subprocess
import time
import uuid

import numpy as np
import pytest

from ranknosh.errors import StoreError, StoreFull
from ranknosh.runs import files
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.publications import Publication, Publications, Torn
from ranknosh.training.storage import FolderStorage
from tests.processes import start_python, wait_until
from tests.ranknosh.training.checkpoint_samples import assert_equal, sample

WRITER = """
import sys
from tests.ranknosh.training.checkpoint_samples import sample
from ranknosh.training.checkpoint import CheckpointStore
store, mark, each = CheckpointStore(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for epoch in range(2, 10_000):
    for _ in range(each):
        store.save(1, 0, sample(epoch, size=60, mark=mark))
"""


def start_writer(location, mark, each=1):
    return start_python("-c", WRITER, location, mark, each, stdin=subprocess.PIPE)


def go(writers):
    for writer in writers:
        assert writer.stdout.readline() == "ready\n", writer.stderr.read()
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()


def stop(writers):
    for writer in writers:
        alive = writer.poll() is None
        writer.kill()
        _, err = writer.communicate()
        assert alive, err  # it was still writing: no race made it fail


def names(store, folder="1"):
    return sorted(entry.name for entry in store.storage.list(folder))


def parts(store, folder="1"):
    return sorted(name.rsplit("-", 1)[0] for name in names(store, folder))


@pytest.mark.slow
@pytest.mark.parametrize("each", [(1, 1), (1, 4)])
def test_two_attempts_publish_while_a_third_reads(tmp_path, each):
    store = CheckpointStore(tmp_path)
    store.save(1, 0, sample(1, size=60))
    writers = [start_writer(tmp_path, mark, number) for mark, number in zip((0.125, 0.25), each, strict=True)]
    try:
        go(writers)
        marks, epochs = set(), [1]
        reads = 0
        while reads < 300 or epochs[-1] < 50:
            assert all(writer.poll() is None for writer in writers)
            found = store.read(1)
            assert found.damages == ()
            mark = float(found.checkpoint.weights["conv.weight"].flatten()[0]) - found.checkpoint.epoch
            assert_equal(found.checkpoint, sample(found.checkpoint.epoch, size=60, mark=mark))
            marks.add(mark)
            epochs.append(found.checkpoint.epoch)
            reads += 1
    finally:
        stop(writers)
    assert epochs == sorted(epochs)  # never back
    assert {0.125, 0.25} & marks
    # Whatever the killed writers left goes with the next publication.
    store.save(1, 0, sample(20_000, size=60))
    assert parts(store) == ["state-20000"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process")
def test_kill_at_any_moment_leaves_one_whole_checkpoint(tmp_path):
    store = CheckpointStore(tmp_path)
    rng = np.random.default_rng(0)
    epochs = [1]
    store.save(1, 0, sample(1, size=2000))
    for _ in range(12):
        begin = store.epoch(1)
        child = fork_writer(store, begin)
        wait_until(lambda begin=begin: store.epoch(1) != begin, "the child published an epoch")
        time.sleep(rng.uniform(0.0, 0.12))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = store.read(1).checkpoint
        assert_equal(found, sample(found.epoch, size=2000))
        epochs.append(found.epoch)
    assert epochs == sorted(epochs)
    assert epochs[-1] > epochs[0]
    store.save(1, 0, sample(epochs[-1] + 10, size=2000))
    assert len(names(store)) == 1


def fork_writer(store, begin):
    child = os.fork()
    if child == 0:
        try:
            for epoch in range(begin + 1, begin + 10_000):
                store.save(1, 0, sample(epoch, size=2000))
        finally:
            os._exit(1)
    return child


test_kill_at_any_moment_leaves_one_whole_checkpoint = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")(
    pytest.mark.filterwarnings("ignore:This process")(test_kill_at_any_moment_leaves_one_whole_checkpoint)
)


@pytest.fixture(params=["path", "memory"])
def store(request, tmp_path):
    return Publications({"path": tmp_path, "memory": f"memory://{uuid.uuid4().hex}"}[request.param])


def publish(store, epoch, data=b"state"):
    before = set(store.publications(1))
    store.publish(1, 0, epoch, data)
    (new,) = set(store.publications(1)) - before
    return new


def read(store):
    return store.newest(1, 0, lambda publication, data: (publication, data))


def test_a_writer_deletes_lower_epochs_only(store):
    early = publish(store, 5)
    equal = [publish(store, 9), publish(store, 9)]
    later = publish(store, 12)
    assert store.publications(1) == [later]
    behind = publish(store, 7)
    equal = [publish(store, 9), publish(store, 9)]  # one lower went, nothing equal or later
    assert store.publications(1) == [later, *sorted(equal, reverse=True)]
    assert {early.name, behind.name}.isdisjoint(f"1/{name}" for name in names(store))
    assert read(store)[0][0] == later


def test_ties_go_to_the_last_word_whoever_published_last(store):
    for _ in range(4):
        both = {publish(store, 3) for _ in range(4)} | set(store.publications(1))
        assert read(store)[0][0] == max(both, key=lambda place: place.name)


def test_leavings_of_lower_epochs_go_with_the_next_publication(store):
    for name in (
        ".state-3-aa.pt.host-1-ff.tmp",
        ".state-9-bb.pt.host-1-ff.tmp",
        "damaged-state-3-aa.pt",
        "note.txt",
    ):
        store.storage.write(f"1/{name}", b"left")
    publish(store, 9)
    own = store.publications(1)[0]
    assert {f"1/{name}" for name in names(store)} == {
        own.name,
        "1/.state-9-bb.pt.host-1-ff.tmp",
        "1/damaged-state-3-aa.pt",
        "1/note.txt",
    }


def test_epochs_are_numbers_not_words(store):
    publish(store, 9)
    assert publish(store, 10) == store.publications(1)[0]
    publish(store, 9)
    assert [place.epoch for place in store.publications(1)] == [10, 9]


def test_what_is_half_written_is_not_trusted(store):
    store.storage.write("1/.state-5-aa.pt.host-1-ff.tmp", b"nearly")
    assert store.publications(1) == []
    assert read(store) == (None, ())


def test_a_file_that_vanishes_makes_the_reader_list_again(store, monkeypatch):
    first, seen, whole = publish(store, 5), [], store.storage.read

    def while_another_attempt_goes_on(name):
        seen.append(name)
        if name == first.name:
            publish(store, 6)
            assert not [name for name in names(store) if "-5-" in name]
        return whole(name)

    monkeypatch.setattr(store.storage, "read", while_another_attempt_goes_on)
    assert read(store) == ((store.publications(1)[0], b"state"), ())
    assert [name.split("-")[1] for name in seen] == ["5", "6"]


def test_a_file_that_stays_unreadable_is_passed_over_and_a_torn_one_is_damage(store, monkeypatch):
    new, old, whole = publish(store, 6), Publication(5, "1/state-5-aa.pt"), store.storage.read
    store.storage.write(old.name, b"old")

    def bent(publication, data):
        if publication == new:
            raise Torn("is damaged (bent)")
        return publication

    found, (damage,) = store.newest(1, 0, bent)
    assert (found, damage.publication, damage.reason) == (old, new, "is damaged (bent)")
    assert str(damage) == f"{store.storage.where(new.name)} is damaged (bent)"

    def gone(name):
        if name == new.name:
            raise FileNotFoundError
        return whole(name)

    monkeypatch.setattr(store.storage, "read", gone)
    assert read(store) == ((old, b"old"), ())


def test_damage_is_set_aside_and_not_met_again(store):
    publish(store, 6)
    damage = store.newest(1, 0, torn)[1][0]
    told = store.set_aside(damage)
    assert store.set_aside(damage) == told  # another attempt found the same
    if store.folder is None:
        assert (told, names(store)) == ("deleted", [])
    else:
        assert (told, parts(store)) == ("renamed to damaged-*", ["damaged-state-6"])
    assert store.publications(1) == []


def torn(publication, data):
    raise Torn("bent")


def test_what_lies_there_is_listed_by_candidate(store):
    assert list(store.holdings()) == []
    publish(store, 6, b"12345678")
    store.storage.write("1/damaged-state-5-ff.pt", b"1234567")
    store.publish(10, 2, 4, b"1")
    store.storage.write("junk/file", b"12")
    store.storage.write("stray", b"1")
    found = {holding.name: holding for holding in store.holdings()}
    assert list(found) == ["1", "junk", "10-r2", "stray"]
    sizes = [(h.candidate_id, h.size, h.leftover_size) for h in found.values()]
    assert sizes == [(1, 15, 7), (None, 2, 0), (10, 1, 0), (None, 1, 0)]
    assert found["1"].leftovers == ("1/damaged-state-5-ff.pt",)
    assert sum(held.size for held in store.holdings()) == 19
    store.delete([*found["1"].leftovers, "junk", "stray"])
    assert [(h.name, h.leftovers) for h in store.holdings()] == [("1", ()), ("10-r2", ())]
    assert len(store.publications(1)) == 1


class Overtaken(FolderStorage):
    """Before the first file another attempt publishes ``epoch`` and tidies up, or removes everything (0)."""

    def __init__(self, folder, epoch):
        super().__init__(folder)
        self.meanwhile = [epoch]

    def write(self, name, data):
        for epoch in self.meanwhile:
            self.meanwhile = []
            other = Publications(self.folder)
            if epoch:
                other.publish(1, 0, epoch, b"later")
            else:
                other.remove(1)
            raise FileNotFoundError
        super().write(name, data)


@pytest.mark.parametrize("later", [6, 0])
def test_a_writer_whose_files_were_taken_away_yields_or_writes_again(tmp_path, later):
    store = Publications(tmp_path)
    publish(store, 4)
    store.storage = Overtaken(tmp_path, later)
    store.publish(1, 0, 5, b"mine")
    found = read(Publications(tmp_path))[0]
    assert (found[0].epoch, found[1]) == ((6, b"later") if later else (5, b"mine"))
    assert len(names(store)) == 1


@pytest.mark.slow
def test_removal_while_another_attempt_writes_spoils_nothing(tmp_path):
    store = CheckpointStore(tmp_path)
    writers = [start_writer(tmp_path, 0.125)]
    try:
        go(writers)
        for _ in range(100):
            found, damages = store.read(1)
            assert damages == ()
            assert found is None or float(found.momentum["conv.weight"][0, 0, 0, 0]) == found.epoch + 0.125
            time.sleep(0.02)
            store.remove(1)
    finally:
        stop(writers)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, a device that is always full")
def test_a_full_disk_leaves_the_old_publication_and_nothing_of_the_new(tmp_path, monkeypatch):
    store = Publications(tmp_path)
    old = publish(store, 3)
    monkeypatch.setattr(files, "temporary_path", lambda path: path.with_name("temporary"))
    (tmp_path / "1" / "temporary").symlink_to("/dev/full")
    with pytest.raises(StoreFull):
        store.publish(1, 0, 4, b"does not fit" * 10_000)
    assert [f"1/{name}" for name in names(store)] == [old.name]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path):
    store = Publications(tmp_path)
    publish(store, 3)
    (tmp_path / "1").chmod(0o500)
    try:
        with pytest.raises(StoreError, match=r"cannot delete .*check its permissions"):
            store.remove(1)
        with pytest.raises(StoreError, match="cannot be written"):
            publish(store, 4)
    finally:
        (tmp_path / "1").chmod(0o700)
