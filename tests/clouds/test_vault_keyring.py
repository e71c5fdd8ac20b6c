"""The vault against a real Secret Service: gnome-keyring on a session bus of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clouds.test_accounts_keyring import LIMIT_S, run_session

if TYPE_CHECKING:
    from pathlib import Path

# Runs on the private bus. The password must not be empty: the daemon would ask through a window.
SESSION = r"""
import asyncio, os, subprocess
from pathlib import Path

daemon = subprocess.Popen(
    ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
)
daemon.stdin.write(b"word")
daemon.stdin.close()

from agent.errors import VaultUnreadable
import secretstorage
from tests.clouds.vaults import add, add_proven, settings, states, vault_in

home = Path(os.environ["HOME"])

def process():
    return vault_in(home, use_keyring=True, keyring_limit_s=3.0)

async def main():
    # The daemon takes the bus name when it is ready; until then a file has the key.
    for _ in range(200):
        bus = secretstorage.dbus_init()
        try:
            collection = secretstorage.get_default_collection(bus)
            break
        except secretstorage.exceptions.SecretStorageException:
            bus.close()
            await asyncio.sleep(0.05)
    old = await add_proven(process())
    listed = await process().list()
    assert not listed.key_in_file
    assert await process().entry(old) == settings()
    (item,) = collection.search_items({"service": "mooring-test"})
    assert len(bytes.fromhex(item.get_secret().decode())) == 32
    assert not list((home / "vault-keys").glob("*.key"))
    collection.lock()
    try:
        await process().entry(old)
    except VaultUnreadable as error:
        print(error)
    new = await add_proven(process())
    assert (await process().list()).key_in_file
    assert await process().entry(new) == settings()
    assert await states(process()) == {old: "earlier", new: "proven"}
    bus.close()

try:
    asyncio.run(main())
finally:
    daemon.terminate()
    daemon.wait()
"""


@pytest.mark.needs("keyring")
@pytest.mark.system("linux")
@pytest.mark.timeout(3 * LIMIT_S)
def test_the_key_rests_in_the_secret_service_and_a_locked_one_is_told(tmp_path: Path) -> None:
    done = run_session(SESSION, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the keyring that has its key is locked or does not answer" in done.stdout
    assert "MARKER" not in done.stdout + done.stderr
