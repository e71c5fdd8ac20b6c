"""What is personal gets a name, and the same one throughout; what is not stays."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.desktop.report.masks import Masks
from tests.desktop.report.search import found_in, ways

VALUES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=5, max_size=32).map(
    lambda text: f"Qz{text}"
)
ORDINARY = [
    "The board on /dev/ttyACM0 (2341:1002) joined in 3.1 s, -45 dBm, at 12:55:56.",
    "2026-11-22 13:13:45,469 ERROR agent.cli.shell: the command failed",
    "  /opt/mooring/agent/jobs/provision_v1_board_steps_2.py:69 run_command",
    "[wifi-password] Status -5 of the board, MTU 247, ports 8991 to 8999",
    "http://127.0.0.1:8991/ and ws://[::1]:8991/rpc and https://api2.arduino.cc/iot/v1/clients",
    "service 0000ffe0-0000-1000-8000-00805f9b34fb",
    "bleak 3.1.0, Windows-10-10.0.22631, kernel 6.18.44-fc-v669",
    "in file agent/boards/known.py at COM7, usb:1-2.3",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_what_helps_to_find_a_fault_stays(text):
    assert Masks().clean(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("from anna.b@mail.example.com now", "from <mail-1> now"),
        ("ble://A1:B2:C3:D4:E5:F6 and a1-b2-c3-d4-e5-f6", "ble://<hardware-1> and <hardware-2>"),
        ("thing 1f0e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", "thing <id-1>"),
        ("at 192.168.7.20, then 192.168.7.20", "at <address-1>, then <address-1>"),
        ("at fe80::1ff:fe23:4567:890a%eth0.", "at <address-1>."),
        ("/home/anna/x and C:\\Users\\anna\\x", "/home/<user-1>/x and C:\\Users\\<user-1>\\x"),
        ("anna-pc.local said", "<computer-1> said"),
        ("/dev/serial/by-id/usb-Arduino_F412-if00", "/dev/serial/by-id/<serial-1>"),
        ("/dev/cu.usbmodemF412FA65", "/dev/cu.usbmodem<serial-1>"),
        ("uhwid 4f1c9a07deadbeef00", "uhwid <id-1>"),
        ("key Zm9vYmFyMTIzNDU2Nzg5MA==", "key <id-1>"),
        ("http://me:pass@proxy.example:3128/a?b=c", "http://<login>@<host-1>:3128/a?…"),
        ("password: hunter2", "password: ***"),
        ("got eyJhbGciOiJFUzI1NiJ9.eyJpYXQiOjF9.abc", "got ***"),
    ],
)
def test_what_looks_personal_gets_a_name(text, cleaned):
    assert Masks().clean(text) == cleaned


def test_a_thing_has_one_name_throughout_and_things_have_different_ones():
    masks = Masks()
    masks.learn("network", "HomeNet")
    masks.learn("network", "HomeNet-Guest")
    first, second = masks.clean_all(
        [("HomeNet, HomeNet-Guest", False), ("homenet and SG9tZU5ldA==", False)]
    )
    names = re.findall(r"<network-\d>", first)
    assert len(set(names)) == 2
    assert second.startswith(f"{names[0]} and {names[0]}")
    assert masks.counts["network"] == 2


def test_in_quotation_marks_stands_what_came_from_outside():
    masks = Masks()
    masks.learn("network", "HomeNet")
    text = masks.clean("“Reading lamp” joined “HomeNet”, not “Anna's HomeNet”", quoted=True)
    assert text == "“<name-1>” joined “<network-1>”, not “<name-2>”"


def test_a_line_that_was_cut_in_the_middle_of_a_name_shows_no_beginning_of_it():
    masks = Masks()
    masks.learn("network", "Anna and Bob at home")
    assert masks.clean("joining Anna and B…\nnext") == "joining <network-1>…\nnext"


@given(VALUES, st.sampled_from(sorted(ways("x" * 9))), st.sampled_from(["", " ", "“", '"', ":"]))
def test_no_way_of_writing_gets_through(value, way, around):
    masks = Masks()
    masks.learn("network", value)
    written = ways(value)[way].decode("latin-1" if way in {"utf-16 le", "utf-16 be"} else "utf-8")
    text = f"before {around}{written}{around} after"
    assert not found_in(value.strip(), masks.clean(text).encode())


@given(st.text(max_size=200), VALUES, st.booleans())
def test_any_text_can_be_cleaned_and_once_is_enough(text, value, quoted):
    masks = Masks()
    masks.learn("name", value)
    once = masks.clean(f"{text}{value}{text}", quoted=quoted)
    assert value.strip() not in once
    assert masks.clean(once, quoted=quoted) == once


def test_the_number_of_a_modem_is_found_by_its_shape():
    text = Masks().clean(
        "the board with IMEI 351358811124234, nrf-351358811124234, not 1700000000000000"
    )
    assert text == "the board with IMEI <hardware-1>, nrf-<hardware-1>, not 1700000000000000"
