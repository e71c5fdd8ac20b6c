"""Credentials and cloud settings: limits, what does not fit together, and their plain form."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from agent.errors import InputError
from agent.settings import Secret
from agent.settings.credentials import (
    AccessToken,
    BoardSettings,
    Certificate,
    CloudSettings,
    Credentials,
    MqttBasic,
    parse_settings,
    reveal_settings,
)
from agent.settings.network import WiFi

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN EC PRIVATE KEY-----\nMARKER-key\n-----END EC PRIVATE KEY-----\n"
TOKEN = AccessToken(token=Secret("MARKER-token"))
BASIC = MqttBasic(client_id="c", username="u", password=Secret("MARKER-pass"))
CERTIFICATE = Certificate(certificate=PEM, key=Secret(KEY))
CLOUD = CloudSettings(
    cloud="thingsboard",
    name="bench-7",
    host="tb.test",
    port=8883,
    scheme="mqtts",
    credentials=TOKEN,
)


def refused(settings: Any) -> str:
    with pytest.raises(InputError) as caught:
        settings.check()
    assert "MARKER" not in repr(caught.value.report())
    return str(caught.value.facts["field"])


@pytest.mark.parametrize("credentials", [TOKEN, BASIC, CERTIFICATE], ids=lambda c: type(c).__name__)
def test_each_kind_of_credentials_travels_as_plain_data_and_back(credentials: Credentials) -> None:
    cloud = msgspec.structs.replace(CLOUD, credentials=credentials, ca=PEM)
    settings = BoardSettings(network=WiFi(ssid="Lab", password=Secret("MARKER-wifi")), cloud=cloud)
    settings.check()
    plain = reveal_settings(settings)
    assert (
        parse_settings(msgspec.json.decode(msgspec.json.encode(plain)), BoardSettings) == settings
    )
    assert "MARKER" not in repr(settings)
    assert "MARKER" in repr(plain)


def test_the_kinds_are_told_apart_by_their_type() -> None:
    assert {str(kind.__struct_config__.tag) for kind in get_args(Credentials)} == {
        "access_token",
        "mqtt_basic",
        "certificate",
    }
    assert parse_settings({"type": "mqtt_basic", "username": "u"}, Credentials) == MqttBasic(  # type: ignore[arg-type]  # a union is no type to mypy
        username="u"
    )


@pytest.mark.parametrize(
    ("credentials", "field"),
    [
        (AccessToken(token=Secret()), "token"),
        (AccessToken(token=Secret("x" * 256)), "token"),
        (AccessToken(token=Secret("a\nb")), "token"),
        (AccessToken(token=Secret("a\ud800")), "token"),
        (MqttBasic(), "username"),
        (MqttBasic(client_id="c", password=Secret("MARKER")), "username"),
        (MqttBasic(client_id="ü" * 128), "client_id"),
        (MqttBasic(username="u\0"), "username"),
        (MqttBasic(username="u", password=Secret("x" * 256)), "password"),
        (Certificate(certificate="MIIB", key=Secret(KEY)), "certificate"),
        (Certificate(certificate="", key=Secret(KEY)), "certificate"),
        (Certificate(certificate=PEM + "x" * 9000, key=Secret(KEY)), "certificate"),
        (Certificate(certificate=PEM, key=Secret(PEM)), "key"),
        (Certificate(certificate=PEM, key=Secret(KEY.replace("EC", "ENCRYPTED"))), "key"),
    ],
)
def test_credentials_that_no_cloud_gives_are_refused_with_their_field(
    credentials: Credentials, field: str
) -> None:
    assert refused(credentials) == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "n" * 300}, "name"),
        ({"host": "tb.test/x"}, "host"),
        ({"host": "me@tb.test"}, "host"),
        ({"host": "müller.test"}, "host"),
        ({"host": ""}, "host"),
        ({"port": 0}, "port"),
        ({"port": 65536}, "port"),
        ({"ca": "no"}, "ca"),
        ({"ca": PEM, "scheme": "mqtt"}, "ca"),
        ({"credentials": BASIC, "scheme": "https"}, "scheme"),
        ({"credentials": CERTIFICATE, "scheme": "mqtt"}, "scheme"),
        ({"credentials": CERTIFICATE, "scheme": "https"}, "scheme"),
    ],
)
def test_settings_of_a_cloud_that_cannot_work_are_refused(
    change: dict[str, Any], field: str
) -> None:
    CLOUD.check()
    assert refused(msgspec.structs.replace(CLOUD, **change)) == field
    assert refused(BoardSettings(cloud=msgspec.structs.replace(CLOUD, **change))) == field


def test_an_empty_delivery_is_refused_and_the_network_is_checked_too() -> None:
    assert refused(BoardSettings()) == "cloud"
    assert refused(BoardSettings(network=WiFi())) == "ssid"
    BoardSettings(network=WiFi(ssid="Lab")).check()
    msgspec.structs.replace(CLOUD, host="::1").check()


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"type": "MARKER"}, "type"),
        ({"type": "access_token", "token": 7}, "token"),
        ({"type": "access_token"}, "settings"),
        ("MARKER", "settings"),
    ],
)
def test_plain_data_that_is_none_is_refused_without_its_values(data: object, field: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_settings(data, Credentials)  # type: ignore[arg-type]  # a union is no type to mypy
    assert caught.value.facts["field"] == field
    assert "MARKER" not in repr(caught.value.report())
