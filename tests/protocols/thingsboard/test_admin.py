"""Bodies of the administrator's interface."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.thingsboard import admin
from agent.protocols.thingsboard.admin import NotAsDocumented, StoredCredentials
from agent.protocols.thingsboard.replies import StoredCertificate
from agent.settings import Secret
from agent.settings.credentials import AccessToken, Certificate, MqttBasic

if TYPE_CHECKING:
    from collections.abc import Callable

ID = "784f394c-42b6-435a-983c-b7beff2784f9"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
RECORD = {
    "id": {"id": ID},
    "createdTime": 1700000000000,
    "deviceId": {"id": ID, "entityType": "DEVICE"},
    "credentialsType": "ACCESS_TOKEN",
    "credentialsId": "MARKER-token",
    "credentialsValue": None,
    "version": 3,
}
PARSERS: list[Callable[[bytes], object]] = [
    admin.parse_tokens,
    admin.parse_device,
    admin.parse_profile,
    admin.parse_profiles,
    admin.parse_attributes,
    admin.parse_credentials,
]


def body(value: object) -> bytes:
    return json.dumps(value).encode()


def test_a_sign_in_gives_two_tokens() -> None:
    tokens = admin.parse_tokens(body({"token": "MARKER", "refreshToken": "MARKER2"}))
    assert (tokens.token.reveal(), tokens.refresh.reveal()) == ("MARKER", "MARKER2")
    assert "MARKER" not in repr(tokens)


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", "ü", None, 7])
def test_a_token_that_no_header_can_carry_is_none(token: object) -> None:
    with pytest.raises(NotAsDocumented):
        admin.parse_tokens(body({"token": token, "refreshToken": ""}))


def test_a_device_and_its_profile_are_read() -> None:
    device = admin.parse_device(
        body({"id": {"id": ID, "entityType": "DEVICE"}, "name": "n", "deviceProfileId": {"id": ID}})
    )
    assert device == admin.Device(ID, "n", ID)
    profile = {
        "id": {"id": ID},
        "name": "p",
        "provisionType": "ALLOW_CREATE_NEW_DEVICES",
        "provisionDeviceKey": "pk",
    }
    expected = admin.Profile(ID, "p", admin.Strategy.CREATE, "pk")
    assert admin.parse_profile(body(profile)) == expected
    page = {"data": [profile], "hasNext": True}
    assert admin.parse_profiles(body(page)) == ([expected], True)


@pytest.mark.parametrize("wrong", ["../../x", "", "784f394c", ID + "/x", None, {"id": None}])
def test_an_id_that_is_none_never_becomes_part_of_a_path(wrong: Any) -> None:
    with pytest.raises(NotAsDocumented):
        admin.parse_device(body({"id": wrong, "name": "n"}))
    with pytest.raises(NotAsDocumented):
        admin.device_path(wrong)


def test_attributes_are_read_by_name() -> None:
    answer = [{"key": "provisionState", "value": "provisioned", "lastUpdateTs": 1}, {"value": 2}]
    assert admin.parse_attributes(body(answer)) == {"provisionState": "provisioned"}
    assert admin.parse_attributes(b"[]") == {}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, AccessToken(token=Secret("MARKER-token"))),
        (
            {
                "credentialsType": "MQTT_BASIC",
                "credentialsValue": '{"clientId":null,"userName":"u","password":"p"}',
            },
            MqttBasic(username="u", password=Secret("p")),
        ),
        (
            {"credentialsType": "X509_CERTIFICATE", "credentialsValue": PEM},
            StoredCertificate("MIIB"),
        ),
        ({"credentialsType": "LWM2M_CREDENTIALS"}, None),
        ({"credentialsType": "MQTT_BASIC", "credentialsValue": "no"}, None),
        ({"credentialsId": ""}, None),
    ],
)
def test_each_kind_of_stored_credentials_is_read(change: dict[str, Any], found: object) -> None:
    stored = admin.parse_credentials(body({**RECORD, **change}))
    assert stored.credentials == found
    assert "MARKER" not in repr(stored)


def test_a_replacement_keeps_ids_and_version_and_nothing_of_the_old_secret() -> None:
    stored = admin.parse_credentials(body(RECORD))
    kept = {key: RECORD[key] for key in ("id", "createdTime", "deviceId", "version")}
    assert admin.replacing(stored, AccessToken(token=Secret("new"))) == {
        **kept,
        "credentialsType": "ACCESS_TOKEN",
        "credentialsId": "new",
    }
    assert admin.replacing(stored, MqttBasic(username="u", password=Secret("p"))) == {
        **kept,
        "credentialsType": "MQTT_BASIC",
        "credentialsValue": '{"userName":"u","password":"p"}',
    }
    assert admin.replacing(stored, Certificate(certificate=PEM, key=Secret("MARKER"))) == {
        **kept,
        "credentialsType": "X509_CERTIFICATE",
        "credentialsValue": PEM,
    }


def test_an_error_is_read_whatever_came() -> None:
    failure = admin.parse_failure(b'{"status":401,"message":"a\\nb","errorCode":11,"timestamp":1}')
    assert (failure.status, failure.message, failure.error_code) == (401, "a b", 11)
    for strange in (b"", b"<html>", b"[]", b'{"status":"x"}', b"[" * 50_000):
        assert admin.parse_failure(strange) == admin.Failure()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(ID),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "name", "token", "data", "key", "value", *RECORD]), inner
        )
    ),
    max_leaves=10,
)


@given(st.sampled_from(PARSERS), json_values.map(body) | st.binary(max_size=60))
def test_any_body_is_read_or_said_not_to_be_as_documented(
    parse: Callable[[bytes], object], data: bytes
) -> None:
    try:
        found = parse(data)
    except NotAsDocumented:
        return
    if isinstance(found, StoredCredentials):
        admin.replacing(found, AccessToken(token=Secret("new")))


@pytest.mark.parametrize("parse", PARSERS)
def test_a_structure_without_end_is_not_as_documented(parse: Callable[[bytes], object]) -> None:
    with pytest.raises(NotAsDocumented):
        parse(b'{"a":' + b"[" * 100_000)
