"""The part of ``mooring demo`` for pages made for the Arduino Create Agent: a list of upload tools.

Such pages ask for four tools whenever they connect; here they get them without the Internet. The
archives hold a text and no program: what a page uploads in the demo, Mooring writes by itself.
"""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Final

from agent.flash.toolstore.tool import ALL_HOSTS

if TYPE_CHECKING:
    from contextlib import AsyncExitStack
    from pathlib import Path

    from agent.settings.config_compat import CompatConfig

STAND_INS: Final = {
    "windows-drivers": "1.8.0",
    "bossac": "1.7.0",
    "arduino-fwuploader": "2.4.1",
    "rp2040tools": "1.0.6",
}
"""What the client asks for (agent-api-compat, section 2.2)."""
_TEXT: Final = b"This stands in for a tool while Mooring is tried out.\n"


async def start_tool_list(stack: AsyncExitStack, folder: Path) -> CompatConfig:
    """A signed list on a port of its own, as long as ``stack``; where the agent finds it."""
    from agent.settings.config_compat import CompatConfig
    from agent.simulator.tool_index import SimulatedToolIndex

    index = await stack.enter_async_context(SimulatedToolIndex())
    for name, version in STAND_INS.items():
        file, data = f"{name}.tar.gz", _archive(name)
        index.publish("arduino", name, version, host=ALL_HOSTS, file=file, data=data)
    key = folder / "tool-list.asc"
    key.write_bytes(index.public_key)
    return CompatConfig(tool_index_url=index.index_url, tool_index_key=str(key))


def _archive(name: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        about = tarfile.TarInfo(f"{name}/README.txt")
        about.size = len(_TEXT)
        archive.addfile(about, io.BytesIO(_TEXT))
    return packed.getvalue()
