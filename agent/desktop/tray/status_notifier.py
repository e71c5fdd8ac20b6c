"""The tray on Linux: ``org.kde.StatusNotifierItem`` over the session bus, without a thread or GTK.

A panel that shows icons has a *watcher*; an item registers there, and again when another watcher
takes over, because the panel was restarted or the desktop has only just come up.
Sources: freedesktop.org, StatusNotifierItem; KDE's interface files; what xfce4-panel asks.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import logging
import os
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError
from dbus_fast.message import Message
from dbus_fast.signature import Variant

from agent.desktop.tray import dbus_menu, notify
from agent.desktop.tray.dbus_menu import DBusMenu
from agent.desktop.tray.dbus_object import answer
from agent.desktop.tray.host import TITLE, Shown
from agent.desktop.tray.icons import SIZES, argb
from agent.desktop.tray.item import OpenPage
from agent.desktop.tray.notify import Notifier
from agent.desktop.tray.session_bus import (
    ANSWER_LIMIT_S,
    BUS,
    BUS_ERRORS,
    BUS_PATH,
    call,
    connect,
    end_of,
    session_address,
)
from agent.desktop.tray.state import IconState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.desktop.tray.dbus_object import Methods, Reply
    from agent.desktop.tray.host import Act
    from agent.desktop.tray.item import Action
    from agent.desktop.tray.news import Notice, Withdraw

ITEM: Final = "org.kde.StatusNotifierItem"
PATH: Final = "/StatusNotifierItem"
WATCHER: Final = "org.kde.StatusNotifierWatcher"
WATCHER_PATH: Final = "/StatusNotifierWatcher"
_RULE: Final = (
    f"type='signal',sender='{BUS}',interface='{BUS}',member='NameOwnerChanged',arg0='{WATCHER}'"
)
RETRY_S: Final = 30.0
"""Between two attempts to reach a session bus that is not there: nothing tells when one comes."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Watcher:
    """Where items register, as far as the bus has told."""

    owner: str = ""
    """Its connection; empty: there is none."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class StatusNotifier:
    """The icon with its menu. ``address``: of the bus; None: that of the session."""

    path = PATH
    interface = ITEM
    xml = """
<property name="Category" type="s" access="read"/>
<property name="Id" type="s" access="read"/>
<property name="Title" type="s" access="read"/>
<property name="Status" type="s" access="read"/>
<property name="WindowId" type="i" access="read"/>
<property name="IconName" type="s" access="read"/>
<property name="IconPixmap" type="a(iiay)" access="read"/>
<property name="OverlayIconName" type="s" access="read"/>
<property name="AttentionIconName" type="s" access="read"/>
<property name="AttentionIconPixmap" type="a(iiay)" access="read"/>
<property name="ToolTip" type="(sa(iiay)ss)" access="read"/>
<property name="ItemIsMenu" type="b" access="read"/>
<property name="Menu" type="o" access="read"/>
<method name="ContextMenu"><arg type="i" direction="in"/><arg type="i" direction="in"/></method>
<method name="Activate"><arg type="i" direction="in"/><arg type="i" direction="in"/></method>
<method name="SecondaryActivate">
 <arg type="i" direction="in"/><arg type="i" direction="in"/>
