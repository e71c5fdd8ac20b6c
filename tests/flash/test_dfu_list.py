"""Devices in DFU mode as dfu-util lists them: its text, and the real program on a simulated bus."""

from __future__ import annotations

import asyncio
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.flash.dfu_list import DfuDevice, DfuLister, parse_list
from tests.flash.usb import usb_bus

# Written by dfu-util 0.11.
TEXT = """\
dfu-util 0.11

Copyright 2010-2021 Tormod Volden and Stefan Schmidt
This program is Free Software and has ABSOLUTELY NO WARRANTY

Found DFU: [2341:035b] ver=0100, devnum=2, cfg=1, intf=0, path="1-1", alt=1, name="@Option", \
serial="H7-A"
Found DFU: [2341:035b] ver=0100, devnum=2, cfg=1, intf=0, path="1-1", alt=0, name="@Flash", \
serial="H7-A"
Found Runtime: [2341:0068] ver=0100, devnum=3, cfg=1, intf=0, path="1-2", alt=0, name="DFU", \
serial="C33-A"
Found DFU: [2341:0368] ver=0100, devnum=4, cfg=1, intf=0, path="1-3.2", alt=0, name="Flash", \
serial="UNKNOWN"
"""


def test_each_device_in_dfu_mode_is_listed_once_and_sketches_are_not():
    assert parse_list(TEXT) == [
        DfuDevice(0x2341, 0x035B, "H7-A", "1-1"),
        DfuDevice(0x2341, 0x0368, None, "1-3.2"),
    ]


def test_what_a_device_says_is_cleaned():
    line = TEXT.splitlines()[5].replace("H7-A", "H7\x1b[2J")
    assert parse_list(line)[0].serial_number == "H7·[2J"


@given(st.text())
def test_any_text_is_read(text):
    assert all(device.vid <= 0xFFFF for device in parse_list(text))


async def test_without_the_program_nothing_is_listed(tmp_path):
    lister = DfuLister({"dfu-util": str(tmp_path / "dfu-util")})
    assert await asyncio.to_thread(lister.find) == []


@pytest.mark.system("linux", "darwin")
async def test_a_program_that_fails_lists_nothing_and_is_asked_again(tmp_path):
    program = tmp_path / "dfu-util"
    program.write_text("#!/bin/sh\nexit 74\n")
    program.chmod(0o700)
    lister = DfuLister({"dfu-util": str(program)})
    assert await asyncio.to_thread(lister.find) == []
    program.write_text(f"#!{sys.executable}\nprint({TEXT!r})\n")
    assert len(await asyncio.to_thread(lister.find)) == 2
    assert len(await asyncio.to_thread(lister.find)) == 2


@pytest.mark.needs("usb")
async def test_the_real_program_lists_the_boards_of_a_bus():
    h7 = {"vid": 0x2341, "pid": 0x035B, "serial": "H7-A", "dfuse": True}
    c33 = {"vid": 0x2341, "pid": 0x0068, "serial": "C33-A", "dfuse": False, "run_time": True}
    with usb_bus(h7, c33) as bus:
        lister = DfuLister(environ=bus.environ)
        assert await asyncio.to_thread(lister.find) == [DfuDevice(0x2341, 0x035B, "H7-A", "1-1")]
