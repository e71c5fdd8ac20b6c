from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.clouds.thingsboard.certificates import make_certificate
from agent.errors import GatewayUnset
from agent.gateway.setup import read_setup
from agent.settings.credentials import AccessToken, Certificate, MqttBasic

HERE = {"TB_GW_HOST": "127.0.0.1"}


def test_nothing_is_asked_for():
    assert read_setup({}) is None


def test_a_token_and_a_login_come_with_the_variables():
    setup = read_setup(HERE | {"TB_GW_ACCESS_TOKEN": "t"})
    assert setup is not None
    assert isinstance(setup.fixed, AccessToken)
    login = {"TB_GW_SECURITY_TYPE": "usernamePassword", "TB_GW_USERNAME": "u"}
    setup = read_setup(HERE | login | {"TB_GW_PASSWORD": "p"})
    assert setup is not None
    assert isinstance(setup.fixed, MqttBasic)
    assert "p" not in repr(setup).split()


def test_files_are_read_from_the_vendor_s_folder(tmp_path):
    own = make_certificate("gw", datetime.now(UTC))
    for name, text in (("c", own.certificate), ("k", own.key.reveal()), ("a", own.certificate)):
        (tmp_path / name).write_text(text)
    given = HERE | {
        "TB_GW_CONFIG_DIR": str(tmp_path),
        "TB_GW_CERT": "c",
        "TB_GW_PRIVATE_KEY": "k",
        "TB_GW_CA_CERT": "a",
    }
    setup = read_setup(given)
    assert setup is not None
    assert isinstance(setup.fixed, Certificate)
    assert setup.ca.strip() == own.certificate.strip()
    assert setup.server.encrypted
    (tmp_path / "k").write_text(make_certificate("x", datetime.now(UTC)).key.reveal())
    with pytest.raises(GatewayUnset, match="cannot be a gateway"):
        read_setup(given)
    with pytest.raises(GatewayUnset):
        read_setup(given | {"TB_GW_CA_CERT": "k"})


def test_what_the_vendor_s_gateway_was_given_is_found(tmp_path):
    (tmp_path / ".credentials").write_text(
        '{"status":"SUCCESS","credentialsType":"ACCESS_TOKEN","credentialsValue":"t"}'
    )
    setup = read_setup(HERE | {"TB_GW_CONFIG_DIR": str(tmp_path)})
    assert setup is not None
    assert setup.vendor is not None
