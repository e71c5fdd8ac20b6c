"""What a board is given, and what is refused before anything is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import InputError, NotSupported
from agent.protocols.blynk.config import BlynkConfig, StaticAddress, check_token
from agent.settings import Secret
from agent.settings.network import WiFi

TOKEN = Secret("tok_ABCDEFGHIJKLMNOPQRSTUVWX-012")
HOME = WiFi(ssid="HomeNet", password=Secret("correct horse"))


def field_of(config: BlynkConfig) -> str:
    with pytest.raises(InputError) as raised:
        config.check()
    return str(raised.value.facts["field"])


@pytest.mark.parametrize(
    "token", ["", "a" * 31, "a" * 33, "a" * 31 + " ", "a" * 31 + "é", "a" * 31 + "\n"]
)
def test_a_token_is_exactly_32_of_its_characters(token):
    with pytest.raises(InputError) as raised:
        check_token(Secret(token))
    assert raised.value.facts["field"] == "token"
    assert not token or token not in str(raised.value.report())


@given(st.text("-_abcXYZ019", min_size=32, max_size=32))
def test_every_right_token_is_taken(token):
    check_token(Secret(token))


@pytest.mark.parametrize(
    ("ssid", "password", "field"),
    [
        ("", "long enough", "ssid"),
        ("🧀" * 8 + "x", "long enough", "ssid"),
        ("Lab", "p" * 64, "password"),
        ("Lab", "ab", "password"),
        ("Lab", "zero\0here", "password"),
    ],
)
def test_what_does_not_fit_is_named(ssid, password, field):
    wifi = WiFi(ssid=ssid, password=Secret(password))
    assert field_of(BlynkConfig(TOKEN, wifi)) == field


@pytest.mark.parametrize(
    ("ssid", "password"), [("🧀" * 8, "p" * 63), ("x", ""), ("Lab", "12345678")]
)
def test_the_longest_and_an_open_network_fit(ssid, password):
    BlynkConfig(TOKEN, WiFi(ssid=ssid, password=Secret(password))).check()


@pytest.mark.parametrize(
    "host", ["https://blynk.cloud", "a/b", "a b", "-a", "a.", "é.example", "a" * 34]
)
def test_a_server_is_a_name_alone(host):
    assert field_of(BlynkConfig(TOKEN, HOME, host=host)) == "host"


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_is_one(port):
    assert field_of(BlynkConfig(TOKEN, HOME, port=port)) == "port"


@pytest.mark.parametrize(
    ("static", "field"),
    [
        (StaticAddress("", "255.255.255.0", "10.0.0.1"), "ip"),
        (StaticAddress("10.0.0.256", "255.255.255.0", "10.0.0.1"), "ip"),
        (StaticAddress("fe80::1", "255.255.255.0", "10.0.0.1"), "ip"),
        (StaticAddress("10.0.0.0", "255.255.255.0", "10.0.0.1"), "ip"),
        (StaticAddress("10.0.0.255", "255.255.255.0", "10.0.0.1"), "ip"),
        (StaticAddress("10.0.0.9", "255.0.255.0", "10.0.0.1"), "mask"),
        (StaticAddress("10.0.0.9", "0.0.0.255", "10.0.0.1"), "mask"),
        (StaticAddress("10.0.0.9", "24", "10.0.0.1"), "mask"),
        (StaticAddress("10.0.0.9", "255.255.255.0", "10.0.1.1"), "gateway"),
        (StaticAddress("10.0.0.9", "255.255.255.0", ""), "gateway"),
        (StaticAddress("10.0.0.9", "255.255.255.0", "10.0.0.1", dns="one"), "dns"),
        (StaticAddress("10.0.0.9", "255.255.255.0", "10.0.0.1", dns2="::"), "dns2"),
    ],
)
def test_an_address_that_a_board_would_pass_over_is_refused(static, field):
    assert field_of(BlynkConfig(TOKEN, HOME, static=static)) == field


def test_kind_and_wifi_fit_each_other():
    assert field_of(BlynkConfig(TOKEN)) == "ssid"
    assert field_of(BlynkConfig(TOKEN, HOME, kind="eth")) == "ssid"
    BlynkConfig(TOKEN, kind="eth").check()


@pytest.mark.parametrize(
    ("config", "taken"),
    [
        (BlynkConfig(TOKEN, HOME), {"console1", "console2", "ble2", "http1", "http2"}),
        (
            BlynkConfig(TOKEN, HOME, host="blynk.cloud"),
            {"console1", "console2", "ble2", "http1", "http2"},
        ),
        (BlynkConfig(TOKEN, HOME, host="lab.example"), {"console2", "ble2", "http1", "http2"}),
        (BlynkConfig(TOKEN, HOME, port=9443), {"http1"}),
        (
            BlynkConfig(TOKEN, HOME, static=StaticAddress("10.0.0.9", "255.0.0.0", "10.0.0.1")),
            {"ble2", "http1", "http2"},
        ),
        (BlynkConfig(TOKEN, HOME, save=True), {"ble2", "http1", "http2"}),
        (BlynkConfig(TOKEN, kind="eth"), {"console2", "ble2", "http2"}),
        (BlynkConfig(TOKEN, WiFi(ssid_hex="ff00fe")), set()),
        (BlynkConfig(TOKEN, WiFi(ssid_hex="fffe")), {"console1", "console2", "http1", "http2"}),
    ],
)
def test_what_would_get_lost_on_a_way_is_refused_there(config, taken):
    found = set()
    for way, generation in (("console", 1), ("console", 2), ("ble", 2), ("http", 1), ("http", 2)):
        try:
            config.check_for(way, generation)
        except (NotSupported, InputError):
            continue
        found.add(f"{way}{generation}")
    assert found == taken


def test_no_secret_is_in_its_text():
    text = repr(BlynkConfig(TOKEN, HOME))
    assert TOKEN.reveal() not in text
    assert "correct" not in text
