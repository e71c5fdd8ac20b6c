"""NetworkManager's objects as data, and our profile before the real NetworkManager."""

from __future__ import annotations

import os

import pytest

from agent.errors import WifiAbsent, WifiFailed
from agent.links.access_point_nm import variants
from agent.links.access_point_nm_objects import (
    ACTIVE,
    DEVICE,
    NOWHERE,
    POINT,
    ROOT,
    SERVICE,
    SETTINGS,
    SETTINGS_PATH,
    WIRELESS,
    profile,
    read_active,
    read_computer,
    read_devices,
    read_points,
    read_radio,
)
from agent.links.access_point_wifi import Adapter, Computer, Network
from tests.links.real_nm import real_nm

SSID = "🛥 boat".encode() * 3 + b"!!"
UUID = "93ea43ca-a0f1-4573-8424-1dc0c059e075"
IN_MEMORY, NO_AUTOCONNECT = 0x2, 0x20
"""``NMSettingsAddConnection2Flags``."""
real = pytest.mark.needs("networkmanager")
root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="namespaces are made by root"
)


def objects(**active):
    """An adapter that hears three networks, and a cable."""
    return {
        ROOT: {SERVICE: {"PrimaryConnection": "/active/1", "WirelessEnabled": True}},
        "/dev/1": {
            DEVICE: {
                "DeviceType": 2,
                "Interface": "wlan0",
                "State": 100,
                "ActiveConnection": "/active/1",
            },
            WIRELESS: {"AccessPoints": ["/ap/1", "/ap/2", "/ap/3", "/ap/gone"], "LastScan": 77},
        },
        "/dev/2": {DEVICE: {"DeviceType": 1, "Interface": "eth0", "State": 100}},
        "/dev/3": {DEVICE: {"DeviceType": 2, "Interface": "wlan1", "State": 20}},
        "/active/1": {ACTIVE: {"Uuid": "u", "Id": "Ho\u202eme", "State": 2} | active},
        "/ap/1": {POINT: {"Ssid": SSID, "Strength": 60, "HwAddress": "02:00", "Mode": 2}},
        "/ap/2": {POINT: {"Ssid": b"Home", "Flags": 1, "WpaFlags": 0, "RsnFlags": 0x188}},
        "/ap/3": {POINT: {"Ssid": b"laptop", "Mode": 1}},
    }


def test_only_usable_wifi_adapters_are_told_and_their_network_is_cleaned():
    adapter = Adapter("wlan0", Network(id="u", name="Ho·me"), internet=True)
    assert read_computer(objects()) == Computer((adapter,), elsewhere=False)


@pytest.mark.parametrize("state", [3, 4, 0])
def test_a_network_on_its_way_out_is_none_to_come_back_to(state):
    (adapter,) = read_computer(objects(State=state)).adapters
    assert adapter.network is None


def test_the_internet_over_something_else_is_told():
    found = objects()
    found[ROOT][SERVICE]["PrimaryConnection"] = "/active/cable"
    assert read_computer(found).elsewhere
    found[ROOT][SERVICE]["PrimaryConnection"] = NOWHERE
    assert not read_computer(found).elsewhere


def test_points_keep_their_bytes_and_say_whether_they_ask_for_a_password():
    points = read_points(objects())
    assert [(point.ssid, point.secured) for point in points] == [(SSID, False), (b"Home", True)]
    assert (points[0].place, points[0].adapter, points[0].strength) == ("/ap/1", "wlan0", 60)


def test_devices_that_are_off_are_known_but_not_usable():
    on, off = read_devices(objects())
    assert (on.usable, on.off, on.last_scan_ms) == (True, False, 77)
    assert (off.usable, off.off, off.last_scan_ms) == (False, True, -1)


def test_objects_that_are_not_there_are_no_error():
    assert read_active({}, "/active/1") is None
    assert read_devices({}) == []
    assert read_points({}) == []
    assert read_computer({}) == Computer(())
    assert read_radio({}).on


@pytest.mark.parametrize(
    "name", ["WirelessEnabled", "WirelessHardwareEnabled", "NetworkingEnabled"]
)
def test_each_switch_counts(name):
    assert not read_radio({ROOT: {SERVICE: {name: False}}}).on


def test_the_user_is_named_only_where_the_profile_is_for_one():
    assert "permissions" not in profile(SSID, UUID, "wlan0", None)["connection"]
    alone = profile(SSID, UUID, "wlan0", "ann")["connection"]
    assert alone["permissions"] == ["user:ann:"]


async def added(bus, settings) -> str:
    body = [variants(settings), IN_MEMORY | NO_AUTOCONNECT, {}]
    path, _ = await bus.call(SETTINGS_PATH, SETTINGS, "AddConnection2", "a{sa{sv}}ua{sv}", body)
    return str(path)


@real
@root
async def test_the_real_service_takes_our_profile_as_it_is(tmp_path):
    async with real_nm(tmp_path) as bus:
        path = await added(bus, profile(SSID, UUID, "wlan0", "root"))
        (kept,) = await bus.call(path, f"{SETTINGS}.Connection", "GetSettings", "", [])
    assert bytes(kept["802-11-wireless"]["ssid"].value) == SSID
    assert kept["connection"]["uuid"].value == UUID
    assert kept["connection"]["autoconnect"].value is False
    for family in ("ipv4", "ipv6"):
        assert kept[family]["never-default"].value is True
        assert kept[family]["ignore-auto-dns"].value is True
    assert kept["ipv4"]["may-fail"].value is False


@real
@root
async def test_the_real_service_names_what_is_wrong_in_a_profile(tmp_path):
    wrong_mode = profile(SSID, UUID, "wlan0", None)
    wrong_mode["802-11-wireless"]["mode"] = "station"
    async with real_nm(tmp_path) as bus:
        with pytest.raises(WifiFailed, match=r"802-11-wireless\.mode"):
            await added(bus, wrong_mode)
        with pytest.raises(WifiFailed, match=r"ssid: SSID length is out of range"):
            await added(bus, profile(b"x" * 33, UUID, "wlan0", None))


@real
@root
async def test_the_real_service_knows_the_options_that_bind_the_profile_to_us(tmp_path):
    async with real_nm(tmp_path) as bus:

        async def join(**options: str) -> None:
            body = [
                variants(profile(SSID, UUID, "wlan0", None)),
                *(NOWHERE, NOWHERE),
                {name.replace("_", "-"): ("s", value) for name, value in options.items()},
            ]
            await bus.call(ROOT, SERVICE, "AddAndActivateConnection2", "a{sa{sv}}ooa{sv}", body)

        with pytest.raises(WifiAbsent):  # the options are fine; there is no adapter
            await join(persist="volatile", bind_activation="dbus-client")
        for wrong in ({"persist": "never"}, {"bind_activation": "us"}, {"no_such": "thing"}):
            with pytest.raises(WifiFailed):
                await join(**wrong)
