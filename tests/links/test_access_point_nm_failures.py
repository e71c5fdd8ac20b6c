"""What NetworkManager's errors and reasons mean."""

from __future__ import annotations

import pytest

from agent.errors import (
    ApNotHeard,
    ApUnjoined,
    WifiAbsent,
    WifiFailed,
    WifiForbidden,
    WifiOff,
    WifiStopped,
)
from agent.links.access_point_nm_failures import bus_error, no_device, not_joined
from agent.links.access_point_nm_objects import Device, Radio

NM = "org.freedesktop.NetworkManager."
BUS = "org.freedesktop.DBus.Error."
ON = Radio(software=True, hardware=True)


def device(state: int) -> Device:
    return Device("/dev/1", "wlan0", state, None, -1, ())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (f"{BUS}ServiceUnknown", WifiStopped),
        (f"{BUS}NameHasNoOwner", WifiStopped),
        (f"{BUS}NoReply", WifiStopped),
        (f"{BUS}AccessDenied", WifiForbidden),
        (f"{NM}PermissionDenied", WifiForbidden),
        (f"{NM}UnknownDevice", WifiAbsent),
        (f"{NM}Device.CreationFailed", WifiFailed),
        (f"{BUS}UnknownMethod", WifiFailed),
        ("", WifiFailed),
    ],
)
def test_an_error_is_told_by_its_name(name, kind):
    assert type(bus_error(name, "what it says")) is kind


def test_the_words_of_the_service_are_cleaned_and_end_once():
    error = bus_error(f"{NM}PermissionDenied", "not \x1b[31mallowed.\n")
    assert "The system refuses it: not ·[31mallowed." in error.report().meaning
    assert "no reason was given" in bus_error(f"{NM}Failed", "").report().title


@pytest.mark.parametrize(
    ("devices", "radio", "kind"),
    [
        ([], ON, WifiAbsent),
        ([device(10)], ON, WifiAbsent),
        ([device(20)], Radio(software=False, hardware=True), WifiOff),
        ([device(20)], Radio(software=True, hardware=False), WifiOff),
        ([device(20)], ON, WifiFailed),
        ([device(20), device(30)], ON, type(None)),
        ([device(100)], ON, type(None)),
    ],
)
def test_why_no_adapter_can_be_used(devices, radio, kind):
    assert type(no_device(devices, radio)) is kind


def test_why_the_access_point_was_not_joined():
    assert isinstance(not_joined(b"AP", 53), ApNotHeard)
    error = not_joined(b"AP", 5)
    assert isinstance(error, ApUnjoined)
    assert error.report().meaning == "The board gave this computer no address."
    assert "(reason 99)" in not_joined(b"AP", 99).report().meaning
