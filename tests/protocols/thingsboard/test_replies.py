"""Replies to provision requests: each of the document, and anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.thingsboard.replies import (
    Issued,
    NoDecision,
    Refused,
    Reply,
    StoredCertificate,
    Unusable,
    bare_base64,
    parse_reply,
)
from agent.settings import Secret
from agent.settings.credentials import AccessToken, MqttBasic

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\nAQ==\n-----END CERTIFICATE-----\n"
TOKEN = Issued(AccessToken(token=Secret("Qe41MARKER")))


def read(**fields: Any) -> Reply:
    return parse_reply(json.dumps(fields).encode())


@pytest.mark.parametrize(
    ("fields", "reply"),
    [
        ({"credentialsValue": "Qe41MARKER", "credentialsType": "ACCESS_TOKEN"}, TOKEN),
        ({"credentialsValue": "Qe41MARKER"}, TOKEN),
        ({"accessToken": "Qe41MARKER"}, TOKEN),
        ({"accessToken": "Qe41MARKER", "credentialsType": "ACCESS_TOKEN", "deviceId": "x"}, TOKEN),
        (
            {
                "credentialsValue": {"clientId": "c9", "userName": "u9", "password": "p9"},
                "credentialsType": "MQTT_BASIC",
            },
            Issued(MqttBasic(client_id="c9", username="u9", password=Secret("p9"))),
        ),
        (
            {
                "credentialsValue": {"clientId": None, "username": "u9", "password": None},
                "credentialsType": "MQTT_BASIC",
            },
            Issued(MqttBasic(username="u9")),
        ),
        (
            {"credentialsValue": "MIIBAQ==", "credentialsType": "X509_CERTIFICATE"},
            Issued(StoredCertificate("MIIBAQ==")),
        ),
        (
            {"credentialsValue": PEM, "credentialsType": "X509_CERTIFICATE"},
            Issued(StoredCertificate("MIIBAQ==")),
        ),
    ],
)
@pytest.mark.parametrize("status", ["status", "provisionDeviceStatus"])
def test_each_success_gives_its_credentials_under_old_names_too(
    fields: dict[str, Any], reply: Reply, status: str
) -> None:
    answer = read(**fields, **{status: "SUCCESS"})
    assert answer == reply
    assert "MARKER" not in repr(answer)


@pytest.mark.parametrize("status", ["NOT_FOUND", "FAILURE"])
def test_a_refusal_is_a_decision_with_the_servers_sentence(status: str) -> None:
    assert read(errorMsg="Provision\n data\x1b was", status=status) == Refused(
        status,  # type: ignore[arg-type]  # a parameter of the test
        "Provision data· was",
    )
    assert read(provisionDeviceStatus=status) == Refused(status, "")  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"credentialsType": "LWM2M_CREDENTIALS"},
        {"credentialsType": "SOMETHING_NEW", "credentialsValue": "x"},
        {"credentialsType": "ACCESS_TOKEN", "credentialsValue": {"a": 1}},
        {"credentialsType": "ACCESS_TOKEN", "credentialsValue": ""},
        {"credentialsType": "ACCESS_TOKEN", "credentialsValue": "a\nb"},
        {"credentialsType": "ACCESS_TOKEN", "credentialsValue": "MARKER" * 50},
        {"credentialsType": "MQTT_BASIC", "credentialsValue": "MARKER"},
        {"credentialsType": "MQTT_BASIC", "credentialsValue": {"password": "MARKER"}},
        {"credentialsType": "X509_CERTIFICATE", "credentialsValue": "not base64!"},
        {"credentialsType": "X509_CERTIFICATE", "credentialsValue": "A" * 9000},
        {"credentialsType": 7, "credentialsValue": 7},
    ],
)
def test_a_success_without_credentials_that_can_be_used_says_so(fields: dict[str, Any]) -> None:
    answer = read(status="SUCCESS", **fields)
    assert isinstance(answer, Unusable)
    assert answer.detail.endswith(".")
    assert "MARKER" not in answer.detail


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"<html>",
        b"\xff\xfe",
        b"{",
        b'{"status": null}',
        b'{"status": "MAYBE"}',
        b'{"status":500,"message":"boom","errorCode":2,"timestamp":1}',
        b"[" * 60_000,
        b'{"a":' + b"[" * 50_000,
        b'{"status":"SUCCESS","credentialsValue":"' + b"x" * 70_000 + b'"}',
    ],
    ids=lambda body: body[:12].decode("latin-1") or "empty",
)
def test_what_has_no_status_is_no_decision(body: bytes) -> None:
    assert isinstance(parse_reply(body), NoDecision)


def test_an_error_of_the_server_is_quoted() -> None:
    assert parse_reply(b'{"status":500,"message":"boom"}') == NoDecision("It said: boom")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
FIELDS = ["status", "provisionDeviceStatus", "credentialsType", "credentialsValue", "accessToken"]
WORDS = ["SUCCESS", "FAILURE", "NOT_FOUND", "ACCESS_TOKEN", "MQTT_BASIC", "X509_CERTIFICATE"]


@given(
    st.dictionaries(st.sampled_from([*FIELDS, "errorMsg"]), json_values | st.sampled_from(WORDS))
)
def test_any_object_is_one_of_four_answers(fields: dict[str, Any]) -> None:
    assert isinstance(read(**fields), Issued | Refused | Unusable | NoDecision)


@given(st.binary(max_size=200))
def test_any_bytes_are_one_of_four_answers(body: bytes) -> None:
    assert isinstance(parse_reply(body), Issued | Refused | Unusable | NoDecision)


def test_the_certificate_of_the_reply_is_compared_without_its_armour() -> None:
    stored = StoredCertificate("MIIBAQ==")
    assert stored.is_of(PEM)
    assert stored.is_of(PEM + PEM.replace("MIIB", "MIIC"))
    assert not stored.is_of(PEM.replace("MIIB", "MIIC"))
    assert bare_base64("MIIB\r\nAQ==") == "MIIBAQ=="
