"""What must hold before a job begins, board by board; nothing is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.boards.board import Board, BoardState, Port
from agent.catalog import Catalog
from agent.errors import InputError, MooringError, NotSupported, WrongSketch
from agent.flash.unsupported import ADVICE
from agent.jobs import preconditions
from agent.jobs.job import JobKind
from agent.jobs.request import Request

if TYPE_CHECKING:
    from agent.catalog import Model

CATALOG = Catalog.load()
WRITING = [JobKind.FLASH, JobKind.MIGRATE, JobKind.PROVISION, JobKind.FORGET, JobKind.START]
READING = [JobKind.IDENTIFY, JobKind.NETWORKS, JobKind.CONFIGURE]


def model(name: str) -> Model:
    found = CATALOG.get(name)
    assert found
    return found


def board(name: str | None = "mkr_wifi_1010", **changes: Any) -> Board:
    usual: dict[str, Any] = {
        "id": "b",
        "name": "My board",
        "model": name,
        "fqbn": None,
        "ports": [Port(kind="serial", address="/dev/ttyACM0", serial_number="51AFEAA004A4F184")],
        "first_seen": 1.0,
    }
    return Board(**(usual | changes))


# --- which board, and is it there ------------------------------------------------------------


@pytest.mark.parametrize("kind", WRITING)
def test_a_job_that_writes_may_begin_in_the_bootloader(kind):
    preconditions.check_reachable(board(state=BoardState.BOOTLOADER), kind, "usb")


@pytest.mark.parametrize("kind", READING)
def test_a_job_that_speaks_with_the_sketch_may_not(kind):
    with pytest.raises(WrongSketch):
        preconditions.check_reachable(board(state=BoardState.BOOTLOADER), kind, "usb")


@pytest.mark.parametrize("kind", READING)
def test_what_a_cable_shows_does_not_matter_in_the_air(kind):
    preconditions.check_reachable(board(state=BoardState.BOOTLOADER), kind, "ble")


def test_the_serial_number_is_that_of_any_port():
    ports = [Port(kind="usb", address="usb:1-2"), *board().ports]
    assert preconditions.serial_of(board(ports=ports)) == "51AFEAA004A4F184"
    assert preconditions.serial_of(board(ports=ports[:1])) is None


@pytest.mark.parametrize(
    ("serial", "name"),
    [
        ("51AFEAA004A4F184", "mkr-wifi-1010-f184"),
        ("12:34-AB", "mkr-wifi-1010-34ab"),
        (None, "mkr-wifi-1010"),
    ],
)
def test_a_board_without_a_name_is_called_after_model_and_number(serial, name):
    ports = [Port(kind="serial", address="x", serial_number=serial)]
    assert preconditions.usual_name(model("mkr_wifi_1010"), board(ports=ports)) == name


def test_a_person_names_one_of_the_candidates():
    unsure = board(None, candidates=["esp32", "esp8266"])

    def asked(name: str | None) -> Request:
        return Request(kind=JobKind.FLASH, board="b", model=name)

    assert preconditions.model_for(asked("esp32"), unsure, CATALOG) == model("esp32")
    assert preconditions.model_for(asked(None), unsure, CATALOG) is None
    for wrong in ("uno_r4_wifi", "no_such_board"):
        with pytest.raises(InputError, match="model"):
            preconditions.model_for(asked(wrong), unsure, CATALOG)
    with pytest.raises(InputError, match="is wrong"):
        preconditions.model_for(asked("esp32"), board(), CATALOG)


# --- what can be written ---------------------------------------------------------------------


def test_a_board_of_a_kind_that_is_not_known_needs_a_name():
    unsure = board(None, candidates=["esp32", "esp8266"])
    with pytest.raises(InputError, match="esp32, esp8266") as caught:
        preconditions.flashable(None, unsure)
    assert caught.value.facts["field"] == "model"


OTHERS = [each.id for each in CATALOG.models if each.upload.method in ADVICE]


@pytest.mark.parametrize("name", OTHERS)
def test_a_board_that_only_other_programs_can_write_names_them(name):
    with pytest.raises(NotSupported) as caught:
        preconditions.flashable(model(name), board(name))
    assert caught.value.report().remedy


def test_every_other_board_of_the_catalogue_can_be_written():
    can = [each for each in CATALOG.models if each.fqbn and each.id not in OTHERS]
    assert len(can) > len(OTHERS) > 0
    for each in can:
        assert preconditions.flashable(each, board(each.id)) is each


def test_the_provisioning_sketch_is_the_newest_that_there_is_for_the_model():
    def kind(name: str, wanted: str) -> str | None:
        return preconditions.provisioning_sketch(model(name), wanted).kind

    assert kind("mkr_wifi_1010", "provisioning") == "provisioning-2.0"
    assert kind("mkr_wifi_1010", "provisioning-1.0") == "provisioning-1.0"
    assert kind("mkr_wan_1310", "provisioning-1.0") == "lora-1.0"
    assert kind("uno_r4_wifi", "provisioning") == "provisioning-2.0"


@pytest.mark.parametrize(
    ("name", "wanted"), [("uno_r4_wifi", "provisioning-1.0"), ("esp32", "provisioning")]
)
def test_a_model_without_such_a_sketch_says_so(name, wanted):
    with pytest.raises(MooringError) as caught:
        preconditions.provisioning_sketch(model(name), wanted)
    assert caught.value.code == "sketch-none"


# --- erasing ---------------------------------------------------------------------------------


def test_what_can_be_erased_how_is_decided_by_the_model():
    order = preconditions.forget_order(board(), model("mkr_wifi_1010"), "usb", confirmed=True)
    assert order.guide
    assert order.guide.pin == "7"
    assert (order.overwrites, order.in_bootloader, order.confirmed) == (True, False, True)
    lora = preconditions.forget_order(board(), model("mkr_wan_1310"), "usb", confirmed=False)
    assert not lora.overwrites
    unknown = preconditions.forget_order(board(None), None, "usb", confirmed=False)
    assert (unknown.guide, unknown.overwrites) == (None, False)


def test_a_board_in_its_bootloader_can_be_erased_where_a_sketch_can_be_written():
    there = board(state=BoardState.BOOTLOADER)
    assert preconditions.forget_order(
        there, model("mkr_wifi_1010"), "usb", confirmed=False
    ).in_bootloader
    for other in (None, model("mkr_wan_1310")):
        with pytest.raises(WrongSketch):
            preconditions.forget_order(there, other, "usb", confirmed=False)


# --- networks and clouds ---------------------------------------------------------------------


def test_a_model_without_2_0_takes_no_network_over_the_wire():
    preconditions.check_model(None)
    preconditions.check_model(model("uno_r4_wifi"))
    with pytest.raises(NotSupported):
        preconditions.check_model(model("mkr_wan_1310"))


def test_a_cloud_is_one_of_those_that_there_are():
    with pytest.raises(InputError, match="is missing"):
        preconditions.choose_cloud(None, {})
    with pytest.raises(InputError, match="is not one of"):
        preconditions.choose_cloud("nimbus", {})
