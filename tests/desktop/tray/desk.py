"""A desktop for tests: a screen that nobody sees, with a real panel on a bus of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import ImageGrab

from agent.simulator.ble_bus import PrivateBus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PANEL = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="30"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
    </property>
    <property name="plugin-2" type="string" value="systray"/>
  </property>
</channel>
"""
WIDTH, HEIGHT = 900, 500
MENU_MIN = 80
"""Pixels."""
SEEN_S = 15.0
"""A key that did nothing within this time met nobody."""
LIMIT_S = 30.0
"""The panel needs some four seconds on a quiet machine."""


@dataclass
class Desk:
    """A screen, a bus, and the programs on them."""

    environ: dict[str, str]
    panels: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def start_panel(self) -> None:
        """Start xfce4-panel, which asks nobody for a session."""
        self.panels.append(await self.start("xfce4-panel", "--disable-wm-check"))

    async def kill_panel(self) -> None:
        """End the panel as a crash does."""
        panel = self.panels.pop()
        panel.kill()
        await panel.wait()

    async def start(self, *command: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *command,
            env=self.environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def run(self, *command: str) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *command, env=self.environ, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        return out

    async def click(self, x: int, y: int, button: int = 1) -> None:
        await self.run("xdotool", "mousemove", str(x), str(y), "click", str(button))

    async def press(self, *keys: str) -> None:
        """Each key when what the one before did is seen: another line is marked, the menu is gone.

        A menu that has just come may not have the keyboard yet: then nothing is seen.
        """
        async with asyncio.timeout(LIMIT_S):
            for key in keys:
                before = await self.picture()
                await self.run("xdotool", "key", key)
                while not await self.differs(before):
                    await self.run("xdotool", "key", key)

    async def picture(self) -> bytes:
        """What is on the screen."""
        return await asyncio.to_thread(self._picture)

    async def differs(self, before: bytes) -> bool:
        """Whether the screen becomes another one within the time that a busy program takes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SEEN_S):
                while await self.picture() == before:
                    await asyncio.sleep(0.02)
                return True
        return False

    def _picture(self) -> bytes:
        return ImageGrab.grab(xdisplay=self.environ["DISPLAY"]).tobytes()

    async def screenshot(self, path: Path) -> None:
        await self.run("import", "-window", "root", str(path))


async def end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(30):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A screen and a session bus, without a panel yet."""
    async with contextlib.AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mooring-desk-")))
        settings = home / "xfce4" / "xfconf" / "xfce-perchannel-xml"
        settings.mkdir(parents=True)
        (settings / "xfce4-panel.xml").write_text(PANEL)
        bus = await stack.enter_async_context(PrivateBus())
        display = await _screen(stack)
        environ = {
            name: value for name, value in os.environ.items() if not name.startswith("XDG_")
        } | {
            "DISPLAY": display,
            "DBUS_SESSION_BUS_ADDRESS": bus.address,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "XDG_RUNTIME_DIR": str(home),
            "GTK_THEME": "Adwaita",
            "NO_AT_BRIDGE": "1",
            "LC_ALL": "C.UTF-8",
        }
        made = Desk(environ)
        # This bus starts nothing by itself.
        (xfconfd,) = Path("/usr/lib").glob("*/xfce4/xfconf/xfconfd")
        stack.push_async_callback(end, await made.start(str(xfconfd)))
        try:
            yield made
        finally:
            for panel in made.panels:
                await end(panel)


async def _screen(stack: contextlib.AsyncExitStack) -> str:
    """Start Xvfb on a display that is free, and see it answer."""
    read, write = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *("Xvfb", "-displayfd", str(write), "-screen", "0", f"{WIDTH}x{HEIGHT}x24"),
        *("-nolisten", "tcp", "-noreset"),
        pass_fds=[write],
        stderr=asyncio.subprocess.DEVNULL,
    )
    os.close(write)
    stack.push_async_callback(end, process)
    with os.fdopen(read) as answer:
        number = await asyncio.wait_for(asyncio.to_thread(answer.readline), LIMIT_S)
    return f":{number.strip()}"


async def menu_open(desk: Desk) -> bool:
    """Whether a menu is on the screen: higher than a panel or what the icon says, lower than all."""
    found = await desk.run("xdotool", "search", "--onlyvisible", "--name", ".*")
    for window in found.decode().split():
        shape = await desk.run("xdotool", "getwindowgeometry", "--shell", window)
        height = [line for line in shape.decode().split() if line.startswith("HEIGHT=")]
        if height and MENU_MIN <= int(height[0].partition("=")[2]) < HEIGHT:
            return True
    return False
