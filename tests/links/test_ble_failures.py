"""What bleak's errors mean to people, and what helps against a failed attempt."""

import re
import sys

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)

from agent.errors import (
    BleServiceMissing,
    BluetoothAbsent,
    BluetoothFailed,
    BluetoothForbidden,
    BluetoothOff,
    BluetoothStopped,
)
from agent.links.ble_failures import (
    Trouble,
    att_code,
    library_errors,
    radio_error,
    shown,
    trouble,
)

REASONS = {
    "NO_BLUETOOTH": BluetoothAbsent,
    "NO_BLE_CENTRAL_ROLE": BluetoothAbsent,
    "POWERED_OFF": BluetoothOff,
    "DENIED_BY_USER": BluetoothForbidden,
    "DENIED_BY_SYSTEM": BluetoothForbidden,
    "DENIED_BY_UNKNOWN": BluetoothForbidden,
    "UNKNOWN": BluetoothFailed,
}


def test_every_reason_of_the_library_is_known():
    assert set(REASONS) == {reason.name for reason in BleakBluetoothNotAvailableReason}


@pytest.mark.parametrize("reason", BleakBluetoothNotAvailableReason, ids=lambda each: each.name)
def test_each_reason_has_its_error_with_the_system_s_own_words(reason):
    error = radio_error(BleakBluetoothNotAvailableError("No radio here.", reason))
    assert type(error) is REASONS[reason.name]
    assert error.facts["detail"] == "No radio here."


def dbus(name: str, text: str = "it failed") -> BleakDBusError:
    return BleakDBusError(name, [text])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (dbus("org.bluez.Error.NotReady", "Resource Not Ready"), BluetoothOff),
        (dbus("org.freedesktop.DBus.Error.AccessDenied"), BluetoothForbidden),
        (dbus("org.bluez.Error.NotAuthorized"), BluetoothForbidden),
        (dbus("org.bluez.Error.Failed"), type(None)),
        (BleakError("device 'dev_A1' not found"), type(None)),
        (TimeoutError(), type(None)),
        (KeyError("org.bluez.GattService1"), type(None)),
    ],
)
def test_errors_of_the_bus_are_about_the_radio_or_about_the_board(error, kind):
    assert type(radio_error(error)) is kind


@pytest.mark.system("linux")
@pytest.mark.parametrize(
    "error",
    [
        dbus("org.freedesktop.DBus.Error.ServiceUnknown", "org.bluez was not provided"),
        dbus("org.freedesktop.DBus.Error.NoReply"),
        FileNotFoundError(2, "No such file", "/run/dbus/system_bus_socket"),
        ConnectionRefusedError(111, "Connection refused"),
        EOFError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_without_the_service_a_radio_that_is_there_makes_the_difference(error, tmp_path):
    assert type(radio_error(error, tmp_path / "bluetooth")) is BluetoothAbsent
    (tmp_path / "bluetooth").mkdir()
    assert type(radio_error(error, tmp_path / "bluetooth")) is BluetoothAbsent
    (tmp_path / "bluetooth" / "hci0").mkdir()
    assert type(radio_error(error, tmp_path / "bluetooth")) is BluetoothStopped


def windows_error(code: int) -> OSError:
    error = OSError(22, "a text in the language of the system")
    error.__dict__["winerror"] = code
    return error


@pytest.mark.system("linux", "darwin")  # there OSError has the attribute itself
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0x800710DF, BluetoothOff),
        (0x80070005, BluetoothForbidden),
        (0x80070422, BluetoothStopped),
        (0x80070426, BluetoothStopped),
        (0x80070490, type(None)),
    ],
)
def test_codes_of_windows_are_told_apart(code, kind):
    assert type(radio_error(windows_error(code - (1 << 32)))) is kind


@pytest.mark.parametrize("kind", [BluetoothOff, BluetoothForbidden, BluetoothStopped])
@pytest.mark.parametrize("system", ["linux", "win32", "darwin", "freebsd14"])
def test_each_system_has_its_own_remedy(kind, system, monkeypatch, tmp_path):
    (tmp_path / "hci0").mkdir()
    samples = {
        BluetoothOff: dbus("org.bluez.Error.NotReady"),
        BluetoothForbidden: dbus("org.freedesktop.DBus.Error.AccessDenied"),
        BluetoothStopped: dbus("org.freedesktop.DBus.Error.ServiceUnknown"),
    }
    monkeypatch.setattr(sys, "platform", system)
    error = radio_error(samples[kind], tmp_path)
    assert isinstance(error, kind)
    remedy = error.report().remedy
    assert "?" not in remedy
    assert ("bluez" in remedy or "rfkill" in remedy) is (system not in {"win32", "darwin"})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (dbus("org.bluez.Error.InProgress", "Operation already in progress"), Trouble.STALE),
        (dbus("org.bluez.Error.AlreadyConnected"), Trouble.STALE),
        (KeyError("org.bluez.GattService1"), Trouble.STALE),
        (BleakCharacteristicNotFoundError("0000ffe1"), Trouble.STALE),
        (BleServiceMissing(port="ble://A1", detail="characteristic 1"), Trouble.STALE),
        (BleakDeviceNotFoundError("A1", "was not found"), Trouble.UNKNOWN_DEVICE),
        (dbus("org.freedesktop.DBus.Error.UnknownObject"), Trouble.UNKNOWN_DEVICE),
        (dbus("org.bluez.Error.DoesNotExist"), Trouble.UNKNOWN_DEVICE),
        (BleakError("device 'dev_A1' not found"), Trouble.UNKNOWN_DEVICE),
        (dbus("org.bluez.Error.Failed", "le-connection-abort-by-local"), Trouble.PASSING),
        (dbus("org.bluez.Error.Failed", "Software caused connection abort"), Trouble.PASSING),
        (BleakError("failed to discover services, device disconnected"), Trouble.PASSING),
        (BleakError("Could not get GATT services: Unreachable"), Trouble.SLOW),
        (TimeoutError(), Trouble.SLOW),
        (dbus("org.bluez.Error.NotReady"), Trouble.FINAL),
        (NotImplementedError(), Trouble.FINAL),
    ],
    ids=lambda value: value.name if isinstance(value, Trouble) else str(value)[:40],
)
def test_what_helps_depends_on_what_failed(error, kind):
    assert trouble(error) is kind


def test_a_refusal_of_the_board_has_its_number():
    assert att_code(BleakGATTProtocolError(0x0E)) == 0x0E
    assert att_code(BleakError("Not connected")) is None


def test_texts_are_one_clean_line_without_a_full_stop():
    assert shown(BleakError("No\n  radio\x1b[31m here.")) == "No radio·[31m here"
    assert len(shown(BleakError("x" * 1000))) <= 160


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        EOFError(),
        KeyError("/org/bluez/hci0/dev_A1_B2"),
        AssertionError(),
        BleakError(),
        OSError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_people_read_words_where_an_error_has_none_and_never_a_name_of_the_program(error):
    assert not re.search(r"Error|/org/|^'|^$", shown(error))
    assert " " in shown(error)


def test_bleak_s_errors_are_expected_and_defects_are_not():
    assert issubclass(BleakDeviceNotFoundError, library_errors())
    assert not issubclass(TypeError, library_errors())
    assert not issubclass(AttributeError, library_errors())
