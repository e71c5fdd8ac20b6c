"""Programs that nobody here wrote, and our service, see boards on a simulated USB bus."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SYSTEM_PYTHON = "/usr/bin/python3"
"""The interpreter that Debian's packages are installed in."""
NANO = {"vid": 0x2341, "pid": 0x8057, "serial": "6B1D4A1A50503233"}
NANO_LOADER = {"vid": 0x2341, "pid": 0x0057}
H7 = {"vid": 0x2341, "pid": 0x025B, "serial": "002F00313138511238353333"}
H7_LOADER = {"vid": 0x2341, "pid": 0x035B, "serial": "38393233343536", "dfu": True}
NANO_ESP32 = {"vid": 0x2341, "pid": 0x0070, "serial": "3485185F1B2C"}

pytestmark = [pytest.mark.system("linux"), pytest.mark.needs("usb")]


class Child:
    """A program that is told something with a line and answers with one; both are JSON."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, *what: object, **facts: object) -> Any:
        told = self.process.stdin
        assert told is not None
        told.write(json.dumps([*what, facts]) + "\n")
        told.flush()
        return self.hear()

    def hear(self) -> Any:
        heard = self.process.stdout
        assert heard is not None
        line = heard.readline()
        assert line, "the program ended"
        return json.loads(line)


@contextlib.contextmanager
def child(*command: str, **environ: str) -> Iterator[Child]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environ,
        },
    )
    pipes: tuple[IO[str] | None, ...] = (process.stdin, process.stdout)
    try:
        yield Child(process)
    finally:
        for pipe in pipes:
            if pipe is not None:
                pipe.close()
        process.wait(10)


class Desk:
    """A USB bus without boards, and the way in for programs."""

    def __init__(self, bench: Child) -> None:
        self.do = bench.ask
        self.root = bench.hear()

    def program(
        self, code: str, python: str = sys.executable
    ) -> contextlib.AbstractContextManager[Child]:
        """A program that sees this bus and no other."""
        preload = "libumockdev-preload.so.0"
        return child(python, "-c", code, LD_PRELOAD=preload, UMOCKDEV_DIR=self.root)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with child("umockdev-wrapper", SYSTEM_PYTHON, str(HERE / "usb_desk.py")) as bench:
        made = Desk(bench)
        yield made
    shutil.rmtree(made.root, ignore_errors=True)


PYSERIAL = """
import json, sys
from serial import Serial
from serial.tools.list_ports import comports

def ports():
    # The built-in ports of this computer have no ids.
    found = sorted(port for port in comports() if port.vid is not None)
    return [[p.device, p.vid, p.pid, p.serial_number, p.location] for p in found]

def signals(port):
    link.port = port
    link.open()
    for dtr, rts in ((False, True), (True, False), (False, False)):
        link.dtr, link.rts = dtr, rts

def echo():
    link.write(link.read(5))
    link.close()

def touch(port):
    touched = Serial(port, 1200)
    touched.dtr = False
    touched.close()

link = Serial(baudrate=115200, timeout=30)
commands = {"ports": ports, "signals": signals, "echo": echo, "touch": touch}
for line in sys.stdin:
    command, facts = json.loads(line)
    print(json.dumps(commands[command](**facts)), flush=True)
