from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import GatewayUnset
from agent.gateway.environment import OLDER, SECRETS, read_plan, take_variables

P = "TB_GW_PROVISIONING_DEVICE_"
HERE = {"TB_GW_HOST": "127.0.0.1"}
RIGHT = {f"{P}KEY": "the-key", f"{P}SECRET": "the-secret"}
SAMPLE = {
    "host": "thingsboard.cloud",
    "port": 1883,
    "security": {"accessToken": "YOUR_ACCESS_TOKEN"},
}


def wanted(**more: str) -> dict[str, str]:
    return HERE | RIGHT | {f"{P}{name}": text for name, text in more.items()}


def test_without_a_variable_there_is_no_gateway():
    assert read_plan({}) is None
    assert read_plan({"PATH": "/bin", "TB_GW_LOGS_PATH": "/tmp/logs"}) is None


def test_key_and_secret_register_with_a_token_that_is_made_here():
    plan = read_plan(wanted())
    assert plan is not None
    assert plan.fixed is None
    assert plan.provisioning is not None
    assert plan.provisioning.key.reveal() == "the-key"
    assert plan.provisioning.name == ""
    assert plan.provisioning.proof.kind == "access_token"
    assert not plan.provisioning.proof.token
    assert plan.server.url == "mqtt://127.0.0.1"


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"ACCESS_TOKEN": "t", "USERNAME": "u", "CA_CERT_FILENAME": "ca.pem"}, "access_token"),
        ({"USERNAME": "u", "CA_CERT_FILENAME": "ca.pem"}, "mqtt_basic"),
        ({"PASSWORD": "p"}, "mqtt_basic"),
        ({"CLIENT_ID": ""}, "mqtt_basic"),
        ({"CA_CERT_FILENAME": "ca.pem"}, "certificate"),
        ({"ACCESS_TOKEN": ""}, "access_token"),
    ],
)
def test_the_first_kind_that_is_named_counts(more, kind):
    plan = read_plan(wanted(**more))
    assert plan is not None
    assert plan.provisioning is not None
    assert plan.provisioning.proof.kind == kind


def test_a_certificate_goes_with_tls_to_the_port_that_is_named():
    plan = read_plan(wanted(CA_CERT_FILENAME="ca.pem") | {"TB_GW_PORT": "2883"})
    assert plan is not None
    assert plan.server.url == "mqtts://127.0.0.1:2883"
    assert plan.ca == "ca.pem"


@pytest.mark.parametrize(
    ("given", "section", "url", "ca"),
    [
        (wanted(CA_CERT_FILENAME="a"), {}, "mqtts://127.0.0.1", "a"),
        (wanted() | {"TB_GW_PORT": "8883", "TB_GW_CA_CERT": "a"}, {}, "mqtts://127.0.0.1", "a"),
        (wanted() | {"TB_GW_PORT": "1900", "TB_GW_CA_CERT": "a"}, {}, "mqtt://127.0.0.1:1900", ""),
        (
            HERE | {"TB_GW_ACCESS_TOKEN": "t", "TB_GW_CA_CERT": "a", "TB_GW_PORT": "1900"},
            {},
            "mqtts://127.0.0.1:1900",
            "a",
        ),
        (
            HERE | {"TB_GW_PORT": "1900"},
            {"security": {"accessToken": "t", "tls": True}},
            "mqtts://127.0.0.1:1900",
            "",
        ),
        (
            wanted() | {"TB_GW_PORT": "1900"},
            {"security": {"accessToken": "t", "tls": True}},
            "mqtt://127.0.0.1:1900",
            "",
        ),
        (HERE | {"TB_GW_CA_CERT": "a"}, {}, "mqtts://127.0.0.1", "a"),
    ],
)
def test_tls_is_spoken_where_the_vendor_s_gateway_does(given, section, url, ca):
    plan = read_plan(given, section)
    assert plan is not None
    assert (plan.server.url, plan.ca) == (url, ca)
    assert not any("TB_GW_CA_CERT" in remark for remark in plan.remarks) or not ca


def test_older_variables_are_without_effect_beside_key_and_secret():
    plan = read_plan(
        wanted() | {"TB_GW_ACCESS_TOKEN": "other", "TB_GW_SECURITY_TYPE": "usernamePassword"}
    )
    assert plan is not None
    assert plan.fixed is None
    assert plan.provisioning is not None
    assert not plan.provisioning.proof.token
    assert "TB_GW_ACCESS_TOKEN, TB_GW_SECURITY_TYPE" in plan.remarks[0]
    assert "other" not in plan.remarks[0]


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"TB_GW_ACCESS_TOKEN": "t"}, "access_token"),
        ({"TB_GW_ACCESS_TOKEN": "t", "TB_GW_SECURITY_TYPE": "tlsAccessToken"}, "access_token"),
        ({"TB_GW_USERNAME": "u", "TB_GW_SECURITY_TYPE": "usernamePassword"}, "mqtt_basic"),
        ({"TB_GW_CERT": "c", "TB_GW_PRIVATE_KEY": "k", "TB_GW_CA_CERT": "a"}, "certificate"),
    ],
)
def test_older_variables_alone_connect_and_register_nothing(more, kind):
    plan = read_plan(HERE | more)
    assert plan is not None
    assert plan.provisioning is None
    assert plan.fixed is not None
    assert plan.fixed.kind == kind


def test_one_older_variable_takes_the_place_of_the_whole_section():
    section = {"security": {"type": "usernamePassword", "username": "u", "password": "p"}}
    plan = read_plan(HERE | {"TB_GW_ACCESS_TOKEN": "t"}, section)
    assert plan is not None
    assert plan.fixed is not None
    assert plan.fixed.kind == "access_token"


