"""``vault.*``: what clouds gave to boards, without the secrets; for this user alone.

There is no method that reveals one: that takes a terminal (``mooring vault show --reveal``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.bridge.rpc import Call, Method, Nothing, Params
from agent.clouds.vault_view import VaultList

if TYPE_CHECKING:
    from agent.bridge.services import Services


class OneEntry(Params, frozen=True, kw_only=True):
    """An entry of the vault."""

    entry: str
    """Its id, or a beginning that no other has."""


def methods(services: Services) -> list[Method[Any, Any]]:
    """The list, and forgetting one."""

    async def list_entries(_call: Call, _params: Nothing) -> VaultList:
        return await services.vault.list()

    async def forget(_call: Call, params: OneEntry) -> VaultList:
        await services.vault.forget(params.entry)
        return await services.vault.list()

    return [
        Method(
            "vault.list",
            "What clouds gave to boards, newest first, without secrets.",
            Nothing,
            VaultList,
            list_entries,
            own=True,
        ),
        Method(
            "vault.forget",
            "Erase an entry for good. Asking the person is the caller's part.",
            OneEntry,
            VaultList,
            forget,
            own=True,
        ),
    ]
