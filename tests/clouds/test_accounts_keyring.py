"""The account store against a real Secret Service: gnome-keyring on a session bus of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT_S = 30
"""About a second here; a busy machine may take several."""

ROOT = Path(__file__).parents[2]

# Runs on the private bus. The password must not be empty: the daemon would ask through a window.
# The daemon outlives the bus and is ended by its process id.
SESSION = r"""
import asyncio, os, signal, subprocess, sys
from pathlib import Path

daemon = subprocess.Popen(
    ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
)
daemon.stdin.write(b"word")
daemon.stdin.close()

from agent.clouds.accounts import AccountStore, Storage
from agent.settings import Secret
import keyring

async def main():
    file = Path(os.environ["HOME"]) / "accounts.json"
    store = AccountStore(file, use_keyring=True, service="mooring-test")
    account = {"client_id": Secret("me"), "client_secret": Secret("MARKER-kr")}
    # The daemon takes the bus name when it is ready; until then the file is used.
    while await store.set("arduino", account) is not Storage.KEYRING:
        await asyncio.sleep(0.05)
    print(type(keyring.get_keyring()).__module__)
    assert await store.where("arduino") is Storage.KEYRING
    assert await store.get("arduino") == account
    assert not file.exists()
    again = AccountStore(file, use_keyring=True, service="mooring-test")
    assert await again.get("arduino") == account
    await again.set("arduino", {"client_id": Secret("you")})
    assert await store.get("arduino") == {"client_id": Secret("you")}
    await store.delete("arduino")
    assert await store.get("arduino") is None
    assert not file.exists()
    print("done")

try:
    asyncio.run(main())
finally:
    daemon.terminate()
    daemon.wait()
"""


# The keyring is locked while an account rests in it. Nobody is there to be asked for its password.
LOCKED = r"""
import asyncio, os, subprocess
from pathlib import Path

daemon = subprocess.Popen(
    ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
)
daemon.stdin.write(b"word")
daemon.stdin.close()

from agent.clouds.accounts import AccountStore, Storage
from agent.settings import Secret
import secretstorage

async def main():
    file = Path(os.environ["HOME"]) / "accounts.json"
    store = AccountStore(file, use_keyring=True, service="mooring-test", keyring_limit_s=3.0)
    account = {"client_id": Secret("me"), "client_secret": Secret("MARKER-kr")}
    while await store.set("arduino", account) is not Storage.KEYRING:
        await asyncio.sleep(0.05)
    bus = secretstorage.dbus_init()
    collection = secretstorage.get_collection_by_alias(bus, "default")
    collection.lock()
    assert collection.is_locked()
    assert await store.get("arduino") is None, "as if signed out"
    assert await store.where("arduino") is None
    other = {"client_id": Secret("you"), "client_secret": Secret("MARKER-file")}
    assert await store.set("arduino", other) is Storage.FILE
    assert await store.get("arduino") == other
    assert file.stat().st_mode & 0o777 == 0o600
    await store.delete("arduino")
    assert await store.get("arduino") is None
    bus.close()
    print("done", flush=True)

try:
    asyncio.run(main())
finally:
    daemon.terminate()
    daemon.wait()
"""


def run_session(
    script: str, home: Path, limit_s: float = LIMIT_S
) -> subprocess.CompletedProcess[str]:
    """On a bus of its own, with a home of its own."""
    runtime = home / "run"
    runtime.mkdir(mode=0o700)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(runtime),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
    }
    return subprocess.run(
        ["dbus-run-session", "--", sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )


@pytest.mark.needs("keyring")
@pytest.mark.system("linux")
@pytest.mark.timeout(LIMIT_S + 5)
def test_an_account_rests_in_the_secret_service(tmp_path: Path) -> None:
    done = run_session(SESSION, tmp_path)
    assert done.stdout.split() == ["keyring.backends.SecretService", "done"], done.stderr
    assert done.returncode == 0
    assert "MARKER" not in done.stdout + done.stderr


@pytest.mark.needs("keyring")
@pytest.mark.system("linux")
@pytest.mark.timeout(LIMIT_S + 5)
def test_with_a_locked_keyring_nobody_is_signed_in_and_a_new_account_rests_in_the_file(
    tmp_path: Path,
) -> None:
    done = run_session(LOCKED, tmp_path)
    assert done.stdout.split() == ["done"], done.stderr
    assert "MARKER" not in done.stdout + done.stderr
