"""Gets a tool: from the store if it is there, else fetched, checked and unpacked.

Without the Internet what is installed counts, and that is said.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from agent.errors import CloudError, ToolIndexRefused, ToolRefused
from agent.flash.toolstore.index import ARCHIVE_LIMIT
from agent.flash.toolstore.tool import LATEST, Computer, ToolId, computer_here, tool_id
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.flash.fetcher import Fetcher
    from agent.flash.toolstore.index import Archive, ToolIndexSource
    from agent.flash.toolstore.store import InstalledTool, ToolStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """A tool that is installed and whole."""

    tool: InstalledTool
    fetched: bool
    """It came just now."""
    notes: tuple[str, ...] = ()
    """What a person should know: an old list, the network that was missing."""


class Toolbox:
    """The store together with the places that tools come from."""

    def __init__(
        self,
        store: ToolStore,
        index: ToolIndexSource,
        fetcher: Fetcher,
        *,
        now: Callable[[], float],
        computer: Computer | None = None,
    ) -> None:
        """``now`` gives Unix seconds; ``computer``: what archives are chosen for."""
        self.store = store
        self.index = index
        self._fetcher = fetcher
        self._now = now
        self._computer = computer or computer_here()
        # Pages choose the names: what nobody waits for is not remembered.
        self._turns: WeakValueDictionary[ToolId, asyncio.Lock] = WeakValueDictionary()

    async def available(self) -> list[ToolId]:
        """The vendor's list; raises what :meth:`ToolIndexSource.get` raises."""
        index, _ = await self.index.get()
        return index.available()

    async def installed(self) -> list[InstalledTool]:
        """What is installed."""
        return await asyncio.to_thread(self.store.list)

    async def whole(self, wanted: ToolId) -> InstalledTool | None:
        """The tool if each of its files is right; ``latest``: the highest version."""
        tools = await self.installed()
        for tool in reversed(tools):
            same = (tool.id.packager, tool.id.name) == (wanted.packager, wanted.name)
            if (
                same
                and wanted.version in {LATEST, tool.id.version}
                and await asyncio.to_thread(self.store.is_whole, tool)
            ):
                return tool
        return None

    async def prefer(self, tool: InstalledTool) -> None:
        """Somebody asked for it: its plain name means this version from now on."""
        await asyncio.to_thread(self.store.prefer, tool, now=self._now())

    async def remove(self, packager: str, name: str, version: str) -> bool:
        """Take a tool out; whether it was there. Raises :class:`InputError`."""
        return await asyncio.to_thread(self.store.remove, tool_id(packager, name, version))

    async def install(
        self, packager: str, name: str, version: str = LATEST, *, keep: bool = False
    ) -> Got:
        """A tool of the vendor's list.

        ``keep``: one that is installed is not compared with the list. Raises
        :class:`agent.errors.InputError`, :class:`ToolUnknown`, :class:`ToolNotForSystem`,
        :class:`ToolRefused`, :class:`ToolStoreFailed`, and where the tool is not installed either,
        :class:`CloudError` or :class:`ToolIndexRefused`.
        """
        wanted = tool_id(packager, name, version)
        if keep:
            there = await self.whole(wanted)
            if there is not None:
                return Got(tool=there, fetched=False)
        try:
            index, note = await self.index.get()
        except (CloudError, ToolIndexRefused) as error:
            return await self._instead(wanted, error)
        tool, archive = index.find(packager, name, version, self._computer)
        return await self.install_from(tool, archive, notes=(note,) if note else ())

    async def install_from(
        self, tool: ToolId, archive: Archive, *, notes: tuple[str, ...] = ()
    ) -> Got:
        """A tool from an address that somebody trusted answers for; raises as :meth:`install`."""
        turn = self._turns.setdefault(tool, asyncio.Lock())
        async with turn:
            there = await self.whole(tool)
            if there is not None and there.archive == archive.sha256:
                return Got(tool=there, fetched=False, notes=notes)
            limit = archive.size if archive.size is not None else ARCHIVE_LIMIT
            try:
                # One byte more than it may have, so that a longer file is told from a shorter one.
                came = await self._fetcher.get(archive.url, limit=limit + 1)
            except CloudError as error:
                return await self._instead(tool, error, notes)
            check_archive(tool, archive, came.data)
            put = await asyncio.to_thread(self.store.put, tool, came.data, now=self._now())
            return Got(tool=put, fetched=True, notes=notes)

    async def _instead(
        self,
        wanted: ToolId,
        error: CloudError | ToolIndexRefused,
        notes: tuple[str, ...] = (),
    ) -> Got:
        """What is installed in place of what cannot be fetched; else raise ``error``."""
        there = await self.whole(wanted)
        if there is None:
            raise error
        told = f"{error.report().title} The tool that is installed is used ({there.id.version})."
        return Got(tool=there, fetched=False, notes=(*notes, told))


def check_archive(tool: ToolId, archive: Archive, data: bytes) -> None:
    """Raise :class:`ToolRefused` unless ``data`` is what ``archive`` says; nothing is unpacked."""
    problem = ""
    if archive.size is not None and len(data) != archive.size:
        problem = f"{len(data)} bytes came instead of {archive.size}"
    elif len(data) > ARCHIVE_LIMIT:
        problem = f"it has more than {ARCHIVE_LIMIT} bytes"
    else:
        found = hashlib.sha256(data).hexdigest()
        if found != archive.sha256:
            problem = f"its SHA-256 begins with {found[:12]} instead of {archive.sha256[:12]}"
    if problem:
        raise ToolRefused(wanted=clean_text(str(tool)), problem=problem)
