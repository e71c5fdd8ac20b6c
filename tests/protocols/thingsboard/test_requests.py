"""Provision requests: what the document shows, and never a null."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.thingsboard.requests import ProvisionRequest
from agent.settings import Secret
from agent.settings.credentials import AccessToken, Certificate, Credentials, MqttBasic

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KEYS = {"provisionDeviceKey": "pk-demo", "provisionDeviceSecret": "ps-demo"}
texts = st.text(max_size=10)


def request(own: Credentials | None = None, *, gateway: bool = False) -> ProvisionRequest:
    return ProvisionRequest(
        name="bench-07", key=Secret("pk-demo"), secret=Secret("ps-demo"), own=own, gateway=gateway
    )


@pytest.mark.parametrize(
    ("own", "more"),
    [
        (None, {}),
        (
            AccessToken(token=Secret("my-own-token")),
            {"credentialsType": "ACCESS_TOKEN", "token": "my-own-token"},
        ),
        (
            MqttBasic(client_id="c9", username="u9", password=Secret("p9")),
            {
                "credentialsType": "MQTT_BASIC",
                "clientId": "c9",
                "username": "u9",
                "password": "p9",
            },
        ),
        (MqttBasic(client_id="c9"), {"credentialsType": "MQTT_BASIC", "clientId": "c9"}),
        (
            Certificate(certificate=PEM, key=Secret("MARKER")),
            {"credentialsType": "X509_CERTIFICATE", "hash": PEM},
        ),
    ],
    ids=["server's token", "own token", "basic", "client id alone", "certificate"],
)
def test_each_case_of_the_document_is_sent_as_it_stands_there(
    own: Credentials | None, more: dict[str, Any]
) -> None:
    body = request(own).encode()
    assert json.loads(body) == {"deviceName": "bench-07", **KEYS, **more}
    assert b"MARKER" not in body


def test_a_gateway_says_so() -> None:
    assert json.loads(request(gateway=True).encode())["gateway"] is True


@given(
    st.one_of(
        st.none(),
        st.builds(AccessToken, token=texts.map(Secret)),
        st.builds(MqttBasic, client_id=texts, username=texts, password=texts.map(Secret)),
        st.builds(Certificate, certificate=texts, key=texts.map(Secret)),
    ),
    st.booleans(),
)
def test_a_null_is_never_sent(own: Credentials | None, gateway: bool) -> None:
    sent = json.loads(request(own, gateway=gateway).encode())
    assert None not in sent.values()
    assert {type(value) for value in sent.values()} <= {str, bool}


def test_secrets_are_not_shown() -> None:
    marked = ProvisionRequest(
        name="n",
        key=Secret("MARKER"),
        secret=Secret("MARKER"),
        own=MqttBasic(username="u", password=Secret("MARKER")),
    )
    assert "MARKER" not in repr(marked)
