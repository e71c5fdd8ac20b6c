"""One agent per user, found through a lock and a file."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from agent.desktop.instance import InstanceLock, find_instance, new_token
from agent.settings import Secret
from agent.settings.paths import Paths, find_paths

HOLDER = """
import sys
from agent.desktop.instance import InstanceLock
from agent.settings import Secret
from agent.settings.paths import find_paths
lock = InstanceLock(find_paths())
print("locked" if lock.acquire() else "taken", flush=True)
lock.publish(port=8995, token=Secret("of-the-child"), version="9.9")
print("published", flush=True)
sys.stdin.readline()
lock.release()
"""


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find_paths({"MOORING_HOME": str(tmp_path)})


def start_holder(paths: Paths) -> "subprocess.Popen[str]":
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env={**os.environ, "MOORING_HOME": str(paths.config_dir)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "locked"
    assert child.stdout.readline().strip() == "published"
    return child


def end(child: "subprocess.Popen[str]") -> None:
    child.communicate()  # closes its input, which ends it


def test_without_an_agent_none_is_found(paths: Paths) -> None:
    assert find_instance(paths) is None


def test_a_published_agent_is_found_with_port_token_and_version(paths: Paths) -> None:
    with InstanceLock(paths) as lock:
        assert lock.acquire()
        assert find_instance(paths) is None  # locked, but no port yet
        lock.publish(port=8993, token=Secret("tok"), version="1.2")
        found = find_instance(paths)
        assert found is not None
        assert (found.pid, found.port, found.version) == (os.getpid(), 8993, "1.2")
        assert found.token.reveal() == "tok"
        assert found.rpc_url == "ws://127.0.0.1:8993/rpc"
    assert find_instance(paths) is None
    assert not paths.instance_file.exists()


@pytest.mark.system("linux", "darwin")  # Windows protects the folder, not the mode
def test_only_this_user_can_read_the_file(paths: Paths) -> None:
    with InstanceLock(paths) as lock:
        lock.acquire()
        lock.publish(port=8993, token=new_token(), version="1")
        assert stat.S_IMODE(paths.instance_file.stat().st_mode) == 0o600
        assert [path.name for path in paths.runtime_dir.iterdir() if ".json." in path.name] == []


def test_a_second_start_is_told_that_the_lock_is_taken(paths: Paths) -> None:
    child = start_holder(paths)
    second = InstanceLock(paths)
    assert not second.acquire()
    second.release()  # frees nothing that it does not hold
    found = find_instance(paths)
    assert found is not None
    assert found.pid == child.pid
    end(child)
    assert second.acquire()
    second.release()


def test_what_a_killed_agent_left_is_ignored_and_the_next_one_starts(paths: Paths) -> None:
    child = start_holder(paths)
    child.kill()  # SIGKILL, TerminateProcess
    child.communicate()
    assert paths.instance_file.exists()
    assert find_instance(paths) is None
    with InstanceLock(paths) as lock:
        assert lock.acquire()
        # The stale file is gone before anybody could take it for the new agent's.
        assert not paths.instance_file.exists()


def test_an_unreadable_file_is_no_agent(paths: Paths) -> None:
    with InstanceLock(paths) as lock:
        lock.acquire()
        for text in ("", "{", json.dumps({"pid": 1}), json.dumps([])):
            paths.instance_file.write_text(text)
            assert find_instance(paths) is None


def test_programs_that_look_do_not_keep_an_agent_from_starting(paths: Paths) -> None:
    paths.make()
    paths.instance_file.write_text("{}")
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            find_instance(paths)

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(20):
            with InstanceLock(paths) as lock:
                assert lock.acquire()
                paths.instance_file.write_text("{}")
    finally:
        stop.set()
        for looker in lookers:
            looker.join()


def test_tokens_are_long_and_never_the_same() -> None:
    assert new_token() != new_token()
    assert len(new_token().reveal()) >= 43
