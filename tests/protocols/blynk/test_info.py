"""What boards say of themselves: both generations, and whatever else may answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.blynk.info import (
    BoardInfo,
    SeenNetwork,
    console_info,
    make_scan,
    parse_board_info,
    parse_devinfo,
    parse_interface,
    parse_network,
)

FIRST = (
    b'{"board":"Thermo","tmpl_id":"TMPLdemo00000","fw_type":"TMPLdemo00000","fw_ver":"0.1.0",'
    b'"ssid":"Blynk Thermo-4Y1H","bssid":"A0:B1:C2:00:00:01","mac":"A0:B1:C2:00:00:00",'
    b'"last_error":701,"wifi_scan":true,"static_ip":true}'
)
SECOND = (
    b'{"vendor":"Blynk","tmpl_id":"TMPLdemo00000","fw_type":"TMPLdemo00000","fw_ver":"1.0.0",'
    b'"name":"Blynk Thermo-4Y1H","uid":"0123","bssid":"A0:B1:C2:00:00:01","last_error":722,'
    b'"ifs":[{"name":"wifi","mac":"A0:B1:C2:00:00:00","scan":1,"5ghz":1,"static_ip":1},'
    b'{"name":"cell","imei":"1","pin":1,"apn":1},{"name":"eth","status":"ready"},7,{}]}'
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_generation_1():
    board = parse_board_info(FIRST)
    assert board is not None
    assert (board.generation, board.name, board.template_name) == (1, "Blynk Thermo-4Y1H", "Thermo")
    assert (board.last_error, board.firmware_version) == (701, "0.1.0")
    assert [(each.name, each.scans, each.static_ip) for each in board.interfaces] == [
        ("wifi", True, True)
    ]


def test_generation_2():
    board = parse_board_info(SECOND)
    assert board is not None
    assert (board.generation, board.vendor, board.uid, board.last_error) == (
        2,
        "Blynk",
        "0123",
        722,
    )
    wifi, cell, eth = board.interfaces
    assert (wifi.five_ghz, cell.wants_pin, cell.wants_apn, eth.status) == (
        True,
        True,
        True,
        "ready",
    )
    assert not board.template_problem


def test_firmware_without_a_template_is_named():
    board = parse_board_info(SECOND.replace(b"TMPLdemo00000", b"Unknown"))
    assert board is not None
    assert "TMPL" in board.template_problem
    dynamic = parse_board_info(SECOND.replace(b"TMPLdemo00000", b"DYNAMIC"))
    assert dynamic is not None
    assert not dynamic.template_problem


def test_names_are_fit_to_be_shown():
    board = parse_board_info(FIRST.replace(b"Thermo", b"\\u202e\\u0007" + b"x" * 300))
    assert board is not None
    assert "\u202e" not in board.name
    assert len(board.template_name) <= 64


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"tmpl_id":"TMPL"}', b"\xff", b"[" * 9999]
)
def test_what_is_no_board_is_none(body):
    assert parse_board_info(body) is None


@given(
    st.dictionaries(
        st.sampled_from(["tmpl_id", "board", "ssid", "ifs", "vendor", "last_error"]), JSON
    )
)
def test_no_answer_breaks_anything(said):
    parse_board_info(json.dumps(said).encode())
    parse_network(said)
    parse_interface(said)


@pytest.mark.parametrize(
    "line",
    [
        '{"name":"Blynk A "b"-4Y1H","board":"A "b"","tmpl_id":"TMPLx","fw_type":"TMPLx","fw_ver":"1.2"}',
        '[12] log {"name":"Blynk A "b"-4Y1H","board":"A "b"","tmpl_id":"TMPLx",'
        '"fw_type":"TMPLx","fw_ver":"1.2"}>',
    ],
)
def test_devinfo_is_read_with_quotes_in_it_and_text_around_it(line):
    said = parse_devinfo(line)
    assert said is not None
    board = console_info(said, 2, wifi=False)
    assert (board.name, board.template_id, board.interfaces) == ('Blynk A "b"-4Y1H', "TMPLx", ())


def test_a_list_of_networks_has_each_name_once_and_no_hidden_one():
    scan = make_scan(
        [
            SeenNetwork("Lab", -70),
            SeenNetwork("Lab", -40),
            SeenNetwork("", -30),
            SeenNetwork("Far", -90),
            SeenNetwork("Shy", -20, hidden=True),
        ]
    )
    assert [(each.ssid, each.rssi_dbm) for each in scan.networks] == [("Lab", -40), ("Far", -90)]
    assert scan.hidden == 2


def test_what_no_other_board_says_of_itself_is_its_name_and_its_id() -> None:
    name = "Blynk Thermo-4Y1H"
    assert BoardInfo(generation=1, name=name).own_marks == (name,)
    assert BoardInfo(generation=2, name=name, uid="c0ffee").own_marks == (name, "c0ffee")
    assert BoardInfo(generation=2, name="Thermo").own_marks == ()
