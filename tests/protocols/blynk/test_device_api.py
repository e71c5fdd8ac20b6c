"""The device interface: what a token's server says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.blynk.device_api import (
    Connected,
    Done,
    Firmware,
    NoAnswer,
    Refused,
    TokenUnknown,
    connected_query,
    parse_connected,
    parse_provision,
    provision_query,
)
from agent.settings import Secret

INVALID = b'{"error":{"message":"Invalid token."}}'


@pytest.mark.parametrize(
    ("status", "body", "reply"),
    [
        (200, b"true", Connected(True)),
        (200, b" false\n", Connected(False)),
        (200, b"1", NoAnswer("It says neither true nor false.")),
        (400, INVALID, TokenUnknown()),
        (401, INVALID, TokenUnknown()),
        (400, b'{"error":{"message":"No."}}', Refused("No.")),
        (500, INVALID, NoAnswer("The status is 500. Invalid token.")),
        (400, b"<html>", NoAnswer("The status is 400.")),
    ],
)
def test_each_answer_is_told_apart(status, body, reply):
    assert parse_connected(status, body) == reply


def test_an_activation_is_done_or_refused():
    assert parse_provision(200, b"") == Done()
    assert parse_provision(400, INVALID) == TokenUnknown()


def test_the_names_of_parameters_keep_their_case():
    firmware = Firmware(
        template_id="TMPLa", version="1.0.0", build="today", hardware="ESP32", library="1.3.2"
    )
    assert provision_query(Secret("t"), firmware) == {
        "token": "t",
        "templateId": "TMPLa",
        "build": "today",
        "ver": "1.0.0",
        "type": "ESP32",
        "blVer": "1.3.2",
    }
    assert connected_query(Secret("t")) == {"token": "t"}


@given(st.integers(100, 599), st.binary(max_size=60))
def test_no_answer_breaks_it(status, body):
    parse_connected(status, body)
    parse_provision(status, body)
