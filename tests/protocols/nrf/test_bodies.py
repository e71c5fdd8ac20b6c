"""Paths and bodies of nRF Cloud."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import InputError
from agent.protocols.nrf import bodies
from agent.protocols.nrf.token import parse_token
from agent.simulator.nrf_identity import ModemIdentity

TOKEN = parse_token(ModemIdentity("A").attest())


def test_a_claim_is_the_token_and_its_tags():
    text = TOKEN.text.reveal()
    assert bodies.dry_run_body(TOKEN) == {"claimToken": text}
    assert bodies.claim_body(TOKEN, ()) == {"claimToken": text}
    assert bodies.claim_body(TOKEN, ["a"]) == {"claimToken": text, "tags": ["a"]}


def test_a_rule_makes_two_keys_and_brings_the_authorities():
    rule = bodies.rule_body("nrf-cloud-onboarding", sec_tag=5)
    assert rule["active"] is True
    assert rule["tags"] == ["nrf-cloud-onboarding"]
    names = [list(command["request"]) for command in rule["commands"]]
    assert names == [
        ["clientPrivateKeyGeneration"],
        ["cloudAccessKeyGeneration"],
        ["serverCertificate"],
    ]
    assert all(next(iter(c["request"].values()))["secTag"] == 5 for c in rule["commands"])
    mqtt = bodies.rule_body("x", coap=False)["commands"][2]["request"]["serverCertificate"]
    assert mqtt["content"].count("BEGIN") == 1


def test_other_bodies_are_as_documented():
    assert bodies.tag_body("t", "d") == {"tag": "t", "description": "d"}
    assert bodies.shadow_body(9) == {"desired": {"command": [1, 9]}}
    assert bodies.name_body("n") == ["n"]


def test_what_is_no_id_stays_within_its_path():
    assert bodies.command_path("../a", "b/c") == ("/v1/claimed-devices/..%2Fa/provisioning/b%2Fc")
    assert bodies.shadow_path("a?") == "/v1/devices/a%3F/state"
    assert bodies.name_path("a#") == "/v1/devices/a%23/name"
    assert bodies.bulk_path("a/b") == "/v1/bulk-ops-requests/a%2Fb"


@given(st.floats(0, 1e12), st.integers(0, bodies.COMMAND_ID_MAX))
def test_a_shadow_command_has_a_number_that_is_valid_and_never_the_last_one(now_s, last):
    number = bodies.command_id(now_s, last)
    assert 1 <= number <= bodies.COMMAND_ID_MAX
    assert number != last


def test_the_number_is_the_time_unless_that_was_used():
    assert bodies.command_id(1_800_000_000.9, 0) == 1_800_000_000
    assert bodies.command_id(1_800_000_000.9, 1_800_000_000) == 1_800_000_001
    assert bodies.command_id(5, bodies.COMMAND_ID_MAX) == 1


@pytest.mark.parametrize("device_id", ["", "x" * 65, "a b", "a,b", "a/b", "é"])
def test_an_id_that_device_management_cannot_take_is_refused(device_id):
    with pytest.raises(InputError):
        bodies.check_device_id(device_id)


def test_ids_of_both_kinds_and_of_64_characters_are_taken():
    for device_id in (TOKEN.device_id, "nrf-350000000000000", "x" * 64):
        bodies.check_device_id(device_id)


@pytest.mark.parametrize("tag", ["", " a", "a,b", "a|b", 'a"b', "a\n", "x" * 129])
def test_a_tag_that_cannot_be_in_a_file_is_refused(tag):
    with pytest.raises(InputError):
        bodies.check_tags([tag])


def test_tags_with_values_are_taken_and_too_many_are_not():
    bodies.check_tags(["nrf-cloud-onboarding", "site=Trondheim 1"])
    with pytest.raises(InputError):
        bodies.check_tags(["t"] * 51)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 257])
def test_a_name_that_cannot_be_shown_is_refused(name):
    with pytest.raises(InputError):
        bodies.check_name(name)
