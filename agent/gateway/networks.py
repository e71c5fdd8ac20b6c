"""Networks by name: what a server may tell a board to join, without ever knowing the password.

What the server asks for is stored in its database, so passwords do not travel in it. A person
gives a network a name here, once; its settings rest where accounts of clouds do.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from agent.errors import InputError
from agent.settings import Secret
from agent.settings.credentials import BoardSettings, reveal_settings
from agent.settings.files import write_private
from agent.settings.network import parse_network

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from agent.clouds.accounts import AccountStore
    from agent.settings.network import NetworkSetting

NAME_CHARS: Final = 64
NETWORKS_MAX: Final = 100
"""Far more than boards of one place can join."""
FILE_BYTES: Final = 100_000
_ENTRY: Final = "network-"
_FIELD: Final = "setting"


class NamedNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """One of them, without what is in it."""

    name: str
    kind: str
    """``wifi``, ``ethernet`` …"""


class StoredNetworks:
    """The networks that a person has named. Every call looks at the disk: commands change them."""

    def __init__(self, accounts: AccountStore, index: Path) -> None:
        """``index`` is a file with their names and kinds."""
        self._accounts = accounts
        self._index = index

    async def all(self) -> list[NamedNetwork]:
        """All of them by name; a damaged index is an empty one."""
        return await asyncio.to_thread(self._read)

    async def get(self, name: str) -> NetworkSetting | None:
        """The settings of one; None: there is none of that name."""
        known = [each.name for each in await self.all()]
        fields = await self._accounts.get(_entry(name)) if name in known else None
        if fields is None or _FIELD not in fields:
            return None
        return parse_network(msgspec.json.decode(fields[_FIELD].reveal()))

    async def put(self, name: str, network: Mapping[str, Any]) -> NamedNetwork:
        """Keep a network under a name, in the place of an earlier one.

        Raises :class:`InputError`.
        """
        check_name(name)
        setting = parse_network(network)
        listed = {each.name: each for each in await self.all()}
        if name not in listed and len(listed) >= NETWORKS_MAX:
            raise InputError(field="name", problem=f"would be the {NETWORKS_MAX + 1}st; remove one")
        plain = reveal_settings(BoardSettings(network=setting))["network"]
        kept = Secret(msgspec.json.encode(plain).decode())
        await self._accounts.set(_entry(name), {_FIELD: kept})
        listed[name] = NamedNetwork(name=name, kind=str(plain["kind"]))
        await asyncio.to_thread(self._write, listed)
        return listed[name]

    async def remove(self, name: str) -> bool:
        """Forget one; False: there is none of that name."""
        listed = {each.name: each for each in await self.all()}
        if listed.pop(name, None) is None:
            return False
        await asyncio.to_thread(self._write, listed)
        await self._accounts.delete(_entry(name))
        return True

    def _read(self) -> list[NamedNetwork]:
        try:
            with self._index.open("rb") as file:
                found = msgspec.json.decode(file.read(FILE_BYTES), type=list[NamedNetwork])
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return []
        return sorted(found, key=lambda each: each.name)[:NETWORKS_MAX]

    def _write(self, listed: Mapping[str, NamedNetwork]) -> None:
        write_private(self._index, msgspec.json.format(msgspec.json.encode([*listed.values()])))


def check_name(name: str) -> None:
    """Raise :class:`InputError` for what is no name of a network here."""
    if not name or name != name.strip():
        raise InputError(field="name", problem="is empty, or begins or ends with a blank")
    if len(name) > NAME_CHARS or not name.isprintable():
        raise InputError(
            field="name", problem=f"has more than {NAME_CHARS} characters, or odd ones"
        )


def _entry(name: str) -> str:
    return f"{_ENTRY}{name}"
