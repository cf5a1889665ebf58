"""Folders of candidates: what goes in comes out, and what is damaged or another's does not."""

import os
import tarfile
from dataclasses import replace

import pytest

from ranknosh.errors import StoreError
from ranknosh.training.folders import FORMAT, FolderState, FolderStore, LevelResult, pack, unpack

IDENTITY = {"architecture": ["toy", [1, 2]], "seed": 7}
RESULTS = {
    1: LevelResult(0.5, {"accuracy": 0.5}, {}, 1.5),
    3: LevelResult(0.75, {"accuracy": 0.75}, {"params": 9.0}, 2.0),
}


def state(epoch=3, archive=b"anything\n\0"):
    return FolderState(epoch, IDENTITY, {e: r for e, r in RESULTS.items() if e <= epoch}, archive)


def test_a_folder_comes_back_with_its_links_folders_and_rights(tmp_path):
    before, after = tmp_path / "before", tmp_path / "after"
    (before / "deep" / "empty").mkdir(parents=True)
    (before / "deep" / "model.bin").write_bytes(bytes(range(256)) * 100)
    (before / "latest").symlink_to("deep/model.bin")
    (before / "run.sh").write_text("#!/bin/sh\n")
    (before / "run.sh").chmod(0o755)
    after.mkdir()
    unpack(pack(before), after)
    assert {str(path.relative_to(after)) for path in after.rglob("*")} == {
        *("deep", "deep/empty", "deep/model.bin", "latest", "run.sh")
    }
    assert (after / "latest").read_bytes() == bytes(range(256)) * 100
    assert os.access(after / "run.sh", os.X_OK)
    assert not os.access(after / "latest", os.X_OK)


def test_links_stay_links_and_a_folder_that_is_gone_is_an_empty_one(tmp_path):
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    after.mkdir()
    (before / "broken").symlink_to("nowhere")
    unpack(pack(before), after)
    assert os.readlink(after / "broken") == "nowhere"
    empty = tmp_path / "empty"
    empty.mkdir()
    unpack(pack(tmp_path / "gone"), empty)
    assert list(empty.iterdir()) == []


def test_a_store_gives_back_what_it_was_given_and_the_newest_only(tmp_path):
    store = FolderStore(tmp_path)
    store.save(4, 0, state(1, b"old"))
    size = store.save(4, 0, state(3))
    found = store.read(4, 0, IDENTITY)
    assert found.state == state(3)
    assert found.state.bytes == size == sum(path.stat().st_size for path in (tmp_path / "4").iterdir())
    assert len(list((tmp_path / "4").iterdir())) == 1
    assert store.read(4, 1, IDENTITY).state is None


def test_a_changed_byte_and_another_candidates_state_are_damage(tmp_path):
    store = FolderStore(tmp_path)
    store.save(0, 0, state(1))
    (path,) = (tmp_path / "0").iterdir()
    whole = path.read_bytes()
    for place in range(len(b"ranknosh folder 1 "), len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        found = store.read(0, 0, IDENTITY)
        assert found.state is None
        assert "is damaged" in str(found.damages[0])
    path.write_bytes(whole)
    other = store.read(0, 0, {**IDENTITY, "seed": 8})
    assert "belongs to another training (its seed is 7, expected is 8)" in str(other.damages[0])
    os.rename(path, path.with_name(path.name.replace("state-1", "state-2")))
    assert "it holds epoch 1" in str(store.read(0, 0, IDENTITY).damages[0])


def test_another_version_is_refused(tmp_path, monkeypatch):
    store = FolderStore(tmp_path)
    monkeypatch.setattr("ranknosh.training.folders.FORMAT", b"9")
    store.save(0, 0, state(1))
    monkeypatch.setattr("ranknosh.training.folders.FORMAT", FORMAT)
    with pytest.raises(StoreError, match="has format 9, not 1"):
        store.read(0, 0, IDENTITY)


def test_an_archive_cannot_write_outside_of_its_folder(tmp_path):
    evil, folder = tmp_path / "evil.tar", tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "file").write_text("x")
    with tarfile.open(evil, "w") as archive:
        archive.add(tmp_path / "file", arcname="../escaped")
    if hasattr(tarfile, "tar_filter"):
        with pytest.raises(tarfile.TarError):
            unpack(evil.read_bytes(), folder)
        assert not (tmp_path / "escaped").exists()


def test_states_of_equal_content_are_equal_whatever_their_size_on_disk():
    assert replace(state(), bytes=7) == state()
