"""Over which link a job talks to its board, and what is refused because of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.boards.board import Board, BoardChanges, BoardState, Port
from agent.catalog import Catalog
from agent.errors import (
    BleNotHeard,
    InputError,
    MooringError,
    NeedsCable,
    OtherLinkBusy,
    PortBusy,
    PortGone,
)
from agent.jobs import reach
from agent.jobs.guide import BLE_OFF, air_firmware, ble_off_note, guide_of
from agent.jobs.job import JobKind
from agent.jobs.request import Request, parse_request

if TYPE_CHECKING:
    from agent.boards.board import Via
    from agent.catalog import Model

CATALOG = Catalog.load()
WIRE = Port(kind="serial", address="/dev/ttyACM0")
AIR = Port(kind="ble", address="ble://F4:12:FA:00:00:01", rssi_dbm=-60, service="2.0")
BY_CABLE = [JobKind.FLASH, JobKind.MIGRATE, JobKind.START]


def uno() -> Model:
    found = CATALOG.get("uno_r4_wifi")
    assert found
    return found


def board(*ports: Port, **changes: Any) -> Board:
    usual: dict[str, Any] = {
        "id": "b",
        "name": "My board",
        "model": "uno_r4_wifi",
        "fqbn": None,
        "ports": list(ports),
        "via": ports[0].via if ports else None,
        "first_seen": 1.0,
    }
    return Board(**(usual | changes))


def request(kind: JobKind = JobKind.IDENTIFY, **more: Any) -> Request:
    return Request(kind=kind, board="b", **more)


def refused(kind: type[MooringError], there: Board, asked: Request) -> str:
    with pytest.raises(kind) as caught:
        reach.choose_via(asked, there, uno())
    report = caught.value.report()
    return f"{report.title} {report.meaning} {report.remedy}"


@pytest.mark.parametrize(
    ("ports", "wanted", "via"),
    [
        ([WIRE], None, "usb"),
        ([WIRE], "usb", "usb"),
        ([AIR], None, "ble"),
        ([AIR], "ble", "ble"),
        ([WIRE, AIR], None, "usb"),
        ([WIRE, AIR], "ble", "ble"),
    ],
)
def test_the_cable_is_taken_unless_there_is_none_or_a_person_chose_the_air(ports, wanted, via):
    assert reach.choose_via(request(via=wanted), board(*ports), uno()) == via


@pytest.mark.parametrize("kind", BY_CABLE)
def test_what_writes_a_sketch_needs_a_cable(kind):
    assert "Connect the board with a USB cable" in refused(NeedsCable, board(AIR), request(kind))
    chosen = request(kind, via="ble")
    assert "choose USB" in refused(NeedsCable, board(WIRE, AIR), chosen)
    assert reach.choose_via(request(kind), board(WIRE, AIR), uno()) == "usb"


@pytest.mark.parametrize("kind", [kind for kind in JobKind if kind not in BY_CABLE])
def test_everything_else_may_begin_in_the_air(kind):
    assert reach.choose_via(request(kind), board(AIR), uno()) == "ble"


@pytest.mark.parametrize("way", ["migrate", "flash-then-2.0", "provision-1.0", "lora-1.0"])
def test_procedures_that_write_a_sketch_need_a_cable(way):
    asked = request(JobKind.PROVISION, procedure=way)
    assert "needs a cable" in refused(NeedsCable, board(AIR), asked)
    assert reach.choose_via(asked, board(WIRE), uno()) == "usb"


def test_a_board_that_is_only_in_the_air_is_not_used_over_usb():
    assert "heard over Bluetooth only" in refused(NeedsCable, board(AIR), request(via="usb"))


@pytest.mark.parametrize("ports", [[], [WIRE]])
def test_a_board_that_is_not_heard_says_how_its_bluetooth_is_woken(ports):
    said = refused(BleNotHeard, board(*ports), request(via="ble"))
    assert "connect pin 2 to GND for 3 seconds" in said
    with pytest.raises(BleNotHeard) as caught:
        reach.choose_via(request(via="ble"), board(*ports), None)
    assert "cable" in caught.value.report().remedy


@pytest.mark.parametrize("kind", JobKind)
def test_no_job_begins_without_the_board(kind):
    with pytest.raises(PortGone):
        reach.choose_via(request(kind), board(), uno())


def test_any_kind_of_job_may_say_its_link():
    for kind in JobKind:
        assert parse_request({"kind": kind.value, "board": "b", "via": "ble"}).via == "ble"


@pytest.mark.parametrize(
    ("used", "wanted", "why"),
    [
        ("usb", None, PortBusy),
        ("usb", "usb", PortBusy),
        ("ble", "ble", PortBusy),
        ("usb", "ble", OtherLinkBusy),
        ("ble", "usb", OtherLinkBusy),
        ("ble", None, OtherLinkBusy),
    ],
)
def test_a_board_in_use_over_its_other_link_says_why_it_cannot_be_used(used, wanted, why):
    held = board(WIRE, AIR, via=used, holder="the serial monitor", state=BoardState.BUSY)
    error = reach.busy(held, request(via=wanted))
    assert type(error) is why
    assert "the serial monitor" in error.report().title
    assert ("one connection at a time" in error.report().meaning) is (why is OtherLinkBusy)


@pytest.mark.parametrize(("via", "loader"), [("usb", True), ("ble", False)])
def test_a_bootloader_is_seen_on_the_cable_only(via: Via, loader: bool):
    there = board(WIRE, AIR, state=BoardState.BOOTLOADER)
    assert reach.in_bootloader(there, via) is loader


def changes(*changed: Board, vanished: tuple[str, ...] = ()) -> BoardChanges:
    return BoardChanges(changed=list(changed), vanished=list(vanished))


def test_a_board_is_away_when_its_link_is_whatever_else_is_there():
    assert reach.is_away("b", changes(board(AIR, via="usb", state=BoardState.UNREACHABLE)))
    assert reach.is_away("b", changes(vanished=("b",)))
    assert not reach.is_away("b", changes(board(WIRE, via="usb", state=BoardState.BUSY)))
    assert not reach.is_away("c", changes(board(state=BoardState.UNREACHABLE)))


def test_a_board_moved_when_its_link_has_another_address_whatever_else_is_there():
    other = Port(kind="serial", address="/dev/ttyACM1")
    before = {WIRE.address}
    assert reach.moved("b", before, changes(board(other, AIR)))
    assert not reach.moved("b", before, changes(board(WIRE, AIR)))
    assert not reach.moved("b", {AIR.address}, changes(board(other, AIR, via="ble")))
    assert not reach.moved("c", before, changes(board(other)))
    assert reach.addresses(board(WIRE, AIR)) == {WIRE.address}
    assert reach.addresses(board(WIRE, AIR, via=None)) == {WIRE.address, AIR.address}


# --- what a person does at the board -------------------------------------------------------------


def test_the_guide_of_a_model_is_the_input_that_the_catalogue_names():
    guide = guide_of(uno())
    assert guide
    assert guide.shown == {"pin": "2", "hold_seconds": 3, "drawing": "uno", "led": ""}
    assert guide.gesture == "connect pin 2 to GND for 3 seconds"
    opta = guide_of(CATALOG.get("opta"))
    assert opta
    assert opta.gesture == "hold the user button for 3 seconds"
    assert guide_of(CATALOG.get("mkr_wan_1310")) is None
    assert guide_of(None) is None


def test_what_is_said_of_a_board_whose_bluetooth_is_off():
    assert ble_off_note(guide_of(uno())).startswith(f"{BLE_OFF} To change its network later: conn")
    assert "cable" in ble_off_note(None)


def test_the_firmware_that_bluetooth_needs_is_the_catalogues():
    assert air_firmware(uno()) == "0.6.0"
    assert air_firmware(CATALOG.get("nano_rp2040_connect")) is None
    assert air_firmware(None) is None


def test_a_board_that_is_to_be_used_in_its_own_network_is_held_on_the_link_that_it_has():
    asked = request(via="ap", access_point="Blynk-4Y1H")
    assert reach.choose_via(asked, board(WIRE), uno()) == "usb"
    assert reach.choose_via(asked, board(AIR), uno()) == "ble"


def test_a_board_with_blynk_s_firmware_is_not_spoken_to_as_another():
    error = reach.only_blynk(board(AIR, name="Blynk Thermo-4Y1H"))
    assert "Blynk Thermo-4Y1H" in error.report().title
    assert "cloud Blynk" in error.report().remedy


def test_no_board_of_the_list_is_an_access_point():
    with pytest.raises(InputError):
        reach.choose_via(request(via="ap"), board(WIRE), uno())
