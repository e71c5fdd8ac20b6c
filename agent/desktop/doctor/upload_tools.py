"""The tools that pages had installed: whether they are whole, and whether new ones can be trusted.

Asks no server: how the vendor's list was when it was fetched last is remembered by the agent.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from agent.desktop.doctor.found import fine, found, from_error
from agent.errors import InputError, Level, MooringError, ToolStoreFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.desktop.doctor.found import Found
    from agent.flash.toolstore.install import Toolbox
    from agent.flash.toolstore.store import InstalledTool

AREA: Final = "tools"


class UploadTools:
    """Reads every file of the store."""

    area = AREA

    def __init__(self, toolbox: Toolbox, command_key: Callable[[], object] = lambda: None) -> None:
        """``command_key``: reads the key of the settings; it may raise :class:`InputError`."""
        self._toolbox = toolbox
        self._command_key = command_key

    async def look(self) -> Sequence[Found]:
        """What is damaged, refused, or cannot be read; nothing where no page had one installed."""
        findings = []
        try:
            self._command_key()
        except InputError as error:
            findings.append(_key_refused(error))
        refused = self._toolbox.index.problem
        if refused is not None:
            findings.append(from_error(AREA, refused, Level.WARNING))
        try:
            tools = await self._toolbox.installed()
        except ToolStoreFailed as error:
            return [*findings, from_error(AREA, error, Level.WARNING)]
        damaged = [
            tool
            for tool in tools
            if not await asyncio.to_thread(self._toolbox.store.is_whole, tool)
        ]
        findings += [self._damaged(tool) for tool in damaged]
        if tools and not damaged:
            count = f"{len(tools)} upload tool{'s' if len(tools) > 1 else ''} of pages"
            findings.append(fine(AREA, f"{count} can be used.", count=len(tools)))
        return findings

    def _damaged(self, tool: InstalledTool) -> Found:
        async def remove() -> None:
            await self._toolbox.remove(tool.id.packager, tool.id.name, tool.id.version)

        return found(
            AREA,
            "upload-tool-damaged",
            Level.WARNING,
            f"Files of the upload tool {tool.id} are not as they were installed.",
            "It is not used any more; a page that needs it fetches it again, which takes the "
            "Internet.",
            "Remove it, and look what changes files of Mooring, such as a virus scanner.",
            facts={"tool": str(tool.id)},
            fix=remove,
            will=f"Removes {tool.id}; the next page that needs it installs it again.",
        )


def _key_refused(error: MooringError) -> Found:
    return found(
        AREA,
        "upload-key",
        Level.WARNING,
        f"The key of command lines cannot be used: {error.report().title}.",
        "No page can upload to a board with a command line of its own, or name the address of a "
        "tool: nobody else's key counts instead.",
        "Correct compat.signature_key in the settings, or take it out for the key of Arduino.",
    )
