"""Tools that pages ask for: the same one once, however many ask, and none that is there is refused.

A page that leaves does not end what it asked for: it asks again when it is back. Archives are
unpacked and nothing of them is run; ``post_install`` scripts stay what they are, files.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from agent.errors import (
    CloudError,
    MooringError,
    ToolIndexRefused,
    ToolNotForSystem,
    ToolRefused,
    ToolUnknown,
)
from agent.flash.toolstore.install import Got
from agent.flash.toolstore.tool import tool_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.flash.toolstore.index import Archive
    from agent.flash.toolstore.install import Toolbox
    from agent.flash.toolstore.tool import ToolId

AT_A_TIME: Final = 4
"""Archives that are fetched at once; each is whole in memory until it is unpacked."""

_Key: TypeAlias = tuple["ToolId", "Archive | None"]
_NOT_TO_BE_HAD: Final = (CloudError, ToolIndexRefused, ToolNotForSystem, ToolRefused, ToolUnknown)


class ToolInstalls:
    """Installs for pages; to be used in one event loop."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox
        self._running: dict[_Key, asyncio.Task[Got]] = {}
        self._room = asyncio.Semaphore(AT_A_TIME)

    async def install(self, packager: str, name: str, version: str, *, keep: bool) -> Got:
        """A tool of the vendor's list; raises as :meth:`Toolbox.install`.

        ``keep``: one that is installed is not compared with the list.
        """
        wanted = tool_id(packager, name, version)
        if keep and (there := await self._toolbox.whole(wanted)) is not None:
            # Four times at each load of a page: not behind somebody's slow download.
            return Got(tool=there, fetched=False)
        return await self._once(
            wanted, None, partial(self._toolbox.install, packager, name, version)
        )

    async def install_from(self, tool: ToolId, archive: Archive) -> Got:
        """A tool from an address that was signed; raises as :meth:`Toolbox.install_from`."""
        return await self._once(tool, archive, partial(self._toolbox.install_from, tool, archive))

    def stop(self) -> None:
        """End what runs: an archive that is being unpacked counts as never come."""
        for task in self._running.values():
            task.cancel()

    async def _once(
        self, wanted: ToolId, archive: Archive | None, work: Callable[[], Awaitable[Got]]
    ) -> Got:
        key = wanted, archive
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._work(wanted, work))
            task.add_done_callback(partial(self._ended, key))
        return await asyncio.shield(task)

    async def _work(self, wanted: ToolId, work: Callable[[], Awaitable[Got]]) -> Got:
        try:
            async with self._room:
                got = await work()
        except _NOT_TO_BE_HAD as error:
            got = await self._there(wanted, error)
        # A command line that names the tool without a version means the one just asked for.
        await self._toolbox.prefer(got.tool)
        return got

    async def _there(self, wanted: ToolId, error: MooringError) -> Got:
        """The tool that is installed, whatever became of the way to another one; else ``error``."""
        there = await self._toolbox.whole(wanted)
        if there is None:
            raise error
        told = f"{error.report().title} The tool that is installed is used ({there.id.version})."
        return Got(tool=there, fetched=False, notes=(told,))

    def _ended(self, key: _Key, task: asyncio.Task[Got]) -> None:
        del self._running[key]
        if not task.cancelled():
            task.exception()  # Everybody who asked may be gone.
