from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from agent.clouds.thingsboard.certificates import make_certificate
from agent.errors import GatewayUnset
from agent.gateway.vendor import read_credentials, read_section, read_text
from agent.protocols.thingsboard.replies import bare_base64
from agent.settings import Secret
from agent.settings.credentials import AccessToken, Certificate, MqttBasic


def reply(kind: str, value: object) -> str:
    return json.dumps({"status": "SUCCESS", "credentialsType": kind, "credentialsValue": value})


def test_its_settings_are_read(tmp_path):
    assert read_section("") is None
    assert read_section(str(tmp_path)) is None
    (tmp_path / "tb_gateway.json").write_text('{"thingsboard": {"host": "h"}, "connectors": []}')
    assert read_section(str(tmp_path)) == {"host": "h"}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"thingsboard": 1}', "[" * 5000])
def test_settings_that_cannot_be_read_are_told(tmp_path, text):
    (tmp_path / "tb_gateway.json").write_text(text)
    with pytest.raises(GatewayUnset):
        read_section(str(tmp_path))


def test_what_it_was_given_is_read(tmp_path):
    file = tmp_path / ".credentials"
    assert read_credentials(str(tmp_path)) is None
    file.write_text(reply("ACCESS_TOKEN", "its-token"))
    kept = read_credentials(str(tmp_path))
    assert kept is not None
    assert kept.credentials == AccessToken(token=Secret("its-token"))
    basic = {"clientId": "c", "userName": "u", "password": "p"}
    file.write_text(reply("MQTT_BASIC", basic))
    kept = read_credentials(str(tmp_path))
    assert kept is not None
    assert kept.credentials == MqttBasic(client_id="c", username="u", password=Secret("p"))


def test_a_certificate_is_read_with_its_key(tmp_path):
    own = make_certificate("localhost", datetime.now(UTC))
    file = tmp_path / ".credentials"
    file.write_text(reply("X509_CERTIFICATE", bare_base64(own.certificate)))
    assert read_credentials(str(tmp_path)) is None
    (tmp_path / "cert.pem").write_text(own.certificate)
    (tmp_path / "key.pem").write_text(own.key.reveal())
    kept = read_credentials(str(tmp_path))
    assert kept is not None
    assert isinstance(kept.credentials, Certificate)
    (tmp_path / "key.pem").write_text("no key")
    assert read_credentials(str(tmp_path)) is None
    (tmp_path / "key.pem").write_text(own.key.reveal())
    file.write_text(reply("X509_CERTIFICATE", "MIIB"))
    assert read_credentials(str(tmp_path)) is None


@pytest.mark.parametrize("text", ["", "{", '{"status":"FAILURE"}', "x" * 100_000])
def test_what_cannot_be_used_is_passed_over(tmp_path, text):
    (tmp_path / ".credentials").write_text(text)
    assert read_credentials(str(tmp_path)) is None


def test_a_file_is_found_in_the_folder_or_as_it_is_named(tmp_path):
    (tmp_path / "ca.pem").write_text("text")
    assert read_text(str(tmp_path), "ca.pem") == "text"
    assert read_text("", str(tmp_path / "ca.pem")) == "text"
    with pytest.raises(GatewayUnset):
        read_text(str(tmp_path), "other.pem")
    (tmp_path / "ca.pem").write_bytes(b"\xff")
    with pytest.raises(GatewayUnset):
        read_text(str(tmp_path), "ca.pem")
