"""Messages over Bluetooth LE."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.blynk import ble
from agent.protocols.blynk.config import BlynkConfig, StaticAddress
from agent.settings import Secret
from agent.settings.network import WiFi

TOKEN = Secret("tok_ABCDEFGHIJKLMNOPQRSTUVWX-012")
TEXT = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=8, max_size=8
)


@given(TEXT, TEXT, st.booleans(), st.integers(1, 400))
def test_parts_hold_every_field_once_and_are_no_longer_than_they_may_be(
    ssid, password, save, limit
):
    static = StaticAddress("10.0.0.9", "255.255.255.0", "10.0.0.1")
    wifi = WiFi(ssid=ssid, password=Secret(password))
    config = BlynkConfig(TOKEN, wifi, static=static, save=save)
    parts = [json.loads(part) for part in ble.encode_config(config, limit)]
    fields = [name for part in parts for name in part if name != "t"]
    assert len(set(fields)) == len(fields)
    whole = {name: value for part in parts for name, value in part.items()}
    assert (whole["ssid"], whole["pass"], whole["blynk"]) == (ssid, password, TOKEN.reveal())
    assert whole.get("save", False) is save
    for part in ble.encode_config(config, limit):
        assert len(part) <= limit or len(json.loads(part)) == 2


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (b'{"t":"set_ok"}', ble.Said("set_ok")),
        (b'{"t":"status","s":"connected"}', ble.Status("connected")),
        (b'{"t":"net_status","if":"wifi","ip":"10.0.0.9"}', ble.NetStatus("10.0.0.9")),
        (b'{"t":"net_status"}', ble.NetStatus("")),
        (b'{"t":"error","msg":"no wifi"}', ble.Refused("no wifi")),
        (b'{"t":"scan"}', None),
        (b'{"t":"if"}', None),
        (b'{"t":"ota_start"}', None),
        (b'{"t":7}', None),
        (b'{"t":"info","vendor":"Bly', None),
    ],
)
def test_each_message_has_its_meaning(said, heard):
    assert ble.parse(said) == heard


def test_a_failure_says_why():
    heard = ble.parse(b'{"t":"net_fail","reason":"invalid_credentials"}')
    assert isinstance(heard, ble.Failed)
    assert heard.failure.code == 722


@given(st.binary(max_size=60))
def test_nothing_that_comes_breaks_anything(value):
    ble.parse(value)


@given(
    st.dictionaries(
        st.sampled_from(["t", "reason", "s", "ssid", "rssi", "name"]),
        st.none()
        | st.integers()
        | st.sampled_from(["info", "if", "scan", "status", "net_fail", "x"]),
    )
)
def test_no_object_breaks_anything(said):
    ble.parse(json.dumps(said).encode())
