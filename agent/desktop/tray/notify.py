"""Notifications on Linux: ``org.freedesktop.Notifications``.

Nobody is told anything where no program shows notifications; the menu and the page say the same.
Source: Desktop Notifications Specification 1.2.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from dbus_fast.constants import MessageType
from dbus_fast.errors import DBusError
from dbus_fast.signature import Variant

from agent.desktop.tray.host import TITLE
from agent.desktop.tray.icons import rgba
from agent.desktop.tray.item import OpenPage
from agent.desktop.tray.news import Notice, Withdraw
from agent.desktop.tray.session_bus import call
from agent.desktop.tray.state import IconState

if TYPE_CHECKING:
    from dbus_fast.aio import MessageBus
    from dbus_fast.message import Message

    from agent.desktop.tray.host import Act

SERVICE: Final = "org.freedesktop.Notifications"
PATH: Final = "/org/freedesktop/Notifications"
RULE: Final = f"type='signal',interface='{SERVICE}',path='{PATH}'"
APP_ID: Final = "mooring"
"""Name of our desktop entry; desktops let people silence a program by it."""
WAITING_LIMIT: Final = 16
"""News that wait to be shown; the oldest of more are dropped, nobody could read them."""
OPEN_LIMIT: Final = 64
"""Notifications that can still be clicked or taken back; the oldest is forgotten."""
ICON_SIZE: Final = 48
DEFAULT: Final = "default"
"""The action of a click on the notification itself."""

_log = logging.getLogger(__name__)


class Notifier:
    """Shows news over one connection to the bus; :meth:`run` it beside."""

    def __init__(self, bus: MessageBus, act: Act) -> None:
        self._bus = bus
        self._act = act
        self._waiting: deque[Notice | Withdraw] = deque(maxlen=WAITING_LIMIT)
        self._news = asyncio.Event()
        self._open: dict[str, tuple[int, Notice]] = {}
        self._markup: bool | None = None
        self._silent = False

    def tell(self, news: Notice | Withdraw) -> None:
        """Show it, or take it back, in turn."""
        self._waiting.append(news)
        self._news.set()

    async def run(self) -> None:
        """Show what comes, until this is cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                news = self._waiting.popleft()
                try:
                    await self._show(news)
                    self._silent = False
                except DBusError as error:
                    # Once, not with each of them.
                    if not self._silent:
                        _log.info("no notifications on this desktop: %s", error)
                    self._silent = True

    def heard(self, message: Message) -> None:
        """A message of the bus: perhaps somebody clicked a notification, or closed it."""
        if message.message_type is not MessageType.SIGNAL or message.interface != SERVICE:
            return
        if message.member == "ActionInvoked" and message.signature == "us":
            for number, notice in list(self._open.values()):
                if number == message.body[0]:
                    self._act(OpenPage(notice.place))
        elif message.member == "NotificationClosed" and message.signature == "uu":
            closed = [key for key, (number, _) in self._open.items() if number == message.body[0]]
            for key in closed:
                del self._open[key]

    async def _show(self, news: Notice | Withdraw) -> None:
        if isinstance(news, Withdraw):
            shown = self._open.pop(news.key, None)
            if shown is not None:
                # It may have been closed in this moment.
                with contextlib.suppress(DBusError):
                    await self._ask("CloseNotification", "u", [shown[0]])
            return
        if self._markup is None:
            capabilities = (await self._ask("GetCapabilities", "", []))[0]
            self._markup = "body-markup" in capabilities
        before = self._open.pop(news.key, None)
        body = html.escape(news.body, quote=False) if self._markup else news.body
        hints = {
            "urgency": Variant("y", 0 if news.low else 1),
            "desktop-entry": Variant("s", APP_ID),
            "image-data": Variant("(iiibiiay)", _image()),
        }
        values = [
            *(TITLE, before[0] if before else 0, "", news.title, body),
            *([DEFAULT, f"Open {TITLE}"], hints, -1),
        ]
        number = (await self._ask("Notify", "susssasa{sv}i", values))[0]
        self._open[news.key] = (number, news)
        while len(self._open) > OPEN_LIMIT:
            del self._open[next(iter(self._open))]

    async def _ask(self, member: str, signature: str, body: list[Any]) -> list[Any]:
        return await call(self._bus, SERVICE, PATH, member, signature, body)


def _image() -> list[Any]:
    """The icon as the specification wants it: size, row, opacity, bits, channels, pixels."""
    pixels = rgba(IconState.IDLE, ICON_SIZE)
    return [ICON_SIZE, ICON_SIZE, ICON_SIZE * 4, True, 8, 4, pixels]
