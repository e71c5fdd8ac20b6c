"""The menu as panels ask for it."""

from __future__ import annotations

from typing import Any

import pytest
from dbus_fast.constants import MessageType
from dbus_fast.errors import DBusError
from dbus_fast.message import Message
from dbus_fast.signature import SignatureTree, Variant
from hypothesis import given
from hypothesis import strategies as st

from agent.desktop.tray.dbus_menu import INTERFACE, PATH, DBusMenu
from agent.desktop.tray.dbus_object import INTROSPECTABLE, PROPERTIES, answer
from agent.desktop.tray.item import Action, CancelJob, MenuItem, Opened, OpenPage, Quit
from agent.desktop.tray.menu import View, build_menu
from tests.desktop.tray.panel import Line, line_of
from tests.desktop.tray.samples import board, job

SAMPLE = (
    MenuItem(key="open", label="Open Mooring", action=OpenPage()),
    MenuItem(key="line"),
    MenuItem(key="a", label="snake_case", action=OpenPage(("a",)), mark="radio", checked=True),
    MenuItem(key="none", label="No job"),
    MenuItem(
        key="quit",
        label="Quit",
        children=(MenuItem(key="sure", label="Sure", action=Quit(agreed=True)),),
    ),
)


class Asked:
    """A menu, and a panel that asks it without a bus."""

    def __init__(self, menu: tuple[MenuItem, ...] = SAMPLE) -> None:
        self.chosen: list[Action] = []
        self.menu = DBusMenu(self.chosen.append)
        self.menu.replace(menu)

    def __call__(
        self, member: str, signature: str = "", *body: Any, interface: str | None = INTERFACE
    ) -> list[Any]:
        message = Message(
            destination=":1.1",
            path=PATH,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
            serial=1,
        )
        message.sender = ":1.2"
        reply = answer([self.menu], message)
        assert reply is not None
        assert reply.message_type is MessageType.METHOD_RETURN
        # What is sent must fit what is said of it.
        SignatureTree(reply.signature).verify(reply.body)
        return list(reply.body)

    @property
    def lines(self) -> list[Line]:
        return line_of(self("GetLayout", "iias", 0, -1, [])[1]).lines

    def number(self, label: str) -> int:
        lines = [each for line in self.lines for each in (line, *line.lines)]
        (found,) = [line.number for line in lines if line.label.startswith(label)]
        return found

    def click(self, number: int, event: str = "clicked") -> None:
        self("Event", "isvu", number, event, Variant("s", ""), 0)


def test_the_layout_holds_each_line_with_what_differs_from_the_default():
    opened, between, radio, note, last = Asked().lines
    assert opened.properties == {"label": "Open Mooring"}
    assert between.properties == {"type": "separator"}
    assert radio.properties == {
        "label": "snake__case",
        "toggle-type": "radio",
        "toggle-state": 1,
    }
    assert note.properties == {"label": "No job", "enabled": False}
    assert last.properties == {"label": "Quit", "children-display": "submenu"}
    assert [line.properties["label"] for line in last.lines] == ["Sure"]


@pytest.mark.parametrize(("depth", "levels"), [(0, 0), (1, 1), (2, 2), (-1, 2)])
def test_a_panel_may_ask_for_some_levels_only(depth, levels):
    def height(line: Line) -> int:
        return 1 + max(map(height, line.lines)) if line.lines else 0

    assert height(line_of(Asked()("GetLayout", "iias", 0, depth, [])[1])) == levels


def test_a_panel_may_ask_for_one_submenu_and_for_some_properties():
    asked = Asked()
    layout = asked("GetLayout", "iias", asked.number("Quit"), -1, ["label"])[1]
    line = line_of(layout)
    assert line.properties == {"label": "Quit"}
    assert [each.label for each in line.lines] == ["Sure"]


def test_properties_of_some_lines_of_all_lines_and_of_one():
    asked = Asked()
    number = asked.number("snake")
    (some,) = asked("GetGroupProperties", "aias", [number, 999], ["toggle-state"])
    assert some == [[number, {"toggle-state": Variant("i", 1)}]]
    (everything,) = asked("GetGroupProperties", "aias", [], [])
    assert len(everything) == 6
    assert asked("GetProperty", "is", number, "label") == [Variant("s", "snake__case")]
    for wrong in ((999, "label"), (number, "icon-name")):
        with pytest.raises(DBusError):
            asked("GetProperty", "is", *wrong)


def test_a_click_is_an_action_and_nothing_else_is():
    asked = Asked()
    asked.click(asked.number("Sure"))
    assert asked.chosen == [Quit(agreed=True)]
    for event in ("hovered", "opened", "closed"):
        asked.click(asked.number("Sure"), event)
    for label in ("No job", "Quit"):
        asked.click(asked.number(label))
    assert asked.chosen == [Quit(agreed=True)]


def test_a_menu_that_is_opened_is_told_whichever_way_the_panel_says_it():
    asked = Asked()
    event = [0, "opened", Variant("s", ""), 0]
    asked("Event", "isvu", *event)
    asked("EventGroup", "a(isvu)", [event])
    asked("AboutToShow", "i", 0)
    asked("AboutToShowGroup", "ai", [0])
    assert asked.chosen == [Opened()] * 4
    asked.click(0, "closed")
    assert len(asked.chosen) == 4


