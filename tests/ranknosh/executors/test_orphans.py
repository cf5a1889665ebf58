"""Commands end with the process that started them, killed or not."""

import os
import signal

from ranknosh.executors.orphans import GroupWatcher
from tests.processes import is_alive, start_python, wait_until

PARENT = """
import subprocess, sys, time
from ranknosh.executors.orphans import WATCHER
kept = subprocess.Popen(["sleep", "1000"], start_new_session=True)
let_go = subprocess.Popen(["sleep", "1000"], start_new_session=True)
WATCHER.add(kept.pid)
WATCHER.add(let_go.pid)
WATCHER.remove(let_go.pid)
print(kept.pid, let_go.pid, flush=True)
time.sleep(1000)
"""


def test_groups_end_when_their_process_is_killed_and_others_do_not():
    parent = start_python("-c", PARENT)
    kept, let_go = map(int, parent.stdout.readline().split())
    try:
        assert is_alive(kept)
        parent.kill()
        wait_until(lambda: not is_alive(kept), "the command ended")
        assert is_alive(let_go)
    finally:
        os.killpg(let_go, signal.SIGKILL)
        parent.communicate()


def test_a_watcher_that_was_killed_is_started_again():
    watcher = GroupWatcher()
    watcher.add(2**22 + 1)  # no process has such a number
    first = watcher._watcher
    first.kill()
    first.wait()
    watcher.add(2**22 + 2)
    assert watcher._watcher is not first
    watcher._watcher.stdin.close()
    assert watcher._watcher.wait() == 0
    first.stdin.close()
