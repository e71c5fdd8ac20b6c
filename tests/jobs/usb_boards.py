"""Boards with DFU bootloaders on a simulated USB bus, which restart as real ones do; run by the
interpreter that has umockdev.

Not a test: ``umockdev-wrapper /usr/bin/python3 usb_boards.py``. It first writes the folder of the
bus, which a program finds through ``UMOCKDEV_DIR``; then each line of input is a command and has
one line of answer, both JSON. A touch at 1200 baud, DETACH, or a person lets a board restart into
its bootloader; the end of a download, or a reset, into its sketch. Sources: flashing, sections 4
and 10; bench-boards, sections a and d.
"""

from __future__ import annotations

import json
import select
import sys
import termios
import threading
from dataclasses import dataclass, field
from typing import Any

if sys.platform != "linux":
    sys.exit("a USB bus is simulated on Linux only")

from agent.simulator.dfu import DfuDevice
from tests.boards.usb_desk import ACM_MAJOR, Desk, GLib, in_loop
from tests.flash.usb_bench import Board

LOOK_MS = 5
COUNTDOWN_MS = 200
"""Between the touch and the restart (mbed core: at least 200 ms with DTR low)."""
AWAY_MS = 150
"""Between leaving the bus and the next device in the socket."""


@dataclass
class Kind:
    """What a board is, and how it misbehaves."""

    place: str
    serial: str
    sketch: list[int]
    """Vendor and product id."""
    loader: list[int]
    dfuse: bool
    transfer_size: int = 4096
    base: int = 0x0800_0000
    tolerant: bool = True
    run_time: bool = False
    """Its sketch is told by DETACH, not by a touch."""
    unplug_at: int | None = None
    """The cable is pulled at this DNLOAD; once."""
    back: str = "sketch"
    """What comes after a download: ``sketch``, ``nothing``, or ``other``, a board of this kind with
    another serial number."""
    loader_serial: str | None = None
    """Of the bootloader, where it has another one."""


@dataclass
class Seen:
    """What happened to a board."""

    touches: int = 0
    detaches: int = 0
    downloads: list[int] = field(default_factory=list)
    """DNLOADs of each visit to the bootloader."""
    erases: int = 0


class Life:
    """One board: which face is in the socket, and when it changes."""

    def __init__(self, bus, kind, first):
        self.bus, self.kind, self.seen = bus, kind, Seen()
        self.flash = bytearray(b"\xff" * 16 * 128 * 1024)
        self.face = None
        self.port = first
        self.serial = kind.serial
        self.show_sketch()

    def show_sketch(self):
        kind = self.kind
        vid, pid = kind.sketch
        # With each start another name: nothing may depend on it.
        self.port += 1
        device = DfuDevice(vid, pid, self.serial, dfuse=False, run_time=True)
        self.face = self.bus.plug_face(kind.place, device, f"ttyACM{self.port}")

    def show_loader(self):
        kind = self.kind
        vid, pid = kind.loader
        device = DfuDevice(
            vid,
            pid,
            kind.loader_serial or kind.serial,
            dfuse=kind.dfuse,
            transfer_size=kind.transfer_size,
            base=kind.base,
            tolerant=kind.tolerant,
            unplug_at=kind.unplug_at,
            flash=self.flash,
        )
        kind.unplug_at = None
        self.face = self.bus.plug_face(kind.place, device, None)

    def leave(self, then):
        """Off the bus, and after a while the next face."""
        if self.face is not None:
            self.bus.unplug_face(self.face)
            self.face = None
        GLib.timeout_add(AWAY_MS, lambda: then() and False)

    def look(self):
        """What the host did since the last look."""
        face = self.face
        if face is None:
            return
        device = face.board.device
        if face.port is None:
            self.look_at_loader(device)
        elif device.detached:
            self.seen.detaches += 1
            self.leave(self.show_loader)
        elif not face.touched and not self.kind.run_time and self.bus.touched(face.port):
            face.touched = True
            self.seen.touches += 1
            GLib.timeout_add(COUNTDOWN_MS, lambda: self.leave(self.show_loader) and False)

    def look_at_loader(self, device):
        if not (device.started or device.gone):
            return
        self.seen.downloads.append(device.downloads)
        self.seen.erases += device.erases
        if device.gone or self.kind.back == "nothing":
            self.leave(lambda: None)
            return
        if self.kind.back == "other":
            self.serial = "OTHER"
        self.leave(self.show_sketch)


