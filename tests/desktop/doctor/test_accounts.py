"""The keyring: none, a real one that is locked, and a real one that is open."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.desktop.doctor.accounts import Keyring
from tests.desktop.doctor.patient import codes, look

LIMIT_S = 30
"""About a second here; a busy machine may take several."""
ROOT = Path(__file__).parents[3]

# Runs on a bus of its own. The daemon outlives the bus and is ended by its process id.
SESSION = r"""
import asyncio, signal, subprocess, sys
from agent.desktop.doctor.accounts import Keyring
import secretstorage

daemon = subprocess.Popen(
    ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
)
daemon.stdin.write(b"word")
daemon.stdin.close()

async def look():
    return [one.finding.code for one in await Keyring(used=True).look()]

async def main():
    # The daemon takes the bus name when it is ready.
    while (seen := await look()) != ["keyring-fine"]:
        assert seen in (["keyring-none"], ["keyring-failed"]), seen
        await asyncio.sleep(0.05)
    print("open", (await look())[0])
    bus = secretstorage.dbus_init()
    collection = secretstorage.get_collection_by_alias(bus, "default")
    collection.lock()
    print("locked", (await look())[0])
    assert collection.is_locked()
    bus.close()

try:
    asyncio.run(main())
finally:
    daemon.send_signal(signal.SIGTERM)
    daemon.wait(5)
"""


async def test_accounts_that_rest_in_a_file_by_choice_need_no_keyring():
    (one,) = await look(Keyring(used=False))
    assert one.finding.code == "keyring-fine"
    assert "MOORING_HOME" in one.finding.title


async def test_no_keyring_is_told_and_what_is_done_instead():
    # The tests themselves run with the backend that the library takes where there is none.
    (one,) = await look(Keyring(used=True))
    assert one.finding.code == "keyring-none"
    assert one.finding.level.value == "warning"
    assert "file that only you can read" in one.finding.meaning


async def test_a_keyring_that_does_not_answer_is_told():
    assert await codes(Keyring(used=True, limit_s=0.0)) == ["keyring-failed"]


@pytest.mark.needs("keyring")
@pytest.mark.system("linux")
def test_a_real_keyring_is_found_open_and_locked_and_asks_nobody(tmp_path):
    environ = {
        name: value for name, value in os.environ.items() if name != "PYTHON_KEYRING_BACKEND"
    }
    for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME"):
        environ[name] = str(tmp_path)
    tmp_path.chmod(0o700)
    done = subprocess.run(
        ["dbus-run-session", "--", sys.executable, "-c", SESSION],
        env={**environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.stdout.splitlines() == ["open keyring-fine", "locked keyring-locked"], done.stderr
