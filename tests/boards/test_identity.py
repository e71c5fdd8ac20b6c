import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.boards.board import Port
from agent.boards.identity import (
    board_id,
    face_of,
    model_of,
    natural_key,
    shown_name,
    socket_of,
    usable_serial,
)


@pytest.mark.parametrize(
    "serial",
    [
        None,
        "",
        "  ",
        "0",
        "5",
        "0001",
        "00000001",
        "00000000001A",
        "000000000000",
        "FFFFFFFF",
        "EEEEEEEEEEEEEEEE",
        "1234",
        "123456",
        "123456789",
        "0123456789ABCDEF",
        "0123456789",
        "HIDFG",
        "301",
        "6&3a1b2c3d&0&2",
    ],
)
def test_numbers_that_many_devices_share_are_not_evidence(serial):
    assert usable_serial(serial) is None


@pytest.mark.parametrize(
    "serial",
    [
        "F412FA65",
        "F412FA9C1234",
        "6B1D4A1A5050323339202020FF0B2A17",
        "A50285BI",
    ],
)
def test_numbers_of_single_devices_are_evidence(serial):
    assert usable_serial(serial) == serial


def test_a_hardware_address_is_the_same_with_and_without_colons():
    assert usable_serial("34:85:18:5F:1B:2C") == usable_serial("3485185F1B2C") == "3485185F1B2C"


def test_the_interfaces_of_one_device_share_its_socket():
    assert socket_of("1-2.3:1.0") == socket_of("1-2.3:1.2") == socket_of("1-2.3") == "1-2.3"
    assert socket_of("1-2:x.0") == "1-2"
    assert socket_of(None) is None


def test_two_ports_of_one_device_are_one_face():
    one = Port(kind="serial", address="/dev/ttyACM0", vid=1, pid=2, location="1-2:1.0")
    two = Port(kind="serial", address="/dev/ttyACM1", vid=1, pid=2, location="1-2:1.2")
    assert face_of(one) == face_of(two)


def test_without_number_and_socket_only_the_name_is_left():
    port = Port(kind="serial", address="COM7", vid=0x0403, pid=0x6001)
    assert face_of(port).address == "COM7"
    assert board_id(face_of(port), ()) == "usb-0403-6001-COM7"


def _id(catalog, vid, pid, serial=None, location=None):
    port = Port(
        kind="serial",
        address="/dev/ttyACM0",
        vid=vid,
        pid=pid,
        serial_number=serial,
        location=location,
    )
    return board_id(face_of(port), [match.model for match in catalog.by_usb(vid, pid)])


def test_ids_name_model_and_number(catalog):
    assert _id(catalog, 0x2341, 0x1002, "F412FA65", "1-2") == "uno_r4_wifi-F412FA65"
    assert _id(catalog, 0x1A86, 0x7523, None, "1-2.3") == "usb-1a86-7523-1-2.3"
    assert _id(catalog, 0xDEAD, 0xBEEF, "A50285BI", "1-2") == "usb-dead-beef-A50285BI"


def test_sketch_and_loader_of_a_board_give_the_same_id(catalog):
    serial = "6B1D4A1A5050323339202020FF0B2A17"
    sketch = _id(catalog, 0x2341, 0x8057, serial, "1-2")
    assert sketch == _id(catalog, 0x2341, 0x0057, serial, "1-2")
    assert sketch.startswith("nano_33_iot-6B1D4A1A-")


def test_long_numbers_that_begin_alike_give_different_ids(catalog):
    one = _id(catalog, 0x2341, 0x8057, "6B1D4A1A5050323339202020FF0B2A17")
    two = _id(catalog, 0x2341, 0x8057, "6B1D4A1A5050323339202020FF0B2A18")
    assert one != two


@given(serial=st.text(max_size=60), location=st.none() | st.text(max_size=20))
def test_an_id_is_fit_for_a_command_line_whatever_the_device_says(catalog, serial, location):
    made = _id(catalog, 0x2341, 0x1002, serial, location)
    assert made.isascii()
    assert made.isprintable()
    assert not set(made) & set(" /\\'\"$`;&|<>*?()")
    assert len(made) < 80


@given(st.lists(st.text(min_size=4, max_size=40), min_size=2, max_size=2, unique=True))
def test_different_numbers_give_different_ids(catalog, serials):
    numbers = [usable_serial(serial) for serial in serials]
    if None not in numbers and numbers[0] != numbers[1]:
        one, two = (_id(catalog, 0x2341, 0x1002, serial) for serial in numbers)
        assert one != two


def test_a_bridge_is_shown_with_what_may_be_behind_it(catalog):
    models = [match.model for match in catalog.by_usb(0x10C4, 0xEA60)]
    assert model_of(models) is None
    assert shown_name(models, 0x10C4) == "ESP32 or similar (CP210x)"


def test_one_board_in_two_carriers_has_the_model_of_the_board(catalog):
    models = [match.model for match in catalog.by_usb(0x2341, 0x025B)]
    assert len(models) == 2
    model = model_of(models)
    assert model
    assert model.id == "portenta_h7"


def test_a_device_outside_the_catalogue_is_an_unknown_board():
    assert shown_name([], 0xDEAD) == "Unknown board"


def test_ports_are_sorted_as_people_count():
    names = ["/dev/ttyACM10", "/dev/ttyACM9", "COM3", "/dev/ttyUSB0"]
    assert sorted(names, key=natural_key) == [
        "/dev/ttyACM9",
        "/dev/ttyACM10",
        "/dev/ttyUSB0",
        "COM3",
    ]
