"""The vault against a real Secret Service: gnome-keyring on a session bus of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clouds.test_accounts_keyring import run_session

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_S = 90
"""Three seconds here; machines that are busy take many times that to start the daemon."""

# Runs on the private bus. The password must not be empty: the daemon would ask through a window.
SESSION = r"""
import asyncio, itertools, os, subprocess
from pathlib import Path

daemon = subprocess.Popen(
    ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
)
daemon.stdin.write(b"word")
daemon.stdin.close()

from agent.clouds.accounts import AccountStore, Storage
from agent.errors import VaultUnreadable
from agent.settings import Secret
import secretstorage
from tests.clouds.vaults import add, add_proven, settings, states, vault_in

home = Path(os.environ["HOME"])

def process(limit_s=60.0):
    return vault_in(home, use_keyring=True, keyring_limit_s=limit_s)

async def main():
    # The daemon takes the bus name, and then opens its keyring; until then files are used.
    for number in itertools.count():
        probe = AccountStore(home / f"probe-{number}", use_keyring=True, service="mooring-probe",
                             keyring_limit_s=2.0)
        if await probe.set("ready", {"is": Secret("it")}) is Storage.KEYRING:
            break
        await asyncio.sleep(0.05)
    bus = secretstorage.dbus_init()
    collection = secretstorage.get_default_collection(bus)
    old = await add_proven(process())
    listed = await process().list()
    assert not listed.key_in_file
    assert await process().entry(old) == settings()
    (item,) = collection.search_items({"service": "mooring-test"})
    assert len(bytes.fromhex(item.get_secret().decode())) == 32
    assert not list((home / "vault-keys").glob("*.key"))
    collection.lock()
    # Nobody is there to unlock it.
    try:
        await process(1.0).entry(old)
    except VaultUnreadable as error:
        print(error)
    new = await add_proven(process(1.0))
    assert (await process(1.0).list()).key_in_file
    assert await process(1.0).entry(new) == settings()
    assert await states(process(1.0)) == {old: "earlier", new: "proven"}
    bus.close()

try:
    asyncio.run(main())
finally:
    daemon.terminate()
    daemon.wait()
"""


@pytest.mark.needs("keyring")
@pytest.mark.system("linux")
@pytest.mark.timeout(LIMIT_S + 5)
def test_the_key_rests_in_the_secret_service_and_a_locked_one_is_told(tmp_path: Path) -> None:
    done = run_session(SESSION, tmp_path, LIMIT_S)
    assert done.returncode == 0, done.stderr
    assert "the keyring that has its key is locked or does not answer" in done.stdout
    assert "MARKER" not in done.stdout + done.stderr
