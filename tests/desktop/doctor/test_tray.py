"""A place for the icon: on a bus of its own, with and without a panel."""

from __future__ import annotations

import pytest
from dbus_fast.aio import MessageBus
from dbus_fast.message import Message
from dbus_fast.signature import Variant

from agent.desktop.doctor.tray import TrayPlace
from agent.simulator.ble_bus import PrivateBus
from tests.air import ON_LINUX
from tests.desktop.doctor.patient import codes, look
from tests.desktop.tray.panel import panel

pytestmark = ON_LINUX
DESKTOP = {"DISPLAY": ":7", "XDG_CURRENT_DESKTOP": "GNOME"}


@pytest.fixture
async def bus():
    async with PrivateBus() as private:
        yield private.address


async def test_a_computer_without_a_desktop_needs_no_place():
    assert await codes(TrayPlace(environ={})) == ["tray-fine"]


async def test_a_desktop_without_a_place_is_told_with_what_brings_one(bus):
    (one,) = await look(TrayPlace(environ=DESKTOP, address=bus))
    assert one.finding.code == "tray-none"
    assert "AppIndicator" in one.finding.mend
    (one,) = await look(TrayPlace(environ={"WAYLAND_DISPLAY": "wayland-0"}, address=bus))
    assert "System Tray" in one.finding.mend


async def test_a_panel_is_a_place(bus):
    async with panel(bus):
        assert await codes(TrayPlace(environ=DESKTOP, address=bus)) == ["tray-fine"]


@pytest.mark.parametrize(("shown", "code"), [(True, "tray-fine"), (False, "tray-none")])
async def test_a_watcher_without_a_panel_is_no_place(bus, shown, code):
    """As KDE's, which belongs to a service and not to the panel."""
    connection = await MessageBus(bus_address=bus).connect()

    def answer(message: Message) -> Message | None:
        if message.member != "Get":
            return None
        return Message.new_method_return(message, "v", [Variant("b", shown)])

    connection.add_message_handler(answer)
    await connection.request_name("org.kde.StatusNotifierWatcher")
    assert await codes(TrayPlace(environ=DESKTOP, address=bus)) == [code]
    connection.disconnect()
    await connection.wait_for_disconnect()


async def test_a_session_bus_that_cannot_be_reached_is_told(tmp_path, monkeypatch):
    place = TrayPlace(environ=DESKTOP, address=f"unix:path={tmp_path}/none")
    assert await codes(place) == ["tray-no-bus"]
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "nonsense")
    assert await codes(TrayPlace(environ=DESKTOP)) == ["tray-no-bus"]
