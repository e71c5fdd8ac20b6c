"""Decisions for Windows and macOS, with what their Bluetooth raises simulated at the library."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)

from agent.errors import (
    BleLost,
    BleRefused,
    BleUnreachable,
    BluetoothForbidden,
    BluetoothOff,
    PortError,
    PortFailed,
)
from agent.links.ble import PROVISIONING, BleLink, open_ble
from agent.links.ble_connect import Patience, Wanted
from agent.links.ble_gatt import BleGattLink, open_gatt
from agent.links.ble_radio import BleRadio
from tests.links.foreign import ForeignClient, ForeignSystem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

SOON = Patience(attempts=4, attempt_s=2.0, find_s=2.0, pause_s=0.001, write_s=2.0)
GATT = Wanted(PROVISIONING.service, PROVISIONING.to_board, PROVISIONING.from_board)
PASSWORD = "correct horse 7 battery"


@pytest.fixture
def windows(monkeypatch) -> ForeignSystem:
    return ForeignSystem("win32", monkeypatch)


@pytest.fixture
def macos(monkeypatch) -> ForeignSystem:
    return ForeignSystem("darwin", monkeypatch)


@pytest.fixture
async def radio() -> AsyncIterator[BleRadio]:
    radio = BleRadio([PROVISIONING.service])
    yield radio
    await radio.close()
    assert radio.connected == frozenset()


def raising(error: BaseException) -> Callable[[ForeignClient], Awaitable[None]]:
    async def fail(_: ForeignClient) -> None:
        raise error

    return fail


def windows_error(code: int) -> OSError:
    error = OSError(f"[WinError {code}]")
    setattr(error, "winerror", code)  # noqa: B010 - the types of other systems lack it
    return error


# --- Windows ---------------------------------------------------------------------------------------


async def test_windows_is_asked_anew_for_services_that_did_not_come(windows, radio):
    windows.script = [raising(BleakError("Could not get GATT services: Unreachable"))]
    link = await open_ble(radio, windows.address, patience=SOON)
    first, second = windows.clients
    assert first.options["winrt"] == {}
    assert second.options["winrt"] == {"use_cached_services": False}
    assert windows.scans > 1  # it was looked for again, and nothing was scanned meanwhile
    await link.close()
    assert [client.ended for client in windows.clients] == [1, 1]
    assert [client.forgotten for client in windows.clients] == [0, 0]


@pytest.mark.parametrize(
    "error",
    [
        BleakError("Could not get GATT services: Access Denied"),
        windows_error(-2147024874),
        windows_error(-2147023673),
        BleakError("disconnected"),
        asyncio.CancelledError(),
    ],
    ids=["access", "command", "cancelled", "disconnected", "cancelled-task"],
)
async def test_what_passes_on_windows_is_tried_again(error, windows, radio):
    windows.script = [raising(error), raising(error)]
    link = await open_ble(radio, windows.address, patience=SOON)
    assert len(windows.clients) == 3
    assert windows.clients[1].options["winrt"] == {}
    await link.close()


async def test_a_device_that_windows_does_not_know_is_looked_for_again(windows, radio):
    windows.script = [raising(BleakDeviceNotFoundError("A1:B2", "Device was not found."))]
    link = await open_ble(radio, windows.address, patience=SOON)
    assert windows.scans == 2
    await link.close()


async def test_a_radio_that_is_off_on_windows_is_told_at_once(windows, radio):
    windows.script = [raising(windows_error(-2147020577))]
    with pytest.raises(BluetoothOff) as caught:
        await open_ble(radio, windows.address, patience=SOON)
    assert "Settings" in caught.value.report().remedy
    assert len(windows.clients) == 1


async def test_a_board_that_is_never_reached_is_told_and_no_client_is_left(windows, radio):
    windows.script = [raising(BleakError("Could not get GATT services: Unreachable"))] * 4
    with pytest.raises(BleUnreachable) as caught:
        await open_ble(radio, windows.address, patience=SOON)
    assert caught.value.facts["attempts"] == 4
    assert [client.ended for client in windows.clients] == [1] * 4


async def test_last_words_of_an_attempt_that_failed_are_not_those_of_the_next(windows, radio):
    async def fail_late(client: ForeignClient) -> None:
        windows.script.append(speak_of_the_first)
        client.is_connected = True

    async def speak_of_the_first(_: ForeignClient) -> None:
        windows.clients[0].notify(None, bytearray(b"too late"))
        windows.clients[0].options["disconnected_callback"](windows.clients[0])

    windows.script = [fail_late]
    refuse = [BleakGATTProtocolError(BleakGATTProtocolErrorCode(0x0E))]

    async def start_notify(client: ForeignClient, notify) -> None:
        client.notify = notify
        if refuse:
            raise refuse.pop()

    windows.on_subscribe = start_notify
    link = await open_ble(radio, windows.address, patience=SOON)
    assert len(windows.clients) == 2
    windows.clients[1].notify(None, bytearray(b"list"))
    assert await link.receive() == b"list"
    assert not link.lost
    await link.close()


@pytest.mark.parametrize("status", ["Unreachable", "Access Denied", "Unexpected status code 0x07"])
@pytest.mark.parametrize("kind", ["bytes", "gatt"])
async def test_no_error_of_a_write_tells_what_was_written(status, kind, windows, radio, caplog):
    caplog.set_level(logging.DEBUG)

    def fail(data: bytes) -> None:
        raise BleakError(f"Could not write value {data!r} to characteristic 000E: {status}")

    windows.on_write = fail
    link: BleLink | BleGattLink
    if kind == "bytes":
        link = await open_ble(radio, windows.address, patience=SOON)
        writing = link.write(PASSWORD.encode())
    else:
        link = await open_gatt(radio, windows.address, GATT, patience=SOON)
        writing = link.write(PROVISIONING.to_board, PASSWORD.encode())
    with pytest.raises(PortError) as caught:
        await writing
    await link.close()
    error = caught.value
    assert isinstance(error, BleLost if status == "Unreachable" else PortFailed)
    assert error.__cause__ is None
    assert error.__context__ is None
    logging.getLogger("agent").error("a crash", exc_info=error)
    assert "horse" not in f"{error} {error.facts} {error!r} {caplog.text}"


async def test_a_write_that_windows_cancels_is_a_link_that_was_lost(windows, radio):
    def cancel(_: bytes) -> None:
        raise asyncio.CancelledError

    windows.on_write = cancel
    link = await open_ble(radio, windows.address, patience=SOON)
    with pytest.raises(BleLost):
        await link.write(b"\x01")
    await link.close()


async def test_a_refusal_has_its_number_on_all_systems(windows, radio):
    def refuse(_: bytes) -> None:
        raise BleakGATTProtocolError(BleakGATTProtocolErrorCode(0x80))

    windows.on_write = refuse
    link = await open_ble(radio, windows.address, patience=SOON)
    with pytest.raises(BleRefused) as caught:
        await link.write(b"\x01")
    assert caught.value.facts["att"] == "0x80"
    await link.close()


async def test_windows_tells_the_agreed_size_later(windows, radio):
    windows.room = 20
    link = await open_ble(radio, windows.address, patience=SOON)
    assert link.write_bytes == 20
    windows.room = 244
    assert link.write_bytes == 244
    await link.close()


# --- macOS -----------------------------------------------------------------------------------------


async def test_macos_is_given_the_device_that_was_heard_and_never_an_address(macos, radio):
    link = await open_ble(radio, f"ble://{macos.address.lower()}", patience=SOON)
    assert macos.clients[0].device.address == macos.address
    await link.close()
    assert macos.clients[0].ended == 1


async def test_the_library_s_own_limit_is_the_shorter_one(macos, radio):
    """Only so it takes back what it asked macOS for; see ATTEMPT_MARGIN_S."""
    link = await open_ble(radio, macos.address, patience=SOON)
    assert macos.clients[0].options["timeout"] == SOON.attempt_s
    await link.close()


async def test_a_connection_that_is_given_up_on_macos_is_ended_when_it_came_about(macos, radio):
    gate, begun = asyncio.Event(), asyncio.Event()

    async def slow(_: ForeignClient) -> None:
        begun.set()
        await gate.wait()

    macos.script = [slow]
    opening = asyncio.create_task(open_ble(radio, macos.address, patience=SOON))
    await begun.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    (client,) = macos.clients
    ended = client.ended
    gate.set()
    while client.ended == ended or client.is_connected:
        await asyncio.sleep(0)


async def test_macos_is_not_asked_to_forget_a_board(macos, radio):
    macos.script = [raising(KeyError("service"))]
    link = await open_ble(radio, macos.address, patience=SOON)
    assert [client.forgotten for client in macos.clients] == [0, 0]
    await link.close()


async def test_a_program_that_macos_does_not_let_is_told_how(macos, radio):
    reason = BleakBluetoothNotAvailableReason.DENIED_BY_USER
    macos.script = [raising(BleakBluetoothNotAvailableError("Bluetooth access is denied", reason))]
    with pytest.raises(BluetoothForbidden) as caught:
        await open_ble(radio, macos.address, patience=SOON)
    assert "terminal" in caught.value.report().remedy