"""


def test_pyserial_sees_boards_come_and_go_and_come_again_under_any_name(desk: Desk) -> None:
    with desk.program(PYSERIAL) as pyserial:
        assert pyserial.ask("ports") == []
        desk.do("plug", place="1-2", port="ttyACM0", **NANO)
        nano = [0x2341, 0x8057, NANO["serial"], "1-2:1.0"]
        assert pyserial.ask("ports") == [["/dev/ttyACM0", *nano]]
        desk.do("unplug", place="1-2")
        assert pyserial.ask("ports") == []
        for port in ("ttyACM0", "ttyACM1"):
            desk.do("plug", place="1-2", port=port, **NANO_LOADER)
            loader = [0x2341, 0x0057, None, "1-2:1.0"]
            assert pyserial.ask("ports") == [[f"/dev/{port}", *loader]]
            desk.do("unplug", place="1-2")
        desk.do("plug", place="1-2", **H7_LOADER)
        assert pyserial.ask("ports") == []


def test_pyserial_moves_dtr_and_rts_and_bytes_and_touches(desk: Desk) -> None:
    desk.do("plug", place="1-2", port="ttyACM0", **NANO)
    with desk.program(PYSERIAL) as pyserial:
        pyserial.ask("signals", port="/dev/ttyACM0")
        desk.do("say", port="ttyACM0", text="hello")
        pyserial.ask("echo")
        assert desk.do("hear", port="ttyACM0", size=5) == "hello"
        seen = desk.do("host", port="ttyACM0")
        assert seen["baud"] == 115200
        # DTR and RTS; both are raised when the port is opened.
        assert seen["lines"][-6:] == [
            [False, True],
            [False, True],
            [True, True],
            [True, False],
            [False, False],
            [False, False],
        ]
        pyserial.ask("touch", port="/dev/ttyACM0")
        seen = desk.do("host", port="ttyACM0")
        assert (seen["baud"], seen["lines"][-1][0]) == (1200, False)


PYUDEV = """
import json, sys, pyudev

context = pyudev.Context()
monitor = pyudev.Monitor.from_netlink(context)
monitor.filter_by("tty")
monitor.filter_by("usb", device_type="usb_device")
monitor.start()

def facts(device):
    return [device.subsystem, device.sys_name, device.device_node, device.get("ID_MODEL_ID")]

def devices():
    listed = [*context.list_devices(subsystem="tty"), *context.list_devices(subsystem="usb")]
    return sorted(facts(d) for d in listed if d.device_type != "usb_interface")

def event():
    device = monitor.poll(10)
    return [device.action, *facts(device)]

for line in sys.stdin:
    command, said = json.loads(line)
    print(json.dumps({"devices": devices, "event": event}[command](**said)), flush=True)
"""


@pytest.mark.needs("pyudev")
def test_pyudev_lists_boards_and_hears_of_them(desk: Desk) -> None:
    with desk.program(PYUDEV, SYSTEM_PYTHON) as pyudev:
        assert pyudev.ask("devices") == []
        desk.do("plug", place="1-2", port="ttyACM0", **NANO)
        device: list[object] = ["usb", "1-2", None, None]
        port: list[object] = ["tty", "ttyACM0", "/dev/ttyACM0", "8057"]
        assert [pyudev.ask("event"), pyudev.ask("event")] == [["add", *device], ["add", *port]]
        assert pyudev.ask("devices") == [port, device]
        desk.do("unplug", place="1-2")
        assert pyudev.ask("event")[:3] == ["remove", "tty", "ttyACM0"]
        assert pyudev.ask("event")[:3] == ["remove", "usb", "1-2"]
        # Its loader has no serial port.
        desk.do("plug", place="1-2", **H7_LOADER)
        assert pyudev.ask("event") == ["add", *device]
        assert pyudev.ask("devices") == [device]


SERVICE = """
import asyncio, contextlib, json, sys
from agent.boards.service import BoardService, port_sources
from agent.catalog import Catalog
from agent.settings.config import PortsConfig

def shown(board):
    return [board.id, board.state.value, [[p.kind, p.address] for p in board.ports]]

async def main():
    catalog = Catalog.load()
    service = BoardService(catalog, port_sources(PortsConfig(), catalog.models))
    changed = asyncio.Event()
    service.subscribe(lambda _: changed.set())
    await service.start()
    asked = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(asked), sys.stdin
    )
    leases = contextlib.AsyncExitStack()
    lease = None
    while line := await asked.readline():
        command, facts = json.loads(line)
        answer = None
        if command == "until":
            while (answer := [shown(b) for b in service.list()]) != facts["boards"]:
                changed.clear()
                try:
                    await asyncio.wait_for(changed.wait(), 30)
                except TimeoutError:
                    break
        elif command == "lease":
            lease = await leases.enter_async_context(service.lease(facts["board"], "job"))
        elif command == "touch":
            await lease.touch()
        elif command == "free":
            await leases.aclose()
        print(json.dumps(answer), flush=True)
    await leases.aclose()
    await service.close()

