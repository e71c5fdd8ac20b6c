"""Boards as sub-devices: who is there, what is said of them, and what is not."""

from __future__ import annotations

import json

import msgspec
import pytest

from agent.boards.board import Port, Provisioning
from agent.catalog import Catalog
from agent.gateway.boards import Presence
from agent.gateway.names import DEVICES_MAX, DeviceNames
from tests.gateway.here import HereBoards, board

NAME = "uno_r4_wifi-F412FA65"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


def presence(catalog: Catalog, boards: HereBoards) -> tuple[Presence, list[None]]:
    told: list[None] = []
    made = Presence(boards, catalog, DeviceNames(), lambda: told.append(None))
    return made, told


def test_boards_of_now_and_later_ones_are_there(catalog):
    boards = HereBoards(board())
    seen, told = presence(catalog, boards)
    end = seen.begin()
    assert seen.present == {NAME: NAME}
    boards.plug(board("mkr-1"))
    assert set(seen.present) == {NAME, "mkr-1"}
    boards.unplug(NAME)
    assert set(seen.present) == {"mkr-1"}
    assert len(told) == 3
    end()
    boards.unplug("mkr-1")
    assert set(seen.present) == {"mkr-1"}


def test_what_is_said_of_a_board_is_what_it_is(catalog):
    boards = HereBoards(board())
    seen, _ = presence(catalog, boards)
    seen.begin()
    assert seen.attributes(NAME) == {
        "board": NAME,
        "model": "Arduino UNO R4 WiFi",
        "model_id": "uno_r4_wifi",
        "link": "usb",
        "provisioning_supported": "2.0",
    }
    assert seen.kind(NAME) == "uno_r4_wifi"
    known = msgspec.structs.replace(
        board(), uhwid="ab" * 32, provisioning=Provisioning(supported=["2.0"], installed="2.0")
    )
    boards.plug(known)
    assert seen.attributes(NAME)["unique_id"] == "ab" * 32
    assert seen.attributes(NAME)["provisioning"] == "2.0"
    assert "Anna" not in json.dumps(seen.attributes(NAME))


def test_what_a_job_reads_is_kept_when_the_board_changes(catalog):
    boards = HereBoards(board())
    seen, told = presence(catalog, boards)
    seen.begin()
    seen.learn(NAME, {"sketch_version": "0.6.2", "wifi_firmware": None, "networks": ["Anna's"]})
    boards.plug(board())
    assert seen.attributes(NAME)["firmware"] == "0.6.2"
    assert "wifi_firmware" not in seen.attributes(NAME)
    seen.learn(NAME, {"application_sketch": True, "library_version": "2\x1b\n"})
    assert seen.attributes(NAME)["firmware"] == "application"
    assert str(seen.attributes(NAME)["library"]).isprintable()
    before = len(told)
    seen.learn(NAME, {"networks": []})
    assert len(told) == before


def test_what_a_device_of_improv_says_is_its_firmware(catalog):
    seen, _ = presence(catalog, HereBoards(board()))
    seen.begin()
    seen.learn(NAME, {"device": {"firmware": "ESPHome", "version": "2026.4.0", "name": "Anna's"}})
    assert seen.attributes(NAME)["firmware"] == "ESPHome 2026.4.0"


def test_a_board_that_is_no_model_or_several_is_of_the_usual_kind(catalog):
    unknown = msgspec.structs.replace(board(), model=None, via=None)
    seen, _ = presence(catalog, HereBoards(unknown))
    seen.begin()
    assert seen.kind(NAME) == "default"
    assert seen.attributes(NAME)["model"] == "unknown"


def test_a_board_that_turns_out_to_be_another_device_is_that_one(catalog):
    boards = HereBoards(board("usb-1", serial=None))
    names = DeviceNames(make_mark=lambda: "m")
    seen = Presence(boards, catalog, names, lambda: None)
    seen.begin()
    first = msgspec.structs.replace(board("usb-1", serial=None), uhwid="ab" * 32)
    boards.plug(first)
    boards.unplug("usb-1")
    boards.plug(board("usb-2", serial=None))
    assert set(seen.present) == {"usb-2@m"}
    boards.plug(msgspec.structs.replace(first, id="usb-2"))
    assert seen.present == {"usb-1@m": "usb-2"}


def test_a_board_that_is_only_heard_is_told_once_it_is_used(catalog):
    heard = msgspec.structs.replace(
        board("ble-1"), ports=[Port(kind="ble", address="ble://A1:B2:C3:D4:E5:F6")], via="ble"
    )
    boards = HereBoards(heard)
    seen, told = presence(catalog, boards)
    seen.begin()
    boards.plug(heard)
    assert seen.present == {}
    before = len(told)
    seen.used("ble-1")
    assert seen.present == {"ble-1": "ble-1"}
    assert len(told) == before + 1
    boards.unplug("ble-1")
    boards.plug(heard)
    assert seen.present == {"ble-1": "ble-1"}


def test_two_faces_of_one_board_are_one_device_as_long_as_one_is_there(catalog):
    faces = [
        msgspec.structs.replace(board(board_id, serial=None), uhwid="ab" * 32)
        for board_id in ("usb-1", "usb-2")
    ]
    boards = HereBoards(*faces)
    seen = Presence(boards, catalog, DeviceNames(make_mark=lambda: "m"), lambda: None)
    seen.begin()
    assert set(seen.present) == {"usb-1@m"}
    boards.unplug("usb-2")
    assert seen.present == {"usb-1@m": "usb-1"}
    boards.unplug("usb-1")
    assert seen.present == {}


def test_a_device_may_be_renamed_and_deleted_on_the_server(catalog):
    boards = HereBoards(board())
    seen, _ = presence(catalog, boards)
    seen.begin()
    seen.learn(NAME, {"sketch_version": "1"})
    seen.renamed(NAME, "Hall")
    assert seen.present == {"Hall": NAME}
    assert seen.attributes("Hall")["firmware"] == "1"
    found = seen.board("Hall")
    assert found is not None
    assert found.id == NAME
    assert seen.board("nobody") is None
    seen.deleted("Hall")
    boards.plug(board())
    assert seen.present == {}
    boards.unplug(NAME)
    boards.plug(board())
    assert seen.present == {NAME: NAME}


def test_of_boards_that_have_gone_only_so_much_is_remembered(catalog):
    boards = HereBoards()
    seen, _ = presence(catalog, boards)
    seen.begin()
    names = [f"mkr-{number}" for number in range(DEVICES_MAX + 1)]
    for name in names:
        seen.learn(name, {"sketch_version": name})
        assert seen.attributes(name) == {}
    for name in (names[0], names[1], names[-1]):
        boards.plug(board(name))
    told = [seen.attributes(name).get("firmware") for name in (names[0], names[1], names[-1])]
    assert told == [None, names[1], names[-1]]
    boards.unplug(names[1])
    assert seen.attributes(names[1]) == {}
    boards.plug(board(names[1]))
    assert seen.attributes(names[1])["firmware"] == names[1]
