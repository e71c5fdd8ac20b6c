"""The menu as panels on Linux ask for it: ``com.canonical.dbusmenu``, version 3. No I/O.

Source: libdbusmenu, ``dbus-menu.xml`` (the interface and the names of the properties). Panels send
clicks one at a time or in groups; some only in groups (xfce4-panel).
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from dbus_fast.constants import ErrorType
from dbus_fast.errors import DBusError
from dbus_fast.signature import Variant

from agent.desktop.tray.item import Opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from agent.desktop.tray.dbus_object import Methods, Reply
    from agent.desktop.tray.item import Action, MenuItem

PATH: Final = "/MenuBar"
INTERFACE: Final = "com.canonical.dbusmenu"
VERSION: Final = 3
ROOT: Final = 0
"""The id of the menu itself."""

Signal: TypeAlias = tuple[str, str, list[Any]]
"""Member, signature and values of a signal to send."""
_Properties: TypeAlias = dict[str, Variant]


class DBusMenu:
    """One menu. :meth:`replace` it at will; ``act`` gets what a person chose."""

    path = PATH
    interface = INTERFACE
    xml = """
<property name="Version" type="u" access="read"/>
<property name="TextDirection" type="s" access="read"/>
<property name="Status" type="s" access="read"/>
<property name="IconThemePath" type="as" access="read"/>
<method name="GetLayout">
 <arg type="i" direction="in"/><arg type="i" direction="in"/><arg type="as" direction="in"/>
 <arg type="u" direction="out"/><arg type="(ia{sv}av)" direction="out"/>
</method>
<method name="GetGroupProperties">
 <arg type="ai" direction="in"/><arg type="as" direction="in"/>
 <arg type="a(ia{sv})" direction="out"/>
</method>
<method name="GetProperty">
 <arg type="i" direction="in"/><arg type="s" direction="in"/><arg type="v" direction="out"/>
</method>
<method name="Event">
 <arg type="i" direction="in"/><arg type="s" direction="in"/>
 <arg type="v" direction="in"/><arg type="u" direction="in"/>
</method>
<method name="EventGroup">
 <arg type="a(isvu)" direction="in"/><arg type="ai" direction="out"/>
</method>
<method name="AboutToShow"><arg type="i" direction="in"/><arg type="b" direction="out"/></method>
<method name="AboutToShowGroup">
 <arg type="ai" direction="in"/><arg type="ai" direction="out"/><arg type="ai" direction="out"/>
