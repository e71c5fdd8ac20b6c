"""The flash method of each model, ready to use; programs are looked for when they are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.flash.tools import DFU_UTIL, ESPTOOL, RealFiles, find_tool, places_here
from agent.flash.unsupported import UnsupportedFlasher

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.catalog import Model
    from agent.flash.method import Flasher
    from agent.flash.tools import FoundTool, Tool
    from agent.links import LinkOpener


class Flashers:
    """Makes flashers; remembers the programs that it found."""

    def __init__(self, tools: Mapping[str, str] | None = None) -> None:
        """``tools``: paths of programs by name, where a person set them."""
        self._explicit = tools or {}
        self._found: dict[str, FoundTool] = {}

    async def of(self, model: Model, open_link: LinkOpener) -> Flasher:
        """The flasher of ``model``; ``open_link`` opens its bootloader's port.

        Raises :class:`agent.errors.ToolMissing`. The flasher of a model that Mooring cannot flash
        says so when it is asked for a plan.
        """
        method = model.upload.method
        match method:
            case "sam-ba" | "sam-ba-arduino-ext":
                from agent.flash.samba import SambaFlasher

                return SambaFlasher(open_link, method)
            case "uf2" | "rp2040":
                from agent.flash.uf2 import Uf2Flasher

                return Uf2Flasher(method)
            case "dfu" | "dfuse":
                from agent.flash.dfu import DfuFlasher

                return DfuFlasher(await self._tool(DFU_UTIL), method)
            case "esptool":
                from agent.flash.espressif import EspFlasher

                return EspFlasher(await self.esptool())
        return UnsupportedFlasher(method)

    async def esptool(self) -> FoundTool:
        """The program for chips of the Espressif family; raises :class:`ToolMissing`."""
        return await self._tool(ESPTOOL)

    async def _tool(self, tool: Tool) -> FoundTool:
        found = self._found.get(tool.name)
        if found is None:
            places = places_here(explicit=self._explicit)
            found = self._found[tool.name] = await find_tool(tool, places, RealFiles())
        return found
