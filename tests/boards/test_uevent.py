import asyncio
import os
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.boards.uevent import Uevent, UeventListener, parse_uevent

# Recorded from a Linux 6.18 kernel; SYNTH_UUID because the event was asked for.
KERNEL = (
    b"add@/devices/pnp0/00:00/00:00:0/00:00:0.0/tty/ttyS0\0ACTION=add\0"
    b"DEVPATH=/devices/pnp0/00:00/00:00:0/00:00:0.0/tty/ttyS0\0SUBSYSTEM=tty\0SYNTH_UUID=0\0"
    b"MAJOR=4\0MINOR=64\0DEVNAME=ttyS0\0SEQNUM=820\0"
)


def from_udev(pairs: bytes, magic: int = 0xFEEDCAFE) -> bytes:
    """A message in the layout of systemd's device monitor (40 bytes of header)."""
    numbers = struct.pack("!I", magic) + struct.pack("=IIIIIII", 40, 40, len(pairs), 1, 2, 3, 4)
    return b"libudev\0" + numbers + pairs


def test_an_event_of_the_kernel_is_understood():
    assert parse_uevent(KERNEL) == Uevent("add", "tty", "ttyS0")


def test_an_event_of_udev_is_understood():
    pairs = b"ACTION=remove\0SUBSYSTEM=tty\0DEVNAME=/dev/ttyACM0\0"
    assert parse_uevent(from_udev(pairs)) == Uevent("remove", "tty", "/dev/ttyACM0")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\0",
        b"hello",
        b"add@/devices/x\0",
        b"add@/devices/x\0ACTION=add\0",
        b"libudev\0",
        from_udev(b"ACTION=add\0SUBSYSTEM=tty\0", magic=1),
        from_udev(b"ACTION=add\0SUBSYSTEM=tty\0")[:-5],
    ],
)
def test_anything_else_is_no_event(message):
    assert parse_uevent(message) is None


@given(st.binary(max_size=200))
def test_no_message_can_break_the_parser(message):
    parse_uevent(message)
    parse_uevent(b"libudev\0" + message)
    parse_uevent(b"add@/x\0" + message)


@pytest.mark.system("linux")
async def test_the_listener_can_be_started_and_closed_by_any_user():
    listener = UeventListener()
    listener.start(lambda: None)
    listener.close()
    listener.close()


_DEVICE = Path("/sys/class/tty/tty/uevent")
_OTHER = Path("/sys/class/net/lo/uevent")

if sys.platform == "linux" and os.access(_DEVICE, os.W_OK) and os.access(_OTHER, os.W_OK):
    # Only root can ask the kernel for an event. For everybody else test_system_ports.py plays
    # events on a simulated bus.

    async def test_the_kernels_own_event_of_a_serial_port_wakes_the_watcher():
        woken = asyncio.Event()
        listener = UeventListener()
        listener.start(woken.set)
        _DEVICE.write_text("add")
        await woken.wait()
        listener.close()

    async def test_events_of_other_devices_do_not_wake_the_watcher():
        woken = asyncio.Event()
        listener = UeventListener()
        listener.start(woken.set)
        for _ in range(20):
            _OTHER.write_text("change")
        # The kernel has queued them by now; the loop has read them after a few turns.
        for _ in range(10):
            await asyncio.sleep(0)
        assert not woken.is_set()
        _DEVICE.write_text("change")
        await woken.wait()
        listener.close()
