"""A board's login over MQTT 5, and refusals in the numbers of the other version."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.blynk.mqtt_login import (
    LoggedIn,
    Login,
    NotNow,
    TokenRefused,
    info_packet,
    read_info,
    taken,
)
from agent.protocols.mqtt import (
    V5,
    ConnAck,
    Connect,
    Disconnect,
    PacketDecoder,
    PingReq,
    Publish,
    encode,
)
from agent.settings import Secret

TOKEN = "gSNIYf9l7vdaLEMWK0jR-HT9RKe5_DSO"


def login() -> Login:
    return Login(Secret(TOKEN), "board-1")


def test_a_board_is_device_with_its_token_for_a_password():
    (packet,) = PacketDecoder().feed(login().hello())
    assert isinstance(packet, Connect)
    assert (packet.version, packet.username, packet.password) == (5, "device", TOKEN.encode())
    assert packet.client_id == "board-1"


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (encode(ConnAck(), V5), LoggedIn()),
        (encode(ConnAck(code=0x86), V5), TokenRefused(0x86)),
        # As a deleted device is refused: two bytes, as version 3.1.1 has them.
        (bytes.fromhex("20020005"), TokenRefused(5)),
        (bytes.fromhex("20020004"), TokenRefused(4)),
        (bytes.fromhex("2003000500"), TokenRefused(5)),
        # And in forms that cannot be read.
        (bytes.fromhex("200300057f"), TokenRefused(None)),
        (bytes.fromhex("200405050505"), TokenRefused(None)),
        (bytes.fromhex("2f020005"), NotNow("The server does not speak MQTT.")),
        (encode(Disconnect(code=0x87), V5), TokenRefused(0x87)),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", NotNow("The server does not speak MQTT.")),
        (encode(PingReq(), V5), NotNow("The server does not speak MQTT.")),
    ],
)
def test_each_answer_is_read_in_any_pieces(data, outcome):
    assert login().feed(data) == outcome
    slow = login()
    for at in range(len(data)):
        last = slow.feed(data[at : at + 1])
    assert last == outcome


def test_a_server_without_time_is_no_refusal():
    outcome = login().feed(encode(ConnAck(code=0x88), V5))
    assert isinstance(outcome, NotNow)
    assert "no time" in outcome.detail


def test_a_decision_stays():
    talk = login()
    assert talk.feed(b"") is None
    assert talk.feed(encode(ConnAck(), V5)) == LoggedIn()
    assert talk.feed(encode(Disconnect(code=0x87), V5)) == LoggedIn()
    assert talk.closed() == LoggedIn()
    silent = login()
    assert isinstance(silent.closed(), NotNow)


@given(st.binary(max_size=60))
def test_no_server_breaks_it(data):
    talk = login()
    talk.feed(data)
    assert talk.closed() is not None


def test_a_board_says_first_which_firmware_it_is():
    (message,) = PacketDecoder(V5).feed(info_packet("TMPLa", "1.0.0", "today", number=7))
    assert isinstance(message, Publish)
    assert (message.retain, message.qos, message.packet_id) == (True, 1, 7)
    assert read_info(message) == {
        "tmpl": "TMPLa",
        "ver": "1.0.0",
        "build": "today",
        "type": "TMPLa",
    }
    assert taken(7).packet_id == 7
    assert read_info(Publish(topic="other", payload=message.payload)) == {}
    assert read_info(Publish(topic="info/mcu", payload=b"x")) == {}
