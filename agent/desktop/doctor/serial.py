"""Whether this account may open the boards that are plugged in, and what would help.

Looks at rights only: a port that is opened restarts many boards. On Windows everybody may open
serial ports; on macOS everybody may as well, unless a driver says otherwise.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.boards.usb_loaders import ADDRESS, DEVICES
from agent.desktop.doctor.found import fine, found
from agent.errors import Level
from agent.links.failures import owning_group

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.boards.board import Port
    from agent.desktop.doctor.found import Found
    from agent.errors import Fact

AREA: Final = "serial"
READ_WRITE: Final = os.R_OK | os.W_OK
USB_NODES: Final = Path("/dev/bus/usb")


class SerialAccess:
    """Looks at the device file of each port."""

    area = AREA

    def __init__(self, ports: Callable[[], Sequence[Port]]) -> None:
        self._ports = ports

    async def look(self) -> Sequence[Found]:
        """One finding per port that this account may not open."""
        nodes = [node for port in self._ports() if (node := device_node(port)) is not None]
        if not nodes:
            return [fine(AREA, "No board is plugged in, so no rights were looked at.")]
        closed = [node for node in nodes if not may_open(node)]
        if not closed:
            names = ", ".join(map(str, nodes))
            return [fine(AREA, f"This account may open what is plugged in: {names}.")]
        return [await asyncio.to_thread(_refused, node) for node in closed]


def device_node(port: Port, devices: Path = DEVICES, nodes: Path = USB_NODES) -> Path | None:
    """The file whose rights count for a port; None if there is none, or it has gone."""
    if port.kind == "serial" and port.address.startswith("/"):
        path = Path(port.address)
    elif port.kind == "usb" and port.address.startswith(ADDRESS):
        folder = devices / port.address.removeprefix(ADDRESS)
        try:
            bus, device = (int((folder / name).read_text()) for name in ("busnum", "devnum"))
        except (OSError, ValueError):
            return None
        path = nodes / f"{bus:03}" / f"{device:03}"
    else:
        return None
    return path if path.exists() else None


def may_open(node: Path) -> bool:
    """Whether this process may read and write a device; opens nothing."""
    effective = os.access in os.supports_effective_ids
    return os.access(node, READ_WRITE, effective_ids=effective)


@dataclass(frozen=True, slots=True)
class Membership:
    """How an account stands to the group of a device."""

    user: str
    group: str
    """Its name, or its number."""
    grants: bool
    """Whether the group may read and write the device."""
    listed: bool
    """The system's list of groups has the account in it."""
    in_force: bool
    """The login that this process belongs to has the group."""


def membership(node: Path) -> Membership:
    """Looks the account up; not on Windows."""
    if sys.platform == "win32":
        raise OSError("devices have no groups here")
    import grp
    import pwd

    status = node.stat()
    gid, uid = status.st_gid, os.geteuid()
    try:
        account = pwd.getpwuid(uid)
        user, main = account.pw_name, account.pw_gid
    except KeyError:
        user, main = str(uid), -1
    try:
        members = grp.getgrgid(gid).gr_mem
    except KeyError:
        members = []
    return Membership(
        user=user,
        group=owning_group(str(node)),
        grants=status.st_mode & 0o060 == 0o060,
        listed=main == gid or user in members,
        in_force=gid in {os.getegid(), *os.getgroups()},
    )


def _refused(node: Path) -> Found:
    who = membership(node)
    facts: dict[str, Fact] = {"port": str(node), "group": who.group, "user": who.user}
    title = f"This account may not open {node}."
    if who.grants and who.listed and not who.in_force:
        return found(
            AREA,
            "serial-login",
            Level.PROBLEM,
            title,
            f"{who.user} was added to the group {who.group}, but this login is older than that.",
            "Log out of the desktop and in again, or restart the computer.",
            facts=facts,
        )
    # Root's own group is nobody's way in.
    if who.grants and not who.in_force and who.group not in {"root", "0"}:
        return found(
            AREA,
            "serial-permission",
            Level.PROBLEM,
            title,
            f"The operating system gives it to the group {who.group}, in which {who.user} is not.",
            f"Run: sudo usermod -aG {who.group} {who.user}, then log out and in again. "
            "At this computer itself the udev rule of Mooring does as well.",
            commands=[f"sudo usermod -aG {who.group} {who.user}"],
            facts=facts,
        )
    return found(
        AREA,
        "serial-administrator",
        Level.PROBLEM,
        title,
        f"The operating system gives it to the administrator only (group {who.group}).",
        "Install the udev rule of Mooring (mooring doctor --udev-rules prints it), "
        "and plug the board in again.",
        facts=facts,
    )
