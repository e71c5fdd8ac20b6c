"""Requests to the access point of a board, and its answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.blynk.config import BlynkConfig
from agent.protocols.blynk.http import config_target, parse_message, parse_scan
from agent.settings import Secret
from agent.settings.network import WiFi
from agent.simulator.blynk_http import arguments

TOKEN = Secret("tok_ABCDEFGHIJKLMNOPQRSTUVWX-012")
ROW = b'  {"ssid":"%s","bssid":"00:11:22:33:44:55","rssi":-48,"sec":"WPA2","ch":6}'


@given(st.binary(min_size=1, max_size=32).filter(lambda name: 0 not in name), st.text(max_size=15))
def test_every_byte_arrives(ssid, password):
    try:
        password.encode()
    except UnicodeEncodeError:
        return
    wifi = WiFi(ssid_hex=ssid.hex(), password=Secret(password))
    target = config_target(BlynkConfig(TOKEN, wifi))
    assert repr(target) == "***"
    path, _, query = target.reveal().partition("?")
    assert path == "/config"
    found = arguments(query.encode("ascii"))
    assert (found["ssid"], found["pass"], found["if"]) == (ssid, password.encode(), b"wifi")
    assert found["port_ssl"] == b"443"
    assert "save" not in found


@given(
    st.lists(st.binary(max_size=32).filter(lambda name: b"\0" not in name), max_size=5, unique=True)
)
def test_what_generation_1_prints_is_read_whatever_is_in_a_name(names):
    body = b"[\n" + b",\n".join(ROW % name for name in names) + b"\n]" if names else b"[]"
    scan = parse_scan(body, 1)
    found = {network.ssid.encode() for network in scan.networks}
    # A name can look like the end of its own row; then it is shortened, and the list says so.
    right = {name for name in names if name and is_text(name)}
    assert found <= right or scan.damaged


def is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_hidden_ones_are_counted_and_lists_of_the_second_generation_are_json():
    hidden = b'[{"ssid":"a","bssid":"","rssi":-9,"sec":"OPEN","ch":1,"hidden":1},{"ssid":"\\"b","rssi":-8}]'
    scan = parse_scan(hidden, 2)
    assert ([each.ssid for each in scan.networks], scan.hidden) == (['"b'], 1)


@given(st.binary(max_size=200), st.sampled_from([1, 2]))
def test_no_list_breaks_anything(body, generation):
    parse_scan(body, generation)


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b'[{"ssid":'])
def test_what_is_no_list_says_so(body):
    assert parse_scan(body, 1).damaged
    assert parse_scan(body, 2).damaged


def test_answers():
    assert parse_message(b'{"status":"ok","msg":"Trying to connect..."}') == (
        True,
        "Trying to connect...",
    )
    assert parse_message(b'{"status":"error","msg":"Configuration invalid"}')[0] is False
    assert parse_message(b"FAIL") == (False, "")