def test_the_file_s_section_security_counts_only_without_key_and_secret():
    section = {"host": "tb.example", "port": 8883, "security": {"accessToken": "t"}}
    plan = read_plan({}, section)
    assert plan is not None
    assert plan.fixed is not None
    assert plan.server.url == "mqtts://tb.example"
    plan = read_plan(RIGHT, section)
    assert plan is not None
    assert plan.fixed is None


def test_the_file_s_section_provisioning_beats_the_variables():
    section = {"provisioning": {"provisionDeviceKey": "k2", "provisionDeviceSecret": "s2"}}
    plan = read_plan(wanted(NAME="n"), section)
    assert plan is not None
    assert plan.provisioning is not None
    assert plan.provisioning.key.reveal() == "k2"
    assert plan.provisioning.name == ""


def test_the_sample_token_is_no_token():
    plan = read_plan({}, SAMPLE | {"port": 8883})
    assert plan is not None
    assert plan.fixed is None
    assert plan.provisioning is None
    assert "sample" in plan.remarks[0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (HERE | RIGHT | {f"{P}SECRET": ""}, "SECRET is missing or empty"),
        (HERE | {f"{P}NAME": "n"}, "SECRET are missing or empty"),
        (HERE | {f"{P}KEY": " ", f"{P}SECRET": "s"}, "KEY is missing or empty"),
        (RIGHT, "TB_GW_HOST is missing"),
        (wanted() | {"TB_GW_PORT": "mqtt"}, "TB_GW_PORT must be"),
        (wanted() | {"TB_GW_PORT": "0"}, "TB_GW_PORT must be"),
        (wanted() | {"TB_GW_PORT": "65536"}, "TB_GW_PORT must be"),
        (wanted() | {"TB_GW_HOST": "a b"}, "TB_GW_HOST has"),
        (wanted() | {"TB_GW_HOST": "user@host"}, "TB_GW_HOST must be an address alone"),
        (wanted(ACCESS_TOKEN="", USERNAME="u"), "ACCESS_TOKEN is set and empty"),
        (wanted(CA_CERT_FILENAME=""), "name the file"),
        (HERE | {"TB_GW_SECURITY_TYPE": "accessToken"}, "TB_GW_ACCESS_TOKEN is missing"),
        (HERE | {"TB_GW_SECURITY_TYPE": "usernamePassword"}, "TB_GW_USERNAME is missing"),
        (HERE | {"TB_GW_SECURITY_TYPE": "token"}, "TB_GW_SECURITY_TYPE"),
        (HERE | {"TB_GW_USERNAME": "u"}, "must be usernamePassword"),
        (HERE | {"TB_GW_CERT": "c"}, "are needed together"),
    ],
)
def test_what_cannot_be_meant_is_said(given, words):
    with pytest.raises(GatewayUnset) as failed:
        read_plan(given)
    assert words in str(failed.value.facts["detail"])


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"provisioning": {"provisionDeviceKey": "k"}}, "provisionDeviceSecret is missing"),
        (
            {
                "provisioning": {
                    "provisionDeviceKey": "k",
                    "provisionDeviceSecret": "s",
                    "type": "X",
                }
            },
            "type",
        ),
    ],
)
def test_what_cannot_be_meant_in_the_file_is_said(section, words):
    with pytest.raises(GatewayUnset) as failed:
        read_plan(HERE, section)
    assert words in str(failed.value.facts["detail"])


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"TB_GW_HOST": "localhost"}, "mqtt://localhost"),
        ({"TB_GW_HOST": "tb.example"}, "mqtts://tb.example"),
        ({"TB_GW_HOST": "tb.example", "TB_GW_PORT": "1883"}, "mqtt://tb.example"),
        ({"TB_GW_HOST": "tb.example", "TB_GW_PORT": "8883"}, "mqtts://tb.example"),
        ({"TB_GW_HOST": "::1", "TB_GW_PORT": "1900"}, "mqtt://[::1]:1900"),
    ],
)
def test_another_computer_is_asked_with_tls_unless_a_port_says_otherwise(given, url):
    plan = read_plan(given | RIGHT)
    assert plan is not None
    assert plan.server.url == url
    assert bool(plan.remarks) == (url == "mqtt://tb.example")


def test_secrets_are_taken_out_of_the_environment_and_nothing_else_is():
    environ = wanted(ACCESS_TOKEN="t") | {"PATH": "/bin", "TB_GW_PASSWORD": "p"}
    taken = take_variables(environ)
    assert taken[f"{P}SECRET"] == "the-secret"
    assert environ == HERE | {"PATH": "/bin"}
    assert "PATH" not in taken


NAMES = [*SECRETS, *OLDER.values(), f"{P}NAME", f"{P}CA_CERT_FILENAME", "TB_GW_HOST", "TB_GW_PORT"]
TEXTS = st.sampled_from(["", " ", "x", "127.0.0.1", "8883", "accessToken", "usernamePassword"])
SECTIONS = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.dictionaries(
        st.sampled_from([*OLDER, "host", "port", "security", "provisioning", "tls"]), inner
    ),
)


@given(st.dictionaries(st.sampled_from(NAMES), TEXTS | st.text()), SECTIONS)
def test_whatever_is_given_there_is_a_plan_or_a_reason(given: dict[str, str], section: Any):
    try:
        plan = read_plan(given, section if isinstance(section, dict) else None)
    except GatewayUnset as error:
        assert error.facts["detail"]  # noqa: PT017 - either is right
        return
    assert plan is None or not (plan.fixed and plan.provisioning)
