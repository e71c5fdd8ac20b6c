"""The token of a device that waits for its board: in the vault, by the device's name.

Whoever sets a board up under this name goes on with it; then it is kept with the board.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from agent.clouds.blynk.addresses import CLOUD
from agent.errors import VaultUnknown, VaultUnreadable
from agent.settings import clean_text
from agent.settings.credentials import AccessToken

if TYPE_CHECKING:
    from agent.clouds.blynk.cloud import Blynk
    from agent.clouds.vault_view import VaultEntry, VaultList
    from agent.protocols.blynk.platform import Device
    from agent.settings import Secret
    from agent.settings.credentials import CloudSettings


class Keeps(Protocol):
    """What is needed of :class:`agent.clouds.vault.Vault` here."""

    async def list(self) -> VaultList:
        """All entries."""

    async def entry(self, entry: str) -> CloudSettings:
        """What one holds."""

    async def add(
        self,
        *,
        board: str,
        board_name: str,
        cloud: str,
        device: str,
        job: str,
        settings: CloudSettings | None = None,
    ) -> str:
        """Keep a new one; returns its id."""

    async def forget(self, entry: str) -> VaultEntry:
        """Erase the entry with this id or beginning of one; raises VaultUnknown."""


class Kept(NamedTuple):
    """Where a device's token is."""

    entry: str
    """Of the vault, with the name that the device has now; empty: it is in none."""
    board_says: str = ""
    """What a board said of itself that was set up with this token; empty: none was."""
    board: str = ""
    """Id of that board; empty: it was reached in a network of its own."""


async def keep_token(vault: Keeps, cloud: Blynk, device: Device) -> Kept | None:
    """Where the device's token is, new or there before; None: the platform does not tell it.

    Raises :class:`agent.errors.VaultFailed`.
    """
    if device.token is None:
        return None
    kept = await find_token(vault, device)
    # Renamed since: a job finds it by the name that people see now.
    entry = kept.entry or await vault.add(
        board="",
        board_name="",
        cloud=CLOUD,
        device=device.name,
        job="",
        settings=await cloud.settings(device.name, device.token),
    )
    return kept._replace(entry=entry)


async def find_token(vault: Keeps, device: Device) -> Kept:
    """The same without keeping anything: the entry may be empty."""
    if device.token is None:
        return Kept("")
    found = await _with_token(vault, device.token)
    entry = next((each.id for each in found if each.device == clean_text(device.name)), "")
    says = next((each.hardware_id for each in found if each.hardware_id), "")
    board = next((each.board for each in found if each.board and each.board[:3] != "ap:"), "")
    return Kept(entry, says, board)


async def drop_waiting(vault: Keeps, token: Secret) -> None:
    """Forget the token of a device that was given away, unless a board has it."""
    for each in await _with_token(vault, token):
        if not each.board:
            await vault.forget(each.id)


async def _with_token(vault: Keeps, token: Secret) -> list[VaultEntry]:
    found: list[VaultEntry] = []
    for each in (await vault.list()).entries:
        if each.cloud == CLOUD and each.state in {"pending", "proven"} and not each.problem:
            try:
                known = (await vault.entry(each.id)).credentials
            except (VaultUnknown, VaultUnreadable):
                continue
            if isinstance(known, AccessToken) and known.token == token:
                found.append(each)
    return found


def waits_for_board(entry: VaultEntry, name: str) -> bool:
    """The token is of a device with this name, and of no board yet."""
    return (
        bool(name) and not entry.board and (entry.cloud, entry.device) == (CLOUD, clean_text(name))
    )
