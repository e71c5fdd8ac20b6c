"""The form of requests and replies that boards with little memory speak."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.coap.messages import POST
from agent.protocols.mqtt import V5, V311, Acknowledge, Disconnect, Publish
from agent.simulator.coap_server import CoapRequest
from agent.simulator.thingsboard_coap import CoapCalls
from agent.simulator.thingsboard_credentials import BasicLogin, CredentialsType
from agent.simulator.thingsboard_protobuf import (
    read_either,
    read_protobuf,
    write_json,
    write_protobuf,
)
from agent.simulator.thingsboard_requests import NotJsonError, ProvisionRequest, UnreadableError
from agent.simulator.thingsboard_session import Surroundings
from tests.simulator.thingsboard_talk import KEY, SECRET, Clock, Desk, make_state, request

PAIR = b"\x1a\x12\x0a\x07pk-demo\x12\x07ps-demo"
"""Field 3: the key and the secret."""


def field(number: int, value: bytes) -> bytes:
    assert len(value) < 128
    return bytes([number << 3 | 2, len(value)]) + value


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"\x0a\x01n" + PAIR, ProvisionRequest(KEY, SECRET, "n")),
        (PAIR + b"\x28\x01", ProvisionRequest(KEY, SECRET, gateway=True)),
        (PAIR + field(4, field(1, field(1, b"tok"))), ProvisionRequest(KEY, SECRET, token="tok")),
        (
            PAIR + b"\x10\x01" + field(4, field(2, field(1, b"MIIB"))),
            ProvisionRequest(
                KEY, SECRET, kind=CredentialsType.X509_CERTIFICATE, certificate="MIIB"
            ),
        ),
        (
            PAIR
            + b"\x10\x02"
            + field(4, field(3, field(1, b"c") + field(2, b"u") + field(3, b"p"))),
            ProvisionRequest(
                KEY, SECRET, kind=CredentialsType.MQTT_BASIC, basic=BasicLogin("c", "u", "p")
            ),
        ),
        # Fields of later versions, of each wire type, are passed over; the last of two counts.
        (
            PAIR
            + b"\x0a\x01a\x0a\x01b"
            + field(9, b"x")
            + b"\x50\x96\x01\x5d1234\x6112345678\x08\x05",
            ProvisionRequest(KEY, SECRET, ""),
        ),
        (b"\x0a\x01n", ProvisionRequest("", "", "n")),
    ],
)
def test_a_request_is_read(data: bytes, read: ProvisionRequest) -> None:
    assert read_protobuf(data) == read


@pytest.mark.parametrize(
    "data",
    [b"no json", b"\x00", b"\x0a\x05n", b"\x0a", b"\xff" * 11, b"\x0a\x01\xff", b"\x0b", b"\x0d12"],
)
def test_what_is_no_message_is_neither(data: bytes) -> None:
    with pytest.raises(NotJsonError):
        read_either(data)


def test_a_kind_that_does_not_exist_is_what_the_server_fails_on() -> None:
    with pytest.raises(UnreadableError):
        read_protobuf(PAIR + b"\x10\x07")


@pytest.mark.parametrize("data", [b"", b"[1]", b"7", b"null"])
def test_json_that_is_no_object_is_not_taken_for_the_other_form(data: bytes) -> None:
    with pytest.raises(NotJsonError):
        read_either(data)


@pytest.mark.parametrize(
    ("reply", "data"),
    [
        ({"status": "NOT_FOUND", "errorMsg": "x"}, b"\x08\x02"),
        ({"status": "FAILURE", "errorMsg": "x"}, b"\x08\x03"),
        (
            {"status": "SUCCESS", "credentialsType": "ACCESS_TOKEN", "credentialsValue": "tok"},
            b"\x08\x01\x1a\x03tok",
        ),
        (
            {"status": "SUCCESS", "credentialsType": "MQTT_BASIC", "credentialsValue": {"a": ""}},
            b'\x08\x01\x10\x02\x1a\x08{"a":""}',
        ),
        ({"status": "SUCCESS", "credentialsType": "LWM2M_CREDENTIALS"}, b"\x08\x01\x10\x03"),
        (
            {
                "status": "SUCCESS",
                "credentialsType": "X509_CERTIFICATE",
                "credentialsValue": "M" * 300,
            },
            b"\x08\x01\x10\x01\x1a\xac\x02" + b"M" * 300,
        ),
    ],
)
def test_a_reply_is_written(reply: dict[str, Any], data: bytes) -> None:
    assert write_protobuf(reply) == data


def test_each_form_is_answered_in_its_own() -> None:
    asked, write = read_either(json.dumps(request()).encode())
    assert (asked.name, write) == ("bench-07", write_json)
    assert read_either(PAIR)[1] is write_protobuf


@pytest.mark.parametrize("version", [V311, V5])
def test_over_mqtt_a_board_is_made_and_refused_in_protobuf(version: int) -> None:
    desk = Desk(make_state(), version=version)
    desk.connect("provision")
    for expected in (b"\x08\x01\x1a\x14", b"\x08\x03"):
        _, answer = desk.publish("/provision/request", b"\x0a\x01n" + PAIR)
        assert isinstance(answer, Publish)
        assert answer.payload.startswith(expected)
    said = desk.publish("/provision/request", b"neither")
    assert said == ([Acknowledge(packet_id=7, code=0x99)] if version == V5 else [])
    assert not any(isinstance(each, Disconnect) for each in said)
    assert list(desk.around.state.devices) == ["n"]


def test_over_coap_too() -> None:
    calls = CoapCalls(Surroundings(make_state(), Clock()))
    for code, begin in ((0x41, b"\x08\x01"), (0x80, b"\x08\x03")):
        path = ("api", "v1", "provision")
        answer = calls.answer(CoapRequest(POST, path, b"\x0a\x01n" + PAIR))
        assert answer is not None
        assert (answer.code, answer.content_format) == (code, None)
        assert answer.payload.startswith(begin)


@given(st.binary(max_size=60))
def test_whatever_bytes_come_they_are_a_request_or_none(data: bytes) -> None:
    with contextlib.suppress(NotJsonError, UnreadableError):
        assert isinstance(read_either(data)[0], ProvisionRequest)
