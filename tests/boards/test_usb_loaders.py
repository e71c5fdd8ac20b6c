"""Bootloaders without a serial port, in folders as Linux makes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.boards.board import Port
from agent.boards.usb_loaders import (
    IDLE_POLL_S,
    FoundLoaders,
    ListedDevice,
    UsbLoaders,
    by_location,
    parse_interfaces,
)
from agent.simulator.dfu import DfuDevice

RP2040 = bytes.fromhex(
    # Device; configuration with mass storage and the picoboot interface, as the ROM has them.
    "12010001000000408a2e030000010102030109023700020100807d09040000020806500007058102400000"
    "07050202400000090401000 2ff0000000705030240000007058402400000".replace(" ", "")
)


def plug(folder, name, vid, pid, *, descriptors=None, **texts):
    """A device as the kernel shows it."""
    device = folder / name
    device.mkdir()
    facts = {"idVendor": f"{vid:04x}", "idProduct": f"{pid:04x}", "devnum": "7", **texts}
    for key, value in facts.items():
        (device / key).write_text(f"{value}\n")
    if descriptors is not None:
        (device / "descriptors").write_bytes(descriptors)
    return device


def dfu(folder, name, vid, pid, serial="H7-A", *, run_time=False, **texts):
    device = DfuDevice(vid=vid, pid=pid, serial=serial, dfuse=True, run_time=run_time)
    return plug(folder, name, vid, pid, descriptors=device.descriptors(), serial=serial, **texts)


def addresses(source):
    return [seen.port.address for seen in source.look()]


@pytest.fixture
def source(catalog, tmp_path):
    return UsbLoaders(catalog.models, folder=tmp_path)


def test_a_dfu_device_is_seen_with_all_its_facts(source, tmp_path):
    dfu(tmp_path, "1-2.3", 0x2341, 0x035B, manufacturer="Arduino", product="Portenta H7 DFU")
    ((port, node),) = source.look()
    assert port == Port(
        kind="usb",
        address="usb:1-2.3",
        vid=0x2341,
        pid=0x035B,
        serial_number="H7-A",
        location="1-2.3",
        manufacturer="Arduino",
        product="Portenta H7 DFU",
    )
    assert node == 7


def test_a_device_that_was_plugged_in_again_has_another_mark(source, tmp_path):
    device = dfu(tmp_path, "1-2", 0x2341, 0x035B)
    (before,) = source.look()
    assert source.look() == [before]
    (device / "devnum").write_text("8\n")
    assert source.look()[0].node != before.node


@pytest.mark.parametrize(
    ("vid", "pid"), [(0x2341, 0x0070), (0x2341, 0x0068), (0x2341, 0x035B), (0x2341, 0x8057)]
)
def test_a_sketch_that_can_be_told_to_leave_is_no_loader(source, tmp_path, vid, pid):
    """Nano ESP32 has one pair of ids for both; only the protocol of the interface differs."""
    dfu(tmp_path, "1-2", vid, pid, run_time=True)
    assert source.look() == []


@pytest.mark.parametrize(
    ("vid", "pid"),
    [(0x2341, 0x0070), (0x2341, 0x0368), (0x2341, 0x0364), (0x35D1, 0x0364), (0x2341, 0x0366)],
)
def test_all_dfu_loaders_of_the_catalogue_are_seen(source, tmp_path, vid, pid):
    dfu(tmp_path, "3-1", vid, pid)
    assert addresses(source) == ["usb:3-1"]


def test_a_uf2_loader_is_seen_before_its_drive_is_mounted(source, tmp_path):
    plug(tmp_path, "1-4", 0x2E8A, 0x0003, descriptors=RP2040, product="RP2 Boot")
    assert parse_interfaces(RP2040) == {(8, 6, 0x50), (0xFF, 0, 0)}
    assert addresses(source) == ["usb:1-4"]


def test_other_devices_and_what_is_no_device_are_passed_over(source, tmp_path):
    dfu(tmp_path, "1-2", 0x0483, 0xDF11)
    dfu(tmp_path, "usb1", 0x2341, 0x035B)
    dfu(tmp_path, "1-2:1.0", 0x2341, 0x035B)
    plug(tmp_path, "1-3", 0x2341, 0x035B)
    (tmp_path / "1-4").mkdir()
    plug(tmp_path, "1-5", 0x2341, 0x035B, descriptors=b"\x09\x04\x00", idVendor="what")
    # A loader with a serial port of its own, and the ROM of the Nano ESP32.
    dfu(tmp_path, "1-6", 0x2341, 0x0057)
    dfu(tmp_path, "1-7", 0x303A, 0x1001, run_time=True)
    assert source.look() == []


def test_without_such_a_folder_there_is_nothing(catalog, tmp_path):
    assert UsbLoaders(catalog.models, folder=tmp_path / "none").look() == []


def test_ignored_addresses_are_left_out_and_foreign_text_is_cleaned(catalog, tmp_path):
    dfu(tmp_path, "1-2", 0x2341, 0x035B)
    dfu(tmp_path, "1-3", 0x2341, 0x035B, "evil\x1b[2J" + "x" * 300)
    ((port, _),) = UsbLoaders(catalog.models, ["usb:1-2"], folder=tmp_path).look()
    assert port.serial_number is not None
    assert port.serial_number.startswith("evil·[2Jxx")
    assert len(port.serial_number) < 200


def test_a_socket_tells_what_is_in_it(tmp_path):
    dfu(tmp_path, "1-2", 0x2341, 0x035B)
    facts = by_location("1-2", tmp_path)
    assert facts is not None
    assert (facts.vid, facts.pid, facts.serial_number, facts.number) == (0x2341, 0x035B, "H7-A", 7)
    assert by_location("1-3", tmp_path) is None
    assert by_location("../1-2", tmp_path) is None


@given(st.binary(max_size=300))
def test_no_descriptors_can_break_the_reader(data):
    assert len(parse_interfaces(data)) <= len(data) // 9
    whole = DfuDevice(vid=1, pid=2, serial="x", dfuse=False).descriptors()
    assert parse_interfaces(whole + data) >= {(0xFE, 1, 2)}
    for end in range(len(whole)):
        parse_interfaces(whole[:end])


@pytest.mark.system("linux")
async def test_a_started_source_is_looked_at_seldom(source):
    assert source.poll_s == 1.0
    source.start(lambda: None)
    assert source.poll_s == 5.0
    source.close()
    source.close()
    assert source.poll_s == 1.0


# --- systems that have to ask a program -----------------------------------------------------------


class Program:
    """Lists devices; counts how often it was asked."""

    def __init__(self, *devices: ListedDevice) -> None:
        self.devices = devices
        self.asked = 0

    def __call__(self) -> tuple[ListedDevice, ...]:
        self.asked += 1
        return self.devices


def test_a_program_is_asked_only_while_a_loader_is_expected(catalog):
    program = Program(ListedDevice(0x2341, 0x035B, "H7-A", "20-1"))
    source = FoundLoaders(catalog.models, program)
    source.start(lambda: None)
    assert (source.look(), program.asked, source.poll_s) == ([], 0, IDLE_POLL_S)
    source.expecting = True
    assert source.poll_s == 1.0
    ((port, _),) = source.look()
    assert port == Port(
        kind="usb", address="usb:20-1", vid=0x2341, pid=0x035B, serial_number="H7-A"
    )
    source.expecting = False
    assert source.look() == []
    assert program.asked == 1
    source.close()


def test_what_a_program_lists_is_held_against_the_catalogue(catalog):
    program = Program(
        ListedDevice(0x0483, 0xDF11, None, "20-1"),
        ListedDevice(0x2341, 0x0368, "C33\x1b", "20-2"),
        ListedDevice(0x2341, 0x0364, "", "20-3"),
    )
    source = FoundLoaders(catalog.models, program, ["usb:20-3"])
    source.expecting = True
    ((port, _),) = source.look()
    assert (port.address, port.serial_number) == ("usb:20-2", "C33·")
