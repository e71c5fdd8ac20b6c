"""Performs the requests of ``remove_effects.py`` that are for the vault and the cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.errors import InternalError, MooringError
from agent.jobs import remove_effects as wanted
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.clouds.enrolment import EnrolCloud
    from agent.clouds.vault import Vault
    from agent.clouds.vault_view import VaultEntry

ALIVE = "the server still takes it"
UNTRIED = "whether a server takes it cannot be tried from here"


async def perform_removal(
    request: wanted.RemoveEffect, *, board: str, cloud: EnrolCloud, vault: Vault
) -> Any:  # noqa: ANN401 - see effects.py
    """The value of ``request``."""
    match request:
        case wanted.LookDevice(name=name):
            return await cloud.look(name)
        case wanted.EntriesOf(name=""):
            return list(await vault.of_board(board, cloud.id))
        case wanted.EntriesOf(name=name):
            return await _of_device(vault, cloud.id, name)
        case wanted.DeleteDevice(name=name):
            return await cloud.delete(name)
        case wanted.ForgetDead(name=name, unless_alive=unless_alive):
            return await _forget(vault, cloud, name, unless_alive=unless_alive)
    raise InternalError(kind=type(request).__name__)


async def _of_device(vault: Vault, cloud: str, name: str) -> list[VaultEntry]:
    listed = (await vault.list()).entries
    return [each for each in listed if each.cloud == cloud and each.device == clean_text(name)]


async def _forget(
    vault: Vault, cloud: EnrolCloud, name: str, *, unless_alive: bool
) -> wanted.Forgotten:
    """One whose credentials cannot be tried stays: it may be of another server."""
    entries = await _of_device(vault, cloud.id, name)
    why = {each.id: await _why_not(vault, cloud, each) for each in entries}
    alive = ALIVE in why.values()
    kept = tuple((entry, reason) for entry, reason in why.items() if reason)
    if alive and unless_alive:
        return wanted.Forgotten(kept=kept, alive=True)
    gone = tuple(entry for entry, reason in why.items() if not reason)
    for entry in gone:
        await vault.forget(entry)
    return wanted.Forgotten(gone, kept, alive)


async def _why_not(vault: Vault, cloud: EnrolCloud, entry: VaultEntry) -> str:
    """Why an entry is not erased; empty: nobody takes what is in it."""
    if not entry.credentials:
        return ""
    if entry.problem:
        return entry.problem
    try:
        taken = await cloud.prove(await vault.entry(entry.id))
    except MooringError as error:
        return error.report().title
    if taken is None:
        return UNTRIED
    return ALIVE if taken else ""