def test_clicks_in_a_group_are_done_and_the_lines_that_are_gone_named():
    asked = Asked()
    data = Variant("s", "")
    events = [[asked.number("Open"), "clicked", data, 0], [999, "clicked", data, 0]]
    assert asked("EventGroup", "a(isvu)", events) == [[999]]
    assert asked.chosen == [OpenPage()]
    assert asked("EventGroup", "a(isvu)", [[0, "opened", data, 0]]) == [[]]
    with pytest.raises(DBusError):
        asked("EventGroup", "a(isvu)", [[999, "clicked", data, 0]])


def test_a_click_on_a_line_that_is_gone_hits_no_other_one():
    asked = Asked((MenuItem(key="cancel", label="Cancel", action=CancelJob("1")),))
    before = asked.number("Cancel")
    asked.menu.replace((MenuItem(key="quit", label="Quit", action=Quit()),))
    with pytest.raises(DBusError):
        asked.click(before)
    asked.menu.replace((MenuItem(key="cancel", label="Cancel", action=CancelJob("1")),))
    assert asked.number("Cancel") != before
    assert asked.chosen == []


def test_a_line_keeps_its_number_while_others_come_and_go():
    asked = Asked(build_menu(View(boards=(board(1), board(2)))))
    before = asked.number("Arduino UNO R4 WiFi – ttyACM2")
    asked.menu.replace(build_menu(View(boards=(board(2, name="kitchen"),), jobs=(job(2),))))
    assert asked.number("kitchen") == before


def test_about_to_show_needs_nothing():
    asked = Asked()
    assert asked("AboutToShow", "i", 0) == [False]
    assert asked("AboutToShow", "i", asked.number("Quit")) == [False]
    with pytest.raises(DBusError):
        asked("AboutToShow", "i", 999)
    assert asked("AboutToShowGroup", "ai", [0, 999]) == [[], [999]]


def test_other_words_are_told_as_changed_properties():
    asked = Asked(build_menu(View(jobs=(job(),))))
    number = asked.number("Setting up sensor-1")
    (signal,) = asked.menu.replace(build_menu(View(jobs=(job(title="Erasing"),))))
    label = Variant("s", "Erasing – 38%")
    assert signal == (
        "ItemsPropertiesUpdated",
        "a(ia{sv})a(ias)",
        [[[number, {"label": label}]], []],
    )


def test_a_property_that_falls_back_to_its_default_is_told_as_removed():
    asked = Asked((MenuItem(key="a", label="A"),))
    (signal,) = asked.menu.replace((MenuItem(key="a", label="A", action=Quit()),))
    assert signal[2] == [[], [[asked.number("A"), ["enabled"]]]]


def test_other_lines_are_told_as_another_layout():
    asked = Asked()
    before = asked("GetLayout", "iias", 0, 0, [])[0]
    ((member, _, (revision, parent)),) = asked.menu.replace(SAMPLE[1:])
    assert (member, parent) == ("LayoutUpdated", 0)
    assert revision > before
    assert asked("GetLayout", "iias", 0, 0, [])[0] == revision


def test_the_same_menu_again_is_no_news():
    assert Asked().menu.replace(SAMPLE) == []


def test_the_standard_interfaces_answer():
    asked = Asked()
    (properties,) = asked("GetAll", "s", INTERFACE, interface=PROPERTIES)
    assert properties["Version"] == Variant("u", 3)
    assert asked("GetAll", "s", "org.other", interface=PROPERTIES) == [{}]
    (status,) = asked("Get", "ss", INTERFACE, "Status", interface=PROPERTIES)
    assert status == Variant("s", "normal")
    (xml,) = asked("Introspect", interface=INTROSPECTABLE)
    assert '<method name="EventGroup">' in xml
    assert len(asked("AboutToShow", "i", 0, interface=None)) == 1


def test_what_is_wrong_is_refused_with_a_reason():
    asked = Asked()
    for member, signature, body, interface in (
        ("GetLayout", "i", [0], INTERFACE),
        ("Event", "", [], INTERFACE),
        ("Get", "ss", [INTERFACE, "Nothing"], PROPERTIES),
        ("Set", "ssv", [INTERFACE, "Status", Variant("s", "x")], PROPERTIES),
    ):
        with pytest.raises(DBusError):
            asked(member, signature, *body, interface=interface)


keys = st.sampled_from("abcdefgh")
leaves = st.builds(
    lambda key, label, mark, checked: MenuItem(
        key=key, label=label, action=OpenPage((key,)), mark=mark, checked=checked
    ),
    key=keys,
    label=st.text(max_size=5),
    mark=st.sampled_from([None, "radio", "check"]),
    checked=st.booleans(),
)


@given(st.lists(st.lists(leaves, max_size=6, unique_by=lambda item: item.key), max_size=6))
def test_a_panel_that_follows_the_signals_always_knows_the_menu(menus):
    asked = Asked(())
    shown: dict[int, dict[str, Any]] = {}
    for items in menus:
        for member, signature, body in asked.menu.replace(tuple(items)):
            SignatureTree(signature).verify(body)
            if member == "LayoutUpdated":
                shown = {line.number: line.properties for line in asked.lines}
                continue
            changed, removed = body
            for number, names in removed:
                for name in names:
                    del shown[number][name]
            for number, properties in changed:
                shown[number].update({name: each.value for name, each in properties.items()})
        assert shown == {line.number: line.properties for line in asked.lines}
