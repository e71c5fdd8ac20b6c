"""Boards on a simulated USB bus, plugged and unplugged by command; run by the interpreter that has
umockdev.

Not a test: ``umockdev-wrapper /usr/bin/python3 usb_desk.py``. It first writes the folder of the
bus, which a client finds through ``UMOCKDEV_DIR``; then each line of input is a command and has one
line of answer, both JSON. Source: bench-boards, sections a and d.
"""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("the simulated bus is that of Linux")

import errno
import json
import os
import queue
import struct
import termios
import threading
import tty
from importlib import import_module
from pathlib import Path
from typing import Any

from agent.simulator.dfu import DfuDevice

# Debian's packages, which have no types.
import_module("gi").require_version("UMockdev", "1.0")
GLib = import_module("gi.repository.GLib")
UMockdev = import_module("gi.repository.UMockdev")

BUS = "/devices/pci0000:00/0000:00:14.0/usb1"
GET, SET, CLEAR, ALL = 0x5415, 0x5416, 0x5417, 0x5418
"""TIOCMGET, TIOCMBIS, TIOCMBIC, TIOCMSET of asm-generic/ioctls.h."""
DTR, RTS = 0x002, 0x004
ACM_MAJOR = 166


class Lines(UMockdev.IoctlBase):  # type: ignore[name-defined]  # it has no types
    """The modem lines of a port, as its host sets them."""

    def __init__(self):
        super().__init__()
        self.state = 0
        self.log: list[list[bool]] = []

    def do_handle_ioctl(self, client):
        request = client.get_request()
        if request not in (GET, SET, CLEAR, ALL):
            result, number = client.execute()
            client.complete(result, number)
            return True
        bits = client.get_arg().resolve(0, 4)
        if request == GET:
            bits.update(0, struct.pack("=i", self.state))
        else:
            asked = struct.unpack("=i", bits.retrieve())[0]
            self.state = {
                SET: self.state | asked,
                CLEAR: self.state & ~asked,
                ALL: asked,
            }[request]
            self.log.append([bool(self.state & DTR), bool(self.state & RTS)])
        client.complete(0, 0)
        return True


class Desk:
    """The bus and what is on it."""

    def __init__(self):
        self.bed = UMockdev.Testbed.new()
        self.root = Path(self.bed.get_root_dir())
        self.plugged: dict[str, list[str]] = {}
        self.ports: dict[str, tuple[int, Lines]] = {}
        self.number = 1

    def plug(self, place, vid, pid, serial="", port="", dfu=False, run_time=False):
        """A device in a socket: with a serial port of this name, with a DFU interface, or both."""
        self.number += 1
        device = f"{BUS}/{place}"
        described = DfuDevice(vid, pid, serial or "x", dfuse=False, run_time=run_time)
        texts = {
            "busnum": "1",
            "devnum": str(self.number),
            "speed": "12",
            "bConfigurationValue": "1",
            "bNumInterfaces": " 2",
            "idVendor": f"{vid:04x}",
            "idProduct": f"{pid:04x}",
            "manufacturer": "Arduino",
            "product": "Simulated",
            **({"serial": serial} if serial else {}),
        }
        stanza = [f"P: {device}", "E: SUBSYSTEM=usb", "E: DEVTYPE=usb_device"]
        stanza += [f"A: {name}={value}\\n" for name, value in texts.items()]
        if dfu or run_time:
            stanza.append(f"H: descriptors={described.descriptors().hex()}")
        interface = f"{device}/{place}:1.0"
        stanza += ["", f"P: {interface}", "E: SUBSYSTEM=usb", "E: DEVTYPE=usb_interface"]
        stanza += ["A: bInterfaceNumber=00\\n", "A: interface=CDC\\n", ""]
        paths = [device, interface]
        if port:
            minor = int(port.removeprefix("ttyACM"))
            self.open_port(port, minor)
            paths.append(f"{interface}/tty/{port}")
            stanza += [f"P: {paths[-1]}", "E: SUBSYSTEM=tty", f"E: DEVNAME=/dev/{port}"]
            stanza += [f"E: ID_VENDOR_ID={vid:04x}", f"E: ID_MODEL_ID={pid:04x}"]
            stanza += [f"E: ID_SERIAL_SHORT={serial}", f"A: dev={ACM_MAJOR}:{minor}\\n"]
            stanza += [f"L: device=../../../{place}:1.0", ""]
        self.plugged[place] = [*paths, port]
        self.bed.add_from_string("\n".join([*stanza, ""]))

    def unplug(self, place):
        """As the kernel does it: the port goes first and is told, then what it hung on."""
        *paths, port = self.plugged.pop(place)
        if port:
            self.close_port(port)
        for path in reversed(paths):
            self.bed.uevent(f"/sys{path}", "remove")
            self.bed.remove_device(f"/sys{path}")

    def open_port(self, name, minor):
        """The node is made by hand: umockdev's own can be plugged in only once under a name."""
        master, slave = os.openpty()
        tty.setraw(slave)
        pts = os.ttyname(slave)
        os.close(slave)
        for folder, link, target in (
            ("dev", name, pts),
            ("dev/.ptymap", pts.replace("/", "_"), f"{ACM_MAJOR}:{minor}"),
        ):
            place = self.root / folder / link
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            place.symlink_to(target)
        # Left over from a port of this name before; umockdev makes it anew.
        for left in (f"dev/.node/{name}", f"sys/dev/char/{ACM_MAJOR}:{minor}"):
            (self.root / left).unlink(missing_ok=True)
        lines = Lines()
        self.bed.attach_ioctl(f"/dev/{name}", lines)
        self.ports[name] = (master, lines)

    def close_port(self, name):
        master, _ = self.ports.pop(name)
        self.bed.detach_ioctl(f"/dev/{name}")
        (self.root / "dev" / name).unlink(missing_ok=True)
        os.close(master)

    def host(self, port):
        """What the host did with a port: its rate, and each change of DTR and RTS."""
        master, lines = self.ports[port]
        rates = {termios.B1200: 1200, termios.B9600: 9600, termios.B115200: 115200}
        return {"baud": rates.get(termios.tcgetattr(master)[4]), "lines": lines.log}

    def say(self, port, text):
        """The board says something."""
        os.write(self.ports[port][0], text.encode())

    def hear(self, port, size):
        """What the board hears."""
        return os.read(self.ports[port][0], size).decode()


def main():
    desk = Desk()
    loop = GLib.MainLoop()
    threading.Thread(target=loop.run, daemon=True).start()
    print(json.dumps(str(desk.root)), flush=True)
    for line in sys.stdin:
        command, facts = json.loads(line)
        print(json.dumps(in_loop(lambda c=command, f=facts: getattr(desk, c)(**f))), flush=True)
    loop.quit()


def in_loop(ask):
    """The result of ``ask``, in the thread that answers the clients."""
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def once():
        try:
            answers.put(ask())
        except (OSError, KeyError) as error:
            answers.put({"error": errno.errorcode.get(getattr(error, "errno", 0), repr(error))})

    GLib.idle_add(once)
    return answers.get(timeout=30)


if __name__ == "__main__":
    main()