@dataclass
class Face:
    """A device in a socket."""

    board: Board
    port: str | None
    touched: bool = False


class Bus(Desk):
    """The bus, with boards that live."""

    def __init__(self):
        super().__init__()
        self.boards: dict[str, Life] = {}
        GLib.timeout_add(LOOK_MS, self.look)

    def look(self):
        for board in list(self.boards.values()):
            board.look()
        return True

    def add(self, **kind):
        """Plug in a board that runs its sketch."""
        made = Kind(**kind)
        self.boards[made.place] = Life(self, made, 10 * len(self.boards))

    def press(self, place):
        """A person presses reset twice."""
        board = self.boards[place]
        board.leave(board.show_loader)

    def replug(self, place):
        """A person plugs in a board again whose cable was pulled: its bootloader waits."""
        board = self.boards[place]
        board.look()
        GLib.timeout_add(AWAY_MS, lambda: board.show_loader() and False)

    def report(self, place):
        """What happened to a board."""
        board = self.boards[place]
        start = board.flash[0:4].hex()
        return {**vars(board.seen), "start": start, "shows": shown(board.face)}

    def content(self, place, start, size):
        """What is in a board's flash."""
        return bytes(self.boards[place].flash[start : start + size]).hex()

    def plug_face(self, place, device, port):
        self.number += 1
        board = Board(self.bed, place, self.number, device)
        board.plug()
        if port is None:
            return Face(board, None)
        minor = int(port.removeprefix("ttyACM"))
        self.open_port(port, minor)
        interface = f"{board.path}/{place}:1.0"
        lines = [f"P: {interface}", "E: SUBSYSTEM=usb", "E: DEVTYPE=usb_interface"]
        lines += ["A: bInterfaceNumber=00\\n", "A: interface=CDC\\n", ""]
        lines += [f"P: {interface}/tty/{port}", "E: SUBSYSTEM=tty", f"E: DEVNAME=/dev/{port}"]
        lines += [f"E: ID_VENDOR_ID={device.vid:04x}", f"E: ID_MODEL_ID={device.pid:04x}"]
        lines += [f"E: ID_SERIAL_SHORT={device.serial}", f"A: dev={ACM_MAJOR}:{minor}\\n"]
        lines += [f"L: device=../../../{place}:1.0", "", ""]
        self.bed.add_from_string("\n".join(lines))
        return Face(board, port)

    def unplug_face(self, face):
        if face.port is not None:
            self.close_port(face.port)
            place = face.board.path.rpartition("/")[2]
            interface = f"/sys{face.board.path}/{place}:1.0"
            for path in (f"{interface}/tty/{face.port}", interface):
                self.bed.uevent(path, "remove")
                self.bed.remove_device(path)
        face.board.unplug()

    def touched(self, port):
        """The host set 1200 baud and hung up."""
        master, _ = self.ports[port]
        if termios.tcgetattr(master)[4] != termios.B1200:
            return False
        poll = select.poll()
        poll.register(master, 0)
        return any(event & select.POLLHUP for _, event in poll.poll(0))


def shown(face: Face | None) -> str | None:
    if face is None:
        return None
    return "loader" if face.port is None else "sketch"


def main() -> None:
    bus: Any = Bus()
    loop = GLib.MainLoop()
    threading.Thread(target=loop.run, daemon=True).start()
    print(json.dumps(str(bus.root)), flush=True)
    for line in sys.stdin:
        command, facts = json.loads(line)
        print(json.dumps(in_loop(lambda c=command, f=facts: getattr(bus, c)(**f))), flush=True)
    loop.quit()


if __name__ == "__main__":
    main()
