"""What a board says of itself in the air."""

import json
from pathlib import Path

import pytest

from agent.boards.ble_advert import COMPANY, can_blink, public_address, service_of, usb_ids
from agent.links.ble import PROVISIONING
from agent.protocols.blynk.ble import SERVICE_UUID as BLYNK
from agent.protocols.improv.gatt import SERVICE_DATA_UUID, SERVICE_UUID

VECTORS = Path(__file__).parent.parent / "vectors" / "v2-ble.json"


def test_the_advertisement_of_the_reference_firmware_is_read():
    content = json.loads(VECTORS.read_text(encoding="utf-8"))
    vector = next(each for each in content["vectors"] if each["id"] == "advertise")
    _, name, service, data = vector["steps"][0]["result"][0].split()
    manufacturer = bytes.fromhex(data)
    assert int.from_bytes(manufacturer[:2], "little") == COMPANY
    assert service == PROVISIONING.service
    assert usb_ids(name) == (0x2341, 0x1002)
    assert public_address({COMPANY: manufacturer[2:]}) == "A1B2C3D4E5F6"


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("Arduino-2341-005e", (0x2341, 0x005E)),
        ("Arduino-2341-025B", (0x2341, 0x025B)),
        ("Arduino-2341-1002 ", None),
        ("Arduino-2341", None),
        ("Arduino", None),
        ("", None),
        ("Arduino-２３４１-1002", None),
    ],
)
def test_the_name_holds_the_usb_ids(name, ids):
    assert usb_ids(name) == ids


@pytest.mark.parametrize(
    "data",
    [{}, {0x004C: bytes(range(6))}, {COMPANY: bytes(6)}, {COMPANY: b"\xff" * 6}]
    + [{COMPANY: bytes(range(size))} for size in (0, 5, 7)],
    ids=repr,
)
def test_an_address_that_is_none_is_not_taken_for_one(data):
    assert public_address(data) is None


def test_a_board_that_advertises_both_services_is_provisioned_with_2_0():
    assert service_of({PROVISIONING.service, SERVICE_UUID}) == "2.0"
    assert service_of({SERVICE_UUID}) == "improv"
    assert service_of({BLYNK}) == "blynk"
    assert service_of(()) is None


@pytest.mark.parametrize(
    ("data", "blinks"),
    [({}, None), ({SERVICE_DATA_UUID: b"\x02"}, None)]
    + [({SERVICE_DATA_UUID: bytes((2, flags, 0, 0, 0, 0))}, bool(flags & 1)) for flags in range(9)],
)
def test_an_improv_device_says_whether_it_can_show_itself(data, blinks):
    assert can_blink(data) is blinks