asyncio.run(main())
"""


def sees(service: Child, *boards: list[object]) -> bool:
    """Whether the service comes to see exactly these boards."""
    answer = service.ask("until", boards=boards)
    assert answer == list(boards)
    return True


def test_our_service_keeps_one_board_over_a_touch_into_dfu_and_back(desk: Desk) -> None:
    # Two models have these ids; the number is shortened in the id.
    board = "usb-2341-025b-002F0031-A067"
    with desk.program(SERVICE) as service:
        desk.do("plug", place="1-2", port="ttyACM0", **H7)
        assert sees(service, [board, "ready", [["serial", "/dev/ttyACM0"]]])
        service.ask("lease", board=board)
        service.ask("touch")
        seen = desk.do("host", port="ttyACM0")
        assert (seen["baud"], seen["lines"][-1][0]) == (1200, False)
        desk.do("unplug", place="1-2")
        assert sees(service, [board, "unreachable", []])
        desk.do("plug", place="1-2", **H7_LOADER)
        assert sees(service, [board, "busy", [["usb", "usb:1-2"]]])
        service.ask("free")
        assert sees(service, [board, "bootloader", [["usb", "usb:1-2"]]])
        desk.do("unplug", place="1-2")
        desk.do("plug", place="1-2", port="ttyACM1", **H7)
        assert sees(service, [board, "ready", [["serial", "/dev/ttyACM1"]]])


def test_our_service_follows_a_loader_with_a_serial_port_of_the_same_and_another_name(
    desk: Desk,
) -> None:
    board = f"nano_33_iot-{NANO['serial']}"
    with desk.program(SERVICE) as service:
        for port in ("ttyACM0", "ttyACM1"):
            desk.do("plug", place="1-2", port="ttyACM0", **NANO)
            assert sees(service, [board, "ready", [["serial", "/dev/ttyACM0"]]])
            desk.do("unplug", place="1-2")
            desk.do("plug", place="1-2", port=port, **NANO_LOADER)
            assert sees(service, [board, "bootloader", [["serial", f"/dev/{port}"]]])
            desk.do("unplug", place="1-2")
            assert sees(service)


def test_our_service_tells_the_two_modes_of_a_nano_esp32_by_the_interface(desk: Desk) -> None:
    board = f"nano_esp32-{NANO_ESP32['serial']}"
    with desk.program(SERVICE) as service:
        desk.do("plug", place="1-2", port="ttyACM0", run_time=True, **NANO_ESP32)
        assert sees(service, [board, "ready", [["serial", "/dev/ttyACM0"]]])
        desk.do("unplug", place="1-2")
        desk.do("plug", place="1-2", dfu=True, **NANO_ESP32)
        assert sees(service, [board, "bootloader", [["usb", "usb:1-2"]]])


def test_two_equal_boards_restart_at_once_and_stay_themselves(desk: Desk) -> None:
    """Both have one serial number; their loaders have none; ports take each other's names."""
    first, second = f"nano_33_iot-{NANO['serial']}", f"nano_33_iot-{NANO['serial']}-1-3"
    with desk.program(SERVICE) as service:
        desk.do("plug", place="1-2", port="ttyACM0", **NANO)
        assert sees(service, [first, "ready", [["serial", "/dev/ttyACM0"]]])
        desk.do("plug", place="1-3", port="ttyACM1", **NANO)
        both = [["serial", "/dev/ttyACM0"]], [["serial", "/dev/ttyACM1"]]
        assert sees(service, [first, "ready", both[0]], [second, "ready", both[1]])
        for place in ("1-2", "1-3"):
            desk.do("unplug", place=place)
        desk.do("plug", place="1-3", port="ttyACM0", **NANO_LOADER)
        desk.do("plug", place="1-2", port="ttyACM1", **NANO_LOADER)
        loaders = {first: both[1], second: both[0]}
        seen = service.ask("until", boards=[[b, "bootloader", p] for b, p in loaders.items()])
        assert {board: ports for board, _, ports in seen} == loaders
