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
    first = await keep_token(vault, free, PUMP)
    assert first is not None
    kept = (await vault.entry(first.entry)).credentials
    assert isinstance(kept, AccessToken)
    assert kept.token == TOKEN
    assert await keep_token(vault, free, PUMP) == first == (first.entry, "", "")
    assert await keep_token(vault, free, Device(id=56, name="Shed")) is None
    (entry,) = (await vault.list()).entries
    assert waits_for_board(entry, "Garden pump")
    assert not waits_for_board(entry, "Shed")
    assert not waits_for_board(entry, "")


async def test_the_token_of_a_device_that_was_renamed_is_found_by_its_new_name_too(
    free: Blynk, tmp_path: Path
) -> None:
    vault = Vault(VaultFolder(tmp_path / "vault"), VaultKeys(tmp_path / "keys", use_keyring=False))
    own = await vault.add(
        board="usb-1",
        board_name="ESP32",
        cloud="blynk",
        device="Garden pump",
        job="1",
        settings=await free.settings("Garden pump", TOKEN),
        hardware_id="Blynk Thermo-FK8D",
    )
    assert await keep_token(vault, free, PUMP) == (own, "Blynk Thermo-FK8D", "usb-1")
    renamed = await keep_token(vault, free, Device(id=55, name="Well", token=TOKEN))
    assert renamed is not None
    assert renamed.board_says == "Blynk Thermo-FK8D"
    entry = await vault.find(renamed.entry)
    assert waits_for_board(entry, "Well")
