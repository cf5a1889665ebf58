"""ranknosh/runs/folder.py"""

import threading

import pytest

from ranknosh.errors import ConfigError, StoreError
from ranknosh.runs.folder import is_locked, locked, new_folder


def test_automatic_names_take_the_next_free_number(tmp_path):
    assert new_folder(tmp_path / "runs", "demo").name == "demo-001"
    (tmp_path / "runs" / "demo-007").mkdir()
    (tmp_path / "runs" / "other-050").mkdir()
    (tmp_path / "runs" / "demo-x-090").mkdir()
    assert new_folder(tmp_path / "runs", "demo").name == "demo-008"


def test_two_that_ask_at_once_get_different_folders(tmp_path):
    found = []
    threads = [threading.Thread(target=lambda: found.append(new_folder(tmp_path, "demo"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 16


def test_a_name_that_was_asked_for_is_taken_as_it_is(tmp_path):
    assert new_folder(tmp_path, "demo", "mine") == tmp_path / "mine"
    assert new_folder(tmp_path, "demo", "mine") == tmp_path / "mine"


@pytest.mark.parametrize("out", ["x" * 5000, "nul\0byte"])
def test_a_folder_that_cannot_be_is_refused(tmp_path, out):
    with pytest.raises(StoreError):
        new_folder(tmp_path / out, "demo")


def test_a_lock_is_held_once_and_says_by_whom(tmp_path):
    assert not is_locked(tmp_path)
    with locked(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(ConfigError, match=r"in use by process \d+ on "), locked(tmp_path):
            pass
    assert not is_locked(tmp_path)