</method>
<method name="Scroll"><arg type="i" direction="in"/><arg type="s" direction="in"/></method>
<signal name="NewIcon"/><signal name="NewAttentionIcon"/><signal name="NewToolTip"/>
<signal name="NewStatus"><arg type="s"/></signal>
"""

    def __init__(self, *, address: str | None = None, retry_s: float = RETRY_S) -> None:
        self._address = address
        self._retry_s = retry_s
        self._shown = Shown(IconState.IDLE, "", ())
        self._act: Act = _ignore
        self._menu = DBusMenu(self._chosen)
        self._bus: MessageBus | None = None
        self._notifier: Notifier | None = None
        self._pixmaps: dict[IconState, list[list[Any]]] = {}
        self._said = ""

    # --- the host ---------------------------------------------------------------------------------

    def show(self, shown: Shown) -> None:
        """See :class:`agent.desktop.tray.host.TrayHost`."""
        before, self._shown = self._shown, shown
        for signal in self._menu.replace(shown.menu):
            self._send(dbus_menu.PATH, dbus_menu.INTERFACE, *signal)
        if shown.icon is not before.icon:
            for member in ("NewIcon", "NewAttentionIcon"):
                self._send(PATH, ITEM, member)
            self._send(PATH, ITEM, "NewStatus", "s", [self._status()])
        if shown.line != before.line:
            self._send(PATH, ITEM, "NewToolTip")

    def tell(self, news: Notice | Withdraw) -> None:
        """See :class:`agent.desktop.tray.host.TrayHost`."""
        if self._notifier is not None:
            self._notifier.tell(news)

    async def run(self, act: Act) -> None:
        """See :class:`agent.desktop.tray.host.TrayHost`."""
        self._act = act
        while True:
            try:
                await self._one_connection()
                self._say("the session bus has gone, and the icon with it")
            except BUS_ERRORS as error:
                self._say(f"no icon, because there is no session bus: {error}")
            await asyncio.sleep(self._retry_s)

    # --- the item ---------------------------------------------------------------------------------

    @property
    def methods(self) -> Methods:
        """See :class:`agent.desktop.tray.dbus_object.BusObject`."""
        return {
            # A panel that shows the menu by itself asks for nothing; the others get the page.
            "Activate": ("ii", self._open_page),
            "SecondaryActivate": ("ii", self._open_page),
            "ContextMenu": ("ii", _nothing),
            "Scroll": ("is", _nothing),
        }

    def properties(self) -> dict[str, Variant]:
        """See :class:`agent.desktop.tray.dbus_object.BusObject`."""
        pixmaps = self._pixmaps_of(self._shown.icon)
        # Panels take the text for HTML.
        line = html.escape(self._shown.line, quote=False)
        return {
            "Category": Variant("s", "Hardware"),
            "Id": Variant("s", notify.APP_ID),
            "Title": Variant("s", TITLE),
            "Status": Variant("s", self._status()),
            "WindowId": Variant("i", 0),
            "IconName": Variant("s", ""),
            "IconPixmap": Variant("a(iiay)", pixmaps),
            "OverlayIconName": Variant("s", ""),
            "AttentionIconName": Variant("s", ""),
            "AttentionIconPixmap": Variant("a(iiay)", pixmaps),
            "ToolTip": Variant("(sa(iiay)ss)", ["", [], TITLE, line]),
            "ItemIsMenu": Variant("b", True),
            "Menu": Variant("o", dbus_menu.PATH),
        }

    def _pixmaps_of(self, icon: IconState) -> list[list[Any]]:
        """Drawn once each: a panel asks for it several times at each change."""
        if icon not in self._pixmaps:
            self._pixmaps[icon] = [[size, size, argb(icon, size)] for size in SIZES]
        return self._pixmaps[icon]

    def _status(self) -> str:
        return "NeedsAttention" if self._shown.icon is IconState.ASKING else "Active"

    def _open_page(self, x: int, y: int) -> Reply:
        del x, y
        self._chosen(next((i.action for i in self._shown.menu if i.action), OpenPage()))
        return "", []

    # --- the connection ---------------------------------------------------------------------------

    async def _one_connection(self) -> None:
        """Be on the bus until it goes."""
        bus = MessageBus(bus_address=self._address or session_address())
        await connect(bus)
        gone = asyncio.ensure_future(end_of(bus))
        notifier, watcher = Notifier(bus, self._chosen), _Watcher()
        bus.add_message_handler(partial(self._heard, notifier, watcher))
        self._bus, self._notifier = bus, notifier
        working = {
            asyncio.create_task(notifier.run(), name="notifications"),
            asyncio.create_task(self._register(bus, watcher), name="tray icon"),
        }
        try:
            done, _ = await asyncio.wait({gone, *working}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._bus = self._notifier = None
            bus.disconnect()
            for task in working:
                task.cancel()
            await asyncio.wait({gone, *working}, timeout=ANSWER_LIMIT_S)

    async def _register(self, bus: MessageBus, watcher: _Watcher) -> None:
        """Register at the watcher that there is, and at each that comes."""
        await call(bus, BUS, BUS_PATH, "RequestName", "su", [_own_name(), 0])
        await call(bus, BUS, BUS_PATH, "AddMatch", "s", [notify.RULE])
        await call(bus, BUS, BUS_PATH, "AddMatch", "s", [_RULE])
        with contextlib.suppress(DBusError):
            watcher.owner = (await call(bus, BUS, BUS_PATH, "GetNameOwner", "s", [WATCHER]))[0]
        while True:
            watcher.changed.clear()
            if watcher.owner:
                await self._register_once(bus)
            else:
                self._say("no place for an icon now; it appears when the desktop has one")
            await watcher.changed.wait()

    async def _register_once(self, bus: MessageBus) -> None:
        name = _own_name()
        try:
            await call(bus, WATCHER, WATCHER_PATH, "RegisterStatusNotifierItem", "s", [name])
        except DBusError as error:
            self._say(f"the desktop took no icon: {error}")
        else:
            self._say("the icon is shown")

    def _heard(self, notifier: Notifier, watcher: _Watcher, message: Message) -> Message | None:
        if message.member == "NameOwnerChanged" and message.sender == BUS:
            name, _, owner = message.body
            if name == WATCHER:
                watcher.owner = owner
                watcher.changed.set()
            return None
        notifier.heard(message)
        return answer((self, self._menu), message)

    def _chosen(self, action: Action) -> None:
        # Not inside the answer to the panel: what is done may change the menu it asks about.
        asyncio.get_running_loop().call_soon(self._act, action)

    def _send(
        self, path: str, interface: str, member: str, signature: str = "", body: Sequence[Any] = ()
    ) -> None:
        if self._bus is not None and self._bus.connected:
            self._bus.send(Message.new_signal(path, interface, member, signature, list(body)))

    def _say(self, what: str) -> None:
        """One line for each change, not one for each attempt."""
        if what != self._said:
            self._said = what
            _log.info("Tray: %s", what)


def _own_name() -> str:
    """The specification's name for an item: the process and a number."""
    return f"{ITEM}-{os.getpid()}-1"


def _nothing(*_: object) -> Reply:
    return "", []


def _ignore(_: object) -> None:
    """Before :meth:`StatusNotifier.run` nobody can click."""
