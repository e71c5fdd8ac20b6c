"""The token of a device that waits for its board is in the vault once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.clouds.blynk.keeping import keep_token, waits_for_board
from agent.clouds.vault import Vault
from agent.clouds.vault_file import VaultFolder
from agent.clouds.vault_key import VaultKeys
from agent.protocols.blynk.platform import Device
from agent.settings import Secret
from agent.settings.credentials import AccessToken

if TYPE_CHECKING:
    from pathlib import Path

    from agent.clouds.blynk.cloud import Blynk

TOKEN = Secret("marker_token_0123456789abcdef012")
PUMP = Device(id=55, name="Garden pump", token=TOKEN)


async def test_a_token_is_kept_once_and_by_the_name_of_its_device(
    free: Blynk, tmp_path: Path
) -> None:
    vault = Vault(VaultFolder(tmp_path / "vault"), VaultKeys(tmp_path / "keys", use_keyring=False))
    entry = await keep_token(vault, free, PUMP)
    assert entry is not None
    kept = (await vault.entry(entry.id)).credentials
    assert isinstance(kept, AccessToken)
    assert kept.token == TOKEN
    again = await keep_token(vault, free, Device(id=55, name="Renamed", token=TOKEN))
    assert again is not None
    assert again.id == entry.id
    assert await keep_token(vault, free, Device(id=56, name="Shed")) is None
    assert len((await vault.list()).entries) == 1
    assert waits_for_board(entry, "Garden pump")
    assert not waits_for_board(entry, "Shed")
    assert not waits_for_board(entry, "")
