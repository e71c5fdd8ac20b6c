"""Programs that some boards are flashed with: whether they are there and new enough."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from agent.desktop.doctor.found import fine, found
from agent.errors import Level, ToolMissing
from agent.flash.tools import DFU_UTIL, ESPTOOL, RealFiles, dotted, find_tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.desktop.doctor.found import Found
    from agent.flash.tools import Places, Tool

AREA: Final = "tools"
_BOARDS: Final = {
    DFU_UTIL.name: "No sketch can be written to boards that take it over DFU, such as Portenta, "
    "Opta, GIGA and Nano ESP32.",
    ESPTOOL.name: "No sketch can be written to boards with an Espressif chip.",
}
_COMMANDS: Final = (
    "sudo apt-get install dfu-util",
    "brew install dfu-util",
    "pip install 'esptool>=5.2'",
)
"""That install them, as :data:`agent.flash.tools.Tool.mends` names them."""


class Tools:
    """Starts each tool and asks for its version, where flashing would look for it."""

    area = AREA

    def __init__(self, places: Places) -> None:
        self._places = places

    async def look(self) -> Sequence[Found]:
        """A missing tool is a warning: most boards need none."""
        return await asyncio.gather(*(self._one(tool) for tool in (DFU_UTIL, ESPTOOL)))

    async def _one(self, tool: Tool) -> Found:
        try:
            there = await find_tool(tool, self._places, RealFiles())
        except ToolMissing as error:
            wanted = f"{tool.name} {dotted(tool.minimum)} or newer"
            return found(
                AREA,
                "tool-missing",
                Level.WARNING,
                f"{wanted} was not found.",
                f"{_BOARDS[tool.name]} {error.facts['why']}",
                tool.mends[self._places.system],
                commands=_COMMANDS,
                facts={"tool": tool.name},
            )
        title = f"{tool.name} {dotted(there.version)} is there."
        return fine(AREA, title, tool=tool.name, command=" ".join(there.command))
