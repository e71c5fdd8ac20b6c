"""Simulated DFU boards on a simulated USB bus; run by the interpreter that has umockdev.

Not a test: ``umockdev-wrapper /usr/bin/python3 usb_bench.py``. The first line of standard input
holds the boards, as JSON; the first line of standard output the folder of the bus, which a client
finds through ``UMOCKDEV_DIR``. Each further line of input is a command and has one line of answer.
Source: bench-boards, section d.
"""

from __future__ import annotations

import errno
import hashlib
import json
import queue
import struct
import sys
import threading
from collections import deque
from importlib import import_module
from typing import Any

from agent.simulator.dfu import DfuDevice, Setup

# Debian's packages, which have no types.
import_module("gi").require_version("UMockdev", "1.0")
GLib = import_module("gi.repository.GLib")
UMockdev = import_module("gi.repository.UMockdev")

BUS = "/devices/pci0000:00/0000:00:14.0/usb1"
CAPABILITIES, CLAIM, RELEASE = 0x8004551A, 0x8004550F, 0x80045510
RESET, SET_INTERFACE, SUBMIT, REAP = 0x5514, 0x80085504, 0x8038550A, 0x4008550D
URB_BYTES = 56
STALLED = -32
CONTROL = 2


class Board(UMockdev.IoctlBase):  # type: ignore[name-defined]  # it has no types
    """One device file: what a USB library asks of the kernel about one board."""

    def __init__(self, bench, place, number, device):
        super().__init__()
        self.bench, self.number, self.device = bench, number, device
        self.done: deque[Any] = deque()
        self.path = f"{BUS}/{place}"
        self.node = f"/dev/bus/usb/001/{number:03d}"

    def plug(self):
        self.bench.add_from_string(self.stanza())
        self.bench.attach_ioctl(self.node, self)

    def unplug(self):
        self.bench.detach_ioctl(self.node)
        self.bench.uevent(f"/sys{self.path}", "remove")
        self.bench.remove_device(f"/sys{self.path}")

    def stanza(self):
        device = self.device
        fields = {
            "busnum": "1",
            "devnum": str(self.number),
            "speed": "12",
            "bConfigurationValue": "1",
            "bNumInterfaces": " 1",
            "idVendor": f"{device.vid:04x}",
            "idProduct": f"{device.pid:04x}",
            "serial": device.serial,
        }
        lines = [f"P: {self.path}", f"N: {self.node[5:]}", "E: SUBSYSTEM=usb"]
        lines += ["E: DEVTYPE=usb_device", f"E: DEVNAME={self.node}", "E: BUSNUM=001"]
        lines += [f"E: DEVNUM={self.number:03d}", f"A: dev=189:{self.number - 1}\\n"]
        lines += [f"A: {name}={value}\\n" for name, value in fields.items()]
        lines += [f"H: descriptors={device.descriptors().hex()}", "", ""]
        return "\n".join(lines)

    def do_handle_ioctl(self, client):
        request = client.get_request()
        if request in (CLAIM, RELEASE, SET_INTERFACE):
            client.complete(-1 if self.absent() else 0, errno.ENODEV if self.absent() else 0)
        elif request == CAPABILITIES:
            # The first call of a program. What one that was killed had under way ended with it.
            self.done.clear()
            client.get_arg().resolve(0, 4).update(0, bytes(4))
            client.complete(0, 0)
        elif request == RESET:
            # A board that restarts because of it is gone right afterwards.
            self.device.reset()
            client.complete(0, 0)
        elif request == SUBMIT:
            self.submit(client)
        elif request == REAP:
            self.reap(client)
        else:
            client.complete(-1, errno.ENOTTY)
        return True

    def absent(self):
        return self.device.gone or self.device.started or self.device.detached

    def submit(self, client):
        urb = client.get_arg().resolve(0, URB_BYTES)
        head = urb.retrieve()
        length = struct.unpack_from("<i", head, 24)[0]
        if head[0] != CONTROL or self.absent():
            client.complete(-1, errno.ENODEV)
            return
        buffer = urb.resolve(16, length)
        data = buffer.retrieve()
        setup = Setup.parse(data)
        answer = self.device.control(setup, data[8:] if not setup.kind & 0x80 else b"")
        if self.device.gone:
            client.complete(-1, errno.ENODEV)
            return
        if answer and setup.kind & 0x80:
            buffer.update(8, answer)
        moved = len(answer or b"") if setup.kind & 0x80 else length - 8
        urb.update(4, struct.pack("<i", STALLED if answer is None else 0))
        urb.update(28, struct.pack("<i", 0 if answer is None else moved))
        self.done.append(urb)
        client.complete(0, 0)

    def reap(self, client):
        if not self.done:
            client.complete(-1, errno.ENODEV if self.absent() else errno.EAGAIN)
            return
        client.get_arg().resolve(0, 8).set_ptr(0, self.done.popleft())
        client.complete(0, 0)

    def report(self):
        device = self.device
        return {
            "started": device.started,
            "detached": device.detached,
            "downloads": device.downloads,
            "erases": device.erases,
            "state": device.state.name,
            "sha256": hashlib.sha256(device.flash).hexdigest(),
        }


def main():
    bench = UMockdev.Testbed.new()
    boards = [
        Board(bench, f"1-{number}", number + 1, DfuDevice(**fields))
        for number, fields in enumerate(json.loads(sys.stdin.readline()), 1)
    ]
    for board in boards:
        board.plug()
    loop = GLib.MainLoop()
    threading.Thread(target=loop.run, daemon=True).start()
    print(json.dumps(bench.get_root_dir()), flush=True)
    for _line in sys.stdin:
        print(json.dumps(at_rest(lambda: [board.report() for board in boards])), flush=True)
    loop.quit()


def at_rest(ask):
    """The answer of ``ask`` once nothing waits: calls of a program that was killed are over then."""
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    GLib.idle_add(lambda: answers.put(ask()))
    return answers.get(timeout=30)


if __name__ == "__main__":
    main()