</method>
<signal name="ItemsPropertiesUpdated"><arg type="a(ia{sv})"/><arg type="a(ias)"/></signal>
<signal name="LayoutUpdated"><arg type="u"/><arg type="i"/></signal>
<signal name="ItemActivationRequested"><arg type="i"/><arg type="u"/></signal>
"""

    def __init__(self, act: Callable[[Action], None]) -> None:
        self._act = act
        self._menu: tuple[MenuItem, ...] = ()
        self._ids: dict[str, int] = {}
        self._items: dict[int, MenuItem] = {}
        # Never the same number twice: a click on a line that has gone must not hit another one.
        self._numbers = count(ROOT + 1)
        self._revision = 1

    @property
    def methods(self) -> Methods:
        """See :class:`agent.desktop.tray.dbus_object.BusObject`."""
        return {
            "GetLayout": ("iias", self._get_layout),
            "GetGroupProperties": ("aias", self._get_group_properties),
            "GetProperty": ("is", self._get_property),
            "Event": ("isvu", self._event),
            "EventGroup": ("a(isvu)", self._event_group),
            "AboutToShow": ("i", self._about_to_show),
            "AboutToShowGroup": ("ai", self._about_to_show_group),
        }

    def properties(self) -> _Properties:
        """See :class:`agent.desktop.tray.dbus_object.BusObject`."""
        return {
            "Version": Variant("u", VERSION),
            "TextDirection": Variant("s", "ltr"),
            "Status": Variant("s", "normal"),
            "IconThemePath": Variant("as", []),
        }

    def replace(self, menu: tuple[MenuItem, ...]) -> list[Signal]:
        """Take another menu; what to tell panels that show the one before."""
        before, shape = self._items, self._shape(self._menu)
        self._menu = menu
        items = list(_walk(menu))
        self._ids = {item.key: self._ids.get(item.key) or next(self._numbers) for item in items}
        self._items = {self._ids[item.key]: item for item in items}
        if self._shape(menu) != shape:
            self._revision += 1
            return [("LayoutUpdated", "ui", [self._revision, ROOT])]
        changed, removed = [], []
        for number, item in self._items.items():
            was, now = _properties(before[number]), _properties(item)
            new = {name: value for name, value in now.items() if was.get(name) != value}
            gone = [name for name in was if name not in now]
            if new:
                changed.append([number, new])
            if gone:
                removed.append([number, gone])
        if not changed and not removed:
            return []
        return [("ItemsPropertiesUpdated", "a(ia{sv})a(ias)", [changed, removed])]

    def _shape(self, menu: Sequence[MenuItem]) -> list[object]:
        """Which lines are there and below which."""
        return [(self._ids[item.key], self._shape(item.children)) for item in menu]

    # --- what panels call ------------------------------------------------------------------------

    def _get_layout(self, parent: int, depth: int, names: list[str]) -> Reply:
        if parent == ROOT:
            properties: _Properties = {"children-display": Variant("s", "submenu")}
            children = self._menu
        else:
            item = self._require(parent)
            properties, children = _properties(item), item.children
        layout = [parent, _only(properties, names), self._layouts(children, depth, names)]
        return "u(ia{sv}av)", [self._revision, layout]

    def _layouts(self, items: Sequence[MenuItem], depth: int, names: list[str]) -> list[Variant]:
        """``depth`` levels of ``items``; a negative number: all."""
        if depth == 0:
            return []
        return [
            Variant(
                "(ia{sv}av)",
                [
                    self._ids[item.key],
                    _only(_properties(item), names),
                    self._layouts(item.children, depth - 1, names),
                ],
            )
            for item in items
        ]

    def _get_group_properties(self, numbers: list[int], names: list[str]) -> Reply:
        wanted = numbers or list(self._items)
        found = [(number, self._items[number]) for number in wanted if number in self._items]
        return "a(ia{sv})", [[[number, _only(_properties(item), names)] for number, item in found]]

    def _get_property(self, number: int, name: str) -> Reply:
        value = _properties(self._require(number)).get(name)
        if value is None:
            raise DBusError(ErrorType.INVALID_ARGS, f"line {number} has no {name}")
        return "v", [value]

    def _event(self, number: int, event: str, data: Variant, when: int) -> Reply:
        del data, when
        if number != ROOT:
            self._happened(self._require(number), event)
        elif event == "opened":
            self._act(Opened())
        return "", []

    def _event_group(self, events: list[tuple[int, str, Variant, int]]) -> Reply:
        known = {number: self._items[number] for number, *_ in events if number in self._items}
        for number, event, data, when in events:
            if number in known or number == ROOT:
                self._event(number, event, data, when)
        unknown = [number for number, *_ in events if number not in known and number != ROOT]
        if unknown and len(unknown) == len(events):
            raise DBusError(ErrorType.INVALID_ARGS, "none of these lines is there")
        return "ai", [unknown]

    def _about_to_show(self, number: int) -> Reply:
        if number != ROOT:
            self._require(number)
        else:
            self._act(Opened())
        return "b", [False]

    def _about_to_show_group(self, numbers: list[int]) -> Reply:
        unknown = [number for number in numbers if number not in self._items and number != ROOT]
        if ROOT in numbers:
            self._act(Opened())
        return "aiai", [[], unknown]

    def _happened(self, item: MenuItem, event: str) -> None:
        # Others say that a line was pointed at, or that a menu opened or closed.
        if event == "clicked" and item.action is not None:
            self._act(item.action)

    def _require(self, number: int) -> MenuItem:
        item = self._items.get(number)
        if item is None:
            raise DBusError(ErrorType.INVALID_ARGS, f"there is no line {number}")
        return item


def _walk(items: Iterable[MenuItem]) -> Iterator[MenuItem]:
    for item in items:
        yield item
        yield from _walk(item.children)


def _only(properties: _Properties, names: list[str]) -> _Properties:
    """Those that were asked for; nothing named: all."""
    if not names:
        return properties
    return {name: value for name, value in properties.items() if name in names}


def _properties(item: MenuItem) -> _Properties:
    """What differs from the default of the interface."""
    if item.separator:
        return {"type": Variant("s", "separator")}
    # An underscore would be taken for the mark of the next letter's key.
    properties = {"label": Variant("s", item.label.replace("_", "__"))}
    if not item.enabled:
        properties["enabled"] = Variant("b", False)
    if item.children:
        properties["children-display"] = Variant("s", "submenu")
    if item.mark is not None:
        kind = {"radio": "radio", "check": "checkmark"}[item.mark]
        properties["toggle-type"] = Variant("s", kind)
        properties["toggle-state"] = Variant("i", int(item.checked))
    return properties
