"""Programs that have a board open, and programs that open boards when they are plugged in.

Found by looking into ``/proc``; Windows and macOS do not tell. Sources: flashing, sections 1 and 9;
brltty, ``Autostart/Udev``; Debian bugs 667616 and 994033 (brltty takes USB-UART bridges).
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.desktop.doctor.found import fine, found
from agent.desktop.doctor.serial import device_node
from agent.desktop.doctor.udev import FOLDERS
from agent.desktop.doctor.udev_rules import RULE_NAME
from agent.errors import Level
from agent.links.holder import PROC, Holder, holder_of, running_programs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from agent.boards.board import Board, Port
    from agent.catalog import UsbId
    from agent.desktop.doctor.found import Found

AREA: Final = "holders"

KNOWN: Final = {
    "serial-monitor": ("the serial monitor of the Arduino IDE", "Close its Serial Monitor."),
    "serial-discovery": ("the Arduino IDE", "Close the Arduino IDE."),
    "arduino-ide": ("the Arduino IDE", "Close its Serial Monitor, or the whole program."),
    "arduino-cli": ("arduino-cli", "End what it does in its terminal."),
    "Arduino_Cloud_A": ("the Arduino Cloud Agent", "Quit it in its tray menu."),
    "ArduinoCreateAg": ("the Arduino Create Agent", "Quit it in its tray menu."),
    "java": ("a Java program, such as the old Arduino IDE", "Close its serial monitor."),
    "code": ("Visual Studio Code", "Close its serial monitor."),
    "chrome": ("a page in Chrome", "Close the page that uses the board."),
    "chromium": ("a page in Chromium", "Close the page that uses the board."),
    "msedge": ("a page in Edge", "Close the page that uses the board."),
    "Thonny": ("Thonny", "Close it, or disconnect the board in it."),
    "thonny": ("Thonny", "Close it, or disconnect the board in it."),
    "screen": ("screen", "End it in its terminal with Ctrl-A K."),
    "SCREEN": ("screen", "End it in its terminal with Ctrl-A K."),
    "minicom": ("minicom", "End it in its terminal with Ctrl-A X."),
    "picocom": ("picocom", "End it in its terminal with Ctrl-A Ctrl-X."),
    "putty": ("PuTTY", "Close its window."),
    "ModemManager": ("ModemManager, which looks for modems", "Wait half a minute, or stop it."),
    "brltty": ("brltty, which looks for Braille displays", "If you use none, remove it."),
}
"""Programs that people meet: what they are and how they let go. Names as the kernel has them."""

MODEM_MANAGER: Final = "ModemManager"
BRLTTY: Final = "brltty"
IGNORES: Final = "ID_MM_DEVICE_IGNORE"


class PortHolders:
    """Looks who has the boards open; what the agent itself holds is left out."""

    area = AREA

    def __init__(
        self,
        boards: Callable[[], Sequence[Board]],
        *,
        own: Callable[[], Collection[int]] = lambda: (),
        proc: Path = PROC,
    ) -> None:
        """``own``: processes of Mooring besides this one."""
        self._boards = boards
        self._own = own
        self._proc = proc

    async def look(self) -> Sequence[Found]:
        """One finding per port that another program has open."""
        if sys.platform != "linux":
            return []
        ports = [port for board in self._boards() if not board.holder for port in board.ports]
        own = {os.getpid(), *self._own()}
        held = [one for port in ports if (one := await asyncio.to_thread(self._held, port, own))]
        if held or not ports:
            return held
        return [fine(AREA, "No other program that this account can see has a board open.")]

    def _held(self, port: Port, own: Collection[int]) -> Found | None:
        node = device_node(port)
        # What stands behind a simulated port has it open at both ends.
        if node is None or port.simulated:
            return None
        holder = holder_of(os.path.realpath(node), self._proc, besides=own)
        if holder is None:
            return None
        who, mend = KNOWN.get(holder.name, ("", "Close that program, or wait until it has ended."))
        named = f"{who} ({holder})" if who else str(holder)
        return found(
            AREA,
            "holder",
            Level.PROBLEM,
            f"{port.address} is in use by {named}.",
            "Only one program can talk to a board at a time.",
            mend,
            facts={"port": port.address, "holder": holder.name, "process": holder.process},
        )


class Probers:
    """Looks for services that open any serial port to see whether it is theirs."""

    area = AREA

    def __init__(
        self, usb_ids: Iterable[UsbId], *, proc: Path = PROC, root: Path = Path("/")
    ) -> None:
        """``usb_ids``: of the boards; ``root`` stands for ``/`` where rules are read."""
        self._usb_ids = sorted({(each.vid, each.pid) for each in usb_ids if each.pid is not None})
        self._proc = proc
        self._root = root

    async def look(self) -> Sequence[Found]:
        """ModemManager without a rule that keeps it away, and brltty."""
        if sys.platform != "linux":
            return []
        return await asyncio.to_thread(self._look)

    def _look(self) -> list[Found]:
        running: dict[str, Holder] = {each.name: each for each in running_programs(self._proc)}
        findings = []
        modems = running.get(MODEM_MANAGER)
        if modems is not None and not self._kept_away():
            findings.append(
                found(
                    AREA,
                    "prober-modemmanager",
                    Level.WARNING,
                    f"{modems} looks for modems on serial ports.",
                    "It may open a board for up to half a minute after it was plugged in, and "
                    "disturb a board that has just restarted.",
                    "Install the udev rule of Mooring (mooring doctor --udev-rules prints it), or, "
                    "if there is no modem in this computer: "
                    "sudo systemctl disable --now ModemManager",
                    commands=["sudo systemctl disable --now ModemManager"],
                    facts={"process": modems.process},
                )
            )
        claimed = self._claimed()
        braille = running.get(BRLTTY)
        if braille is not None or claimed:
            names = ", ".join(f"{vid:04x}:{pid:04x}" for vid, pid in claimed)
            what = f"its rules claim {names}" if claimed else f"{braille} runs"
            findings.append(
                found(
                    AREA,
                    "prober-brltty",
                    Level.WARNING,
                    f"brltty, which serves Braille displays, is active: {what}.",
                    "It takes boards whose USB chip is also in Braille displays: their port "
                    "vanishes as soon as it has appeared.",
                    "If you use no Braille display: sudo apt-get remove brltty "
                    "(other systems: sudo systemctl mask --now brltty).",
                    commands=["sudo apt-get remove brltty", "sudo systemctl mask --now brltty"],
                    facts={"claimed": names},
                )
            )
        return findings

    def _kept_away(self) -> bool:
        return any(IGNORES in text for name, text in self._rules() if name == RULE_NAME)

    def _claimed(self) -> list[tuple[int, int]]:
        """USB ids of boards that rules of brltty hand to it."""
        texts = [text for name, text in self._rules() if BRLTTY in name]
        lines = [
            line
            for text in texts
            for line in text.splitlines()
            if not line.lstrip().startswith("#")
        ]
        # PRODUCT of the kernel has no leading zeros: 403/6001/600.
        found_ids = {
            (int(vid, 16), int(pid, 16))
            for line in lines
            for vid, pid in re.findall(r'PRODUCT\}=="([0-9A-Fa-f]{1,4})/([0-9A-Fa-f]{1,4})/', line)
        }
        return [each for each in self._usb_ids if each in found_ids]

    def _rules(self) -> list[tuple[str, str]]:
        """Name and text of the rules that matter here, each name once as udev takes it."""
        seen: dict[str, str] = {}
        for folder in FOLDERS:
            try:
                files = sorted((self._root / folder).glob("*.rules"))
            except OSError:
                continue
            for file in files:
                if file.name in seen or not (file.name == RULE_NAME or BRLTTY in file.name):
                    continue
                try:
                    seen[file.name] = file.read_text(encoding="utf-8", errors="replace")
                except OSError:
                    seen[file.name] = ""
        return list(seen.items())
