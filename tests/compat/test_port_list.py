"""Our boards as pages know ports."""

from __future__ import annotations

import json

from agent.boards.board import Board, Port
from agent.compat.info import VERSION
from agent.compat.port_list import PortList, listed


def port(address, **facts):
    kind = facts.pop("kind", "serial")
    return Port(**{"kind": kind, "address": address, "vid": 0x2341, "pid": 0x1002, **facts})


def board(*ports, name="uno"):
    return Board(id=name, name=name, model=None, fqbn=None, ports=list(ports), first_seen=0.0)


def names(*boards):
    return [each["Name"] for each in listed(boards, lambda _: False)]


def test_a_port_has_exactly_the_fields_of_the_original():
    (entry,) = listed([board(port("/dev/ttyACM0", serial_number="F412"))], lambda _: True)
    assert entry == {
        "Name": "/dev/ttyACM0",
        "SerialNumber": "F412",
        "DeviceClass": "",
        "IsOpen": True,
        "IsPrimary": False,
        "Baud": 0,
        "BufferAlgorithm": "",
        "Ver": VERSION,
        "VendorID": "0x2341",
        "ProductID": "0x1002",
    }


def test_ids_have_four_digits_and_no_serial_number_is_empty():
    (entry,) = listed([board(port("COM3", vid=0x3, pid=0xABCD))], lambda _: False)
    found = (entry["VendorID"], entry["ProductID"], entry["SerialNumber"], entry["IsOpen"])
    assert found == ("0x0003", "0xABCD", "", False)


def test_only_serial_ports_with_ids_are_listed():
    found = board(
        port("a", vid=None),
        port("b", pid=None),
        port("c", vid=0, pid=0),
        port("d", kind="usb"),
        port("e", kind="volume"),
        port("f", kind="ble"),
        port("with blank"),
        port("g"),
    )
    assert names(found) == ["g"]
    assert names(board()) == names() == []


def test_every_port_of_a_board_is_listed_and_the_order_is_that_of_names():
    one, other = board(port("COM9"), port("COM10"), name="b"), board(port("COM3"), name="a")
    assert names(one, other) == names(other, one) == ["COM10", "COM3", "COM9"]


def test_whether_a_port_is_open_is_asked_for_each():
    found = listed([board(port("COM3"), port("COM4"))], "COM4".__eq__)
    assert [each["IsOpen"] for each in found] == [False, True]


def test_a_list_is_new_when_pages_would_see_a_difference():
    boards: list[Board] = []
    ports = PortList(lambda: boards)
    assert not ports.is_new()
    boards.append(board(port("\\\\.\\COM3")))
    assert ports.is_new()
    assert not ports.is_new()
    assert json.loads(ports.text())["Ports"][0]["Name"] == "\\\\.\\COM3"
    ports.is_open = lambda _: True
    assert ports.is_new()
    assert '"IsOpen": true' in ports.text()
