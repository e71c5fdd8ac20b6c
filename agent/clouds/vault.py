"""The vault: what clouds have given to boards, encrypted on this computer.

An entry is ``pending`` until the board is seen to work with it, then ``proven``; the one that was
proven before becomes ``earlier``. Nothing is erased before its replacement is proven. Several
processes may use one vault at a time. See docs/vault.md.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET

from agent.clouds.vault_entry import (
    ORDER_MAX,
    Plain,
    group_of,
    kind_of,
    seal,
    server_of,
)
from agent.clouds.vault_file import VaultFolder
from agent.clouds.vault_key import VaultKeys
from agent.clouds.vault_view import (
    VaultEntry,
    VaultList,
    damage_notice,
    empty,
    key_ids,
    newest_proven,
    notice,
    open_all,
    open_entry,
    rank,
    view,
)
from agent.errors import VaultFailed
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agent.clouds.vault_file import Found
    from agent.clouds.vault_key import FoundKeys, VaultKey
    from agent.clouds.vault_view import Opened
    from agent.errors import ErrorReport
    from agent.settings.credentials import CloudSettings
    from agent.settings.paths import Paths

EARLIER_MAX: Final = 5
"""Of one board in one cloud; older ones go when a newer one is proven."""
TEXT_CHARS: Final = 255

_log = logging.getLogger(__name__)


class Vault:
    """The entries of one user. All of it raises :class:`VaultFailed`."""

    def __init__(
        self,
        folder: VaultFolder,
        keys: VaultKeys,
        *,
        now: Callable[[], float] = time.time,
        on_problem: Callable[[ErrorReport | None], None] = lambda _: None,
    ) -> None:
        """``on_problem`` is told what cannot be read when all of it was looked at."""
        self._folder = folder
        self._keys = keys
        self._now = now
        self._on_problem = on_problem
        self._turn = asyncio.Lock()

    async def add(
        self,
        *,
        board: str,
        board_name: str,
        cloud: str,
        device: str,
        job: str,
        settings: CloudSettings | None = None,
        hardware_id: str = "",
    ) -> str:
        """Keep a new entry as ``pending``; returns its id. Do this before the cloud is asked.

        ``settings``: what was made here and will be sent; None if the cloud makes the credentials.
        Then the entry is empty until :meth:`replace`, and shows that the vault can be written.
        ``hardware_id``: what the board said of itself, if it was asked. Raises :class:`VaultFull`
        as well.
        """
        await asyncio.to_thread(self._folder.prepare)
        key = await self._keys.current()

        def add() -> str:
            with self._folder.turn():
                plain = Plain(
                    id=self._folder.free_id(),
                    board=clean_text(board, TEXT_CHARS),
                    board_name=clean_text(board_name, TEXT_CHARS),
                    cloud=clean_text(cloud, TEXT_CHARS),
                    device=clean_text(device, TEXT_CHARS),
                    server="" if settings is None else server_of(settings),
                    credentials=kind_of(settings),
                    state="pending",
                    made_at=self._now(),
                    job=job,
                    key=key.id,
                    hardware_id=clean_text(hardware_id, TEXT_CHARS) or UNSET,
                )
                self._folder.write(plain, seal(plain, settings, key.data))
                return plain.id

        async with self._turn:
            return await asyncio.to_thread(add)

    async def replace(self, entry: str, settings: CloudSettings) -> None:
        """Keep what the cloud really gave in place of what was asked for; still ``pending``.

        Only for an entry that was not proven: the credentials of one that was are never replaced.
        """
        keys = await self._keys_of(entry)
        key = await self._keys.current()

        def replace() -> None:
            with self._folder.turn():
                stored, _ = open_entry(self._folder.find(entry), keys)
                if stored.plain.state != "pending":
                    msg = "credentials that were proven are not replaced"
                    raise ValueError(msg)
                plain = msgspec.structs.replace(
                    stored.plain,
                    device=clean_text(settings.name, TEXT_CHARS),
                    server=server_of(settings),
                    credentials=kind_of(settings),
                    key=key.id,
                )
                if plain.group != stored.plain.group:
                    msg = "an entry without a board is kept by the name of its device"
                    raise ValueError(msg)
                self._folder.write(plain, seal(plain, settings, key.data))

        async with self._turn:
            await asyncio.to_thread(replace)

    async def prove(self, entry: str) -> None:
        """The board works with this one; what was proven for it in this cloud becomes ``earlier``.

        Once more for the one that is proven already changes nothing.
        """
        group = (await asyncio.to_thread(self._folder.find, entry)).group
        found = await asyncio.to_thread(self._folder.scan, group)
        keys = await self._keys.find(key_ids(found))
        key = await self._keys.current()

        def prove() -> None:
            with self._folder.turn():
                self._prove(self._folder.find(entry), self._folder.scan(group), keys, key)

        async with self._turn:
            await asyncio.to_thread(prove)

    async def entry(self, entry: str) -> CloudSettings:
        """The credentials; raises VaultUnknown, or VaultUnreadable with the reason."""
        keys = await self._keys_of(entry)

        def read() -> CloudSettings:
            stored, settings = open_entry(self._folder.find(entry), keys)
            if settings is None:
                raise empty(stored.plain)
            return settings

        return await asyncio.to_thread(read)

    async def find(self, entry: str) -> VaultEntry:
        """The entry with this id, or whose id alone begins so; raises VaultUnknown."""
        found = await asyncio.to_thread(self._folder.find, entry)
        listed = await self._list(await asyncio.to_thread(self._folder.scan, found.group))
        return next(each for each in listed.entries if each.id == found.id)

    async def of_board(self, board: str, cloud: str, *, device: str = "") -> Sequence[VaultEntry]:
        """The entries of one board in one cloud, newest first.

        ``device``: its name; where there is no board, those made for a file of this device.
        """
        group = group_of(*(clean_text(text, TEXT_CHARS) for text in (board, cloud, device)))
        return (await self._list(await asyncio.to_thread(self._folder.scan, group))).entries

    async def list(self) -> VaultList:
        """All entries, also those that cannot be read; nothing is asked of an empty vault."""
        found = await asyncio.to_thread(self._folder.scan)
        listed = await self._list(found)
        self._on_problem(notice(listed.entries, self._folder.path))
        return listed

    async def look(self) -> None:
        """Tell of damaged files; needs no key, so that it costs little when the agent starts."""
        try:
            found = await asyncio.to_thread(self._folder.scan)
        except VaultFailed as error:
            self._on_problem(error.report())
            return
        self._on_problem(damage_notice(found, self._folder.path))

    async def is_file_key_news(self) -> bool:
        """Whether a key lies in a file and the person is to be told now; true once for all."""
        return await self._keys.is_file_news()

    async def forget(self, entry: str) -> VaultEntry:
        """Erase an entry, whatever its state; returns what it was. Asking is the caller's part."""
        known = await self.find(entry)

        def forget() -> None:
            with self._folder.turn():
                self._folder.remove(self._folder.find(known.id))

        async with self._turn:
            await asyncio.to_thread(forget)
        return known

    async def take_out(self) -> Sequence[tuple[Plain, CloudSettings]]:
        """All entries that can be read and hold something, oldest first, for another computer."""
        found = await asyncio.to_thread(self._folder.scan)
        keys = await self._keys.find(key_ids(found))
        opened = await asyncio.to_thread(open_all, found, keys.data)
        return sorted(
            ((plain, settings) for plain, settings in opened.values() if settings is not None),
            key=lambda each: (each[0].made_at, each[0].id),
        )

    async def take_in(self, entries: Iterable[tuple[Plain, CloudSettings]]) -> Sequence[str]:
        """Keep entries of another computer; returns the ids of those that are new here.

        What was proven there is ``earlier`` here where this computer knows a proven one.
        """
        taken = [await self._take_in(*each) for each in entries]
        return [number for number in taken if number]

    async def _take_in(self, plain: Plain, settings: CloudSettings) -> str:
        await asyncio.to_thread(self._folder.prepare)
        key = await self._keys.current()
        found = await asyncio.to_thread(self._folder.scan, plain.group)
        keys = await self._keys.find(key_ids(found))

        def take() -> str:
            with self._folder.turn():
                known = open_all(self._folder.scan(plain.group), keys.data)
                if any(settings == kept for _, kept in known.values()):
                    return ""
                late = plain.state == "proven" and newest_proven(known) is not None
                own = msgspec.structs.replace(
                    plain,
                    id=self._folder.free_id(),
                    state="earlier" if late else plain.state,
                    order=0 if late else plain.order,
                    key=key.id,
                )
                self._folder.write(own, seal(own, settings, key.data))
                return own.id

        async with self._turn:
            return await asyncio.to_thread(take)

    async def _keys_of(self, entry: str) -> FoundKeys:
        found = await asyncio.to_thread(self._folder.find, entry)
        return await self._keys.find(key_ids([found]))

    async def _list(self, found: Sequence[Found]) -> VaultList:
        keys = await self._keys.find(key_ids(found))
        return await asyncio.to_thread(view, found, keys)

    def _prove(
        self, found: Found, siblings: Sequence[Found], keys: FoundKeys, key: VaultKey
    ) -> None:
        stored, settings = open_entry(found, keys)
        if settings is None:
            msg = "an empty entry cannot be proven"
            raise ValueError(msg)
        opened = open_all(siblings, keys.data)
        if stored.plain.state != "proven" or newest_proven(opened) != found.id:
            orders = [each.stored.plain.order for each in siblings if each.stored is not None]
            plain = msgspec.structs.replace(
                stored.plain,
                state="proven",
                order=min(max(orders) + 1, ORDER_MAX),
                proven_at=self._now(),
                key=key.id,
            )
            self._folder.write(plain, seal(plain, settings, key.data))
        others = {number: each for number, each in opened.items() if number != found.id}
        try:
            self._follow(others, siblings, keys.data)
        except VaultFailed as error:
            # The new one counts already; of two that are proven the later one is.
            _log.warning("earlier entries of the vault stay as they are: %s", error)

    def _follow(
        self,
        others: dict[str, Opened],
        siblings: Sequence[Found],
        keys: Mapping[str, bytes],
    ) -> None:
        """Mark what was proven before, and let go of what is older than the last few of those."""
        for number, (plain, settings) in others.items():
            if plain.state == "proven":
                earlier = msgspec.structs.replace(plain, state="earlier")
                self._folder.write(earlier, seal(earlier, settings, keys[plain.key]))
                others[number] = (earlier, settings)
        earlier_ones = [plain for plain, _ in others.values() if plain.state == "earlier"]
        old = {plain.id for plain in sorted(earlier_ones, key=rank)[:-EARLIER_MAX]}
        for found in siblings:
            if found.id in old:
                self._folder.remove(found)


def open_vault(
    paths: Paths, on_problem: Callable[[ErrorReport | None], None] = lambda _: None
) -> Vault:
    """The vault of this user; touches nothing yet. See :class:`Vault` for ``on_problem``."""
    keys = VaultKeys(paths.vault_keys_dir, use_keyring=not paths.portable)
    return Vault(VaultFolder(paths.vault_dir), keys, on_problem=on_problem)
