import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.boards.system_ports import SystemPorts

ROOT = Path(__file__).parents[2]


@dataclass
class Found:
    """A port as the library reports it."""

    device: str
    vid: int | None = 0x2341
    pid: int | None = 0x1002
    serial_number: str | None = None
    location: str | None = None
    manufacturer: str | None = None
    product: str | None = None
    interface: str | None = None


def kept(source, *found):
    return [port.address for port in source.keep(found)]


def test_ports_with_usb_ids_are_kept_and_the_rest_is_not():
    source = SystemPorts()
    assert kept(
        source,
        Found("/dev/ttyACM0"),
        Found("/dev/ttyS0", None, None),
        Found("/dev/cu.Bluetooth-Incoming-Port", None, None),
        Found("COM3"),
    ) == ["/dev/ttyACM0", "COM3"]


def test_on_macos_the_callout_device_is_taken_and_not_the_one_that_waits_for_a_carrier():
    source = SystemPorts()
    assert kept(source, Found("/dev/cu.usbmodem101"), Found("/dev/tty.usbmodem101")) == [
        "/dev/cu.usbmodem101"
    ]


def test_ignored_ports_are_left_out_and_extra_ones_taken_in():
    source = SystemPorts(ignore=["/dev/ttyACM0"], extra=["/dev/ttyS0", "/dev/ttyACM0"])
    assert kept(source, Found("/dev/ttyACM0"), Found("/dev/ttyS0", None, None)) == ["/dev/ttyS0"]


def test_an_extra_port_that_the_system_does_not_list_is_shown_while_it_exists(tmp_path):
    device = tmp_path / "ttyV0"
    device.touch()
    source = SystemPorts(extra=[str(device)])
    assert str(device) in [seen.port.address for seen in source.look()]
    device.unlink()
    assert str(device) not in [seen.port.address for seen in source.look()]


def test_texts_of_a_device_are_cleaned():
    (port,) = SystemPorts().keep([Found("/dev/ttyACM0", product="evil\x1b[2J", manufacturer=" ")])
    assert port.product == "evil·[2J"
    assert port.manufacturer is None


def test_what_the_firmware_calls_its_port_is_kept_where_the_system_tells_it():
    ports = [Found("/dev/ttyACM0", interface="CircuitPython CDC control"), Found("/dev/ttyACM1")]
    told = [port.interface for port in SystemPorts().keep(ports)]
    assert told == ["CircuitPython CDC control", None]


def test_a_look_at_this_computer_finds_only_ports_with_ids():
    assert all(seen.port.vid is not None for seen in SystemPorts().look())


async def test_a_started_source_is_looked_at_seldom_where_the_system_has_events():
    source = SystemPorts()
    assert source.poll_s == 1.0
    source.start(lambda: None)
    assert source.poll_s == (1.0 if sys.platform == "darwin" else 5.0)
    source.close()
    source.close()


# --- whole USB devices on a simulated bus ---------------------------------------------------------

BUS = """
import asyncio, ctypes, json, sys
from agent.boards.service import BoardService
from agent.boards.system_ports import SystemPorts
from agent.catalog import Catalog

library = ctypes.CDLL("libumockdev.so.0")
library.umockdev_testbed_new.restype = ctypes.c_void_p
testbed = ctypes.c_void_p(library.umockdev_testbed_new())
BUS = "/devices/pci0000:00/0000:00:14.0/usb1/"


def plug(place, tty, pid, serial, interfaces=2):
    device = f'''P: {BUS}{place}
E: SUBSYSTEM=usb
E: DEVTYPE=usb_device
A: idVendor=2341\\\\n
A: idProduct={pid}\\\\n
A: serial={serial}\\\\n
A: manufacturer=Arduino\\\\n
A: product=Board\\\\n
A: bNumInterfaces= {interfaces}\\\\n

P: {BUS}{place}/{place}:1.0
E: SUBSYSTEM=usb
E: DEVTYPE=usb_interface

P: {BUS}{place}/{place}:1.0/tty/{tty}
N: {tty}
E: SUBSYSTEM=tty
E: DEVNAME=/dev/{tty}
L: device=../../../{place}:1.0

'''
    error = ctypes.c_void_p()
    assert library.umockdev_testbed_add_from_string(testbed, device.encode(), ctypes.byref(error))


def unplug(place, tty):
    root = f"/sys{BUS}{place}"
    # As the kernel does it: the port goes first and is told, then what it hung on.
    for part in (f"{root}/{place}:1.0/tty/{tty}", f"{root}/{place}:1.0", root):
        library.umockdev_testbed_uevent(testbed, part.encode(), b"remove")
        library.umockdev_testbed_remove_device(testbed, part.encode())


async def main():
    source = SystemPorts()
    service = BoardService(Catalog.load(), [source])
    told = asyncio.Queue()
    service.subscribe(told.put_nowait)
    await service.start()
    seen = []

    async def note(kind):
        changes = await told.get()
        boards = {"appeared": changes.appeared, "changed": changes.changed}.get(kind)
        if boards is None:
            seen.append([kind, *changes.vanished])
        else:
            (board,) = boards
            seen.append([kind, board.id, board.state.value, board.ports[0].address,
                         board.ports[0].location])

    seen.append(["poll", source.poll_s, service.list()])
    plug("1-2", "ttyACM0", "8057", "6B1D4A1A50503233")
    await note("appeared")
    async with service.lease(service.list()[0].id, "job") as lease:
        await note("changed")
        unplug("1-2", "ttyACM0")
        back = asyncio.create_task(service.wait_back(lease.board.id, 10.0))
        while lease.board.ports:
            await asyncio.sleep(0)
        told.get_nowait()
        plug("1-2", "ttyACM1", "0057", "")
        await back
        told.get_nowait()
        seen.append(["back", back.result().id, back.result().ports[0].address])
    await note("changed")
    unplug("1-2", "ttyACM1")
    await note("vanished")
    await service.close()
    print(json.dumps(seen))


asyncio.run(main())
"""


@pytest.mark.system("linux")
@pytest.mark.needs("umockdev")
def test_boards_come_go_and_change_their_role_on_a_usb_bus():
    """Events, the look at /sys and the registry together, in a process with its own bus."""
    run = subprocess.run(
        ["umockdev-wrapper", sys.executable, "-c", BUS],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    board = "nano_33_iot-6B1D4A1A50503233"
    assert json.loads(run.stdout) == [
        ["poll", 5.0, []],
        ["appeared", board, "ready", "/dev/ttyACM0", "1-2:1.0"],
        ["changed", board, "busy", "/dev/ttyACM0", "1-2:1.0"],
        ["back", board, "/dev/ttyACM1"],
        ["changed", board, "bootloader", "/dev/ttyACM1", "1-2:1.0"],
        ["vanished", board],
    ]
