"""Whether the desktop has a place for the icon (Linux; Windows and macOS always have one)."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Final

from agent.desktop.doctor.found import fine, found
from agent.errors import Level
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.desktop.doctor.found import Found

AREA: Final = "tray"
DISPLAYS: Final = ("WAYLAND_DISPLAY", "DISPLAY")


class TrayPlace:
    """Asks the session bus as the icon does."""

    area = AREA

    def __init__(
        self, *, environ: Mapping[str, str] = os.environ, address: str | None = None
    ) -> None:
        """``address``: of the bus; None: that of the session."""
        self._environ = environ
        self._address = address

    async def look(self) -> Sequence[Found]:
        """No desktop, no bus, no place on it, or one."""
        if sys.platform != "linux":
            return []
        if not any(self._environ.get(name) for name in DISPLAYS):
            return [fine(AREA, "There is no desktop here, so there is no icon either.")]
        from agent.desktop.tray.session_bus import BUS_ERRORS

        try:
            there = await self._ask()
        except BUS_ERRORS as error:
            return [
                found(
                    AREA,
                    "tray-no-bus",
                    Level.WARNING,
                    "The session bus of this desktop cannot be reached.",
                    "There is no icon and no notification, and no keyring either: "
                    f"{clean_text(str(error)) or type(error).__name__}.",
                    "Start Mooring from the desktop itself, not over SSH or with sudo; log out and "
                    "in again if it stays.",
                )
            ]
        if there:
            return [fine(AREA, "The desktop has a place for the icon.")]
        return [
            found(
                AREA,
                "tray-none",
                Level.WARNING,
                "This desktop has no place for the icon.",
                "The page does all that the icon does; the icon appears as soon as there is a "
                "place for it.",
                self._mend(),
            )
        ]

    async def _ask(self) -> bool:
        """Whether something shows icons; raises one of the bus's errors."""
        from dbus_fast.aio import MessageBus
        from dbus_fast.constants import BusType, MessageType
        from dbus_fast.message import Message

        from agent.desktop.tray.session_bus import ANSWER_LIMIT_S, BUS, BUS_PATH, call, connect
        from agent.desktop.tray.status_notifier import WATCHER, WATCHER_PATH

        question = Message(
            destination=WATCHER,
            path=WATCHER_PATH,
            interface="org.freedesktop.DBus.Properties",
            member="Get",
            signature="ss",
            body=[WATCHER, "IsStatusNotifierHostRegistered"],
        )
        bus = MessageBus(self._address, bus_type=BusType.SESSION)
        try:
            await connect(bus)
            (owned,) = await call(bus, BUS, BUS_PATH, "NameHasOwner", "s", [WATCHER])
            if not owned:
                return False
            async with asyncio.timeout(ANSWER_LIMIT_S):
                reply = await bus.call(question)
        finally:
            bus.disconnect()
        # The watcher of KDE lives without a panel, too; another one may not know the question.
        return reply.message_type is MessageType.ERROR or bool(reply.body[0].value)

    def _mend(self) -> str:
        if "GNOME" in self._environ.get("XDG_CURRENT_DESKTOP", ""):
            return (
                "Install the extension “AppIndicator and KStatusNotifierItem Support” "
                "(Debian, Ubuntu: gnome-shell-extension-appindicator) and log in again."
            )
        return "Add “Status Tray” or “System Tray” to the panel of the desktop."
