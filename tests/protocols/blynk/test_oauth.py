"""Tokens of the platform interface: how long they are used, and each refresh token once."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.blynk.oauth import Grant, Refusal, basic_of, parse_refusal
from agent.protocols.blynk.replies import NotAsDocumented
from agent.settings import Secret

CLIENT = {"grant_type": "client_credentials"}


def body(access: str = "a1", refresh: object = "r1", life: object = 300, **more: object) -> bytes:
    said = {"access_token": access, "token_type": "Bearer", "expires_in": life, **more}
    return json.dumps(said | {"refresh_token": refresh}).encode()


def test_a_token_is_used_for_nine_tenths_of_its_life_at_least():
    grant = Grant()
    assert grant.usable(0.0) is None
    assert grant.ask() == CLIENT
    assert grant.granted(body(), 100.0).reveal() == "a1"
    assert grant.usable(369.0) == Secret("a1")
    assert grant.usable(370.0) is None
    grant.granted(body(life=86400), 0.0)
    assert grant.usable(86_369.0) is not None
    assert grant.usable(86_370.0) is None


def test_a_refresh_token_is_given_away_once_even_if_its_answer_is_lost():
    grant = Grant()
    grant.granted(body(), 0.0)
    assert grant.ask() == {"grant_type": "refresh_token", "refresh_token": "r1"}
    assert grant.ask() == CLIENT
    grant.granted(body("a2", "r2"), 300.0)
    assert grant.ask()["refresh_token"] == "r2"


def test_without_a_refresh_token_the_account_is_used():
    grant = Grant()
    for none in (None, "", "a b", 7):
        grant.granted(body(refresh=none), 0.0)
        assert grant.ask() == CLIENT


def test_a_token_that_is_refused_is_left_but_a_newer_one_is_kept():
    grant = Grant()
    old = grant.granted(body(), 0.0)
    new = grant.granted(body("a2"), 1.0)
    grant.refused(old)
    assert grant.usable(2.0) == new
    grant.refused(new)
    assert grant.usable(2.0) is None


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"[]",
        b"{}",
        body(access=""),
        body(access="a b"),
        body(access="a\r\nX: y"),
        body(life=0),
        body(life=-1),
        body(life=None),
        body(life=True),
        body(token_type="mac"),
    ],
)
def test_what_is_no_grant_is_refused_and_nothing_is_kept(wrong):
    grant = Grant()
    with pytest.raises(NotAsDocumented):
        grant.granted(wrong, 0.0)
    assert grant.usable(0.0) is None


@given(st.binary(max_size=100))
def test_no_body_breaks_it(data):
    with contextlib.suppress(NotAsDocumented):
        Grant().granted(data, 0.0)
    parse_refusal(data)


def test_a_refusal_tells_whether_the_account_is_meant():
    said = b'{"error":"invalid_client","error_description":"Client ID is not found."}'
    assert parse_refusal(said) == Refusal("invalid_client", "Client ID is not found.")
    assert parse_refusal(said).of_account
    assert parse_refusal(b'{"error":"unauthorized_client"}').of_account
    for asked in ("invalid_request", "invalid_grant", "unsupported_grant_type"):
        assert not parse_refusal(b'{"error":"%s"}' % asked.encode()).of_account
    assert parse_refusal(b'{"error":{"message":"No."}}') == Refusal("", "No.")
    assert parse_refusal(b"x") == Refusal("", "")


def test_no_secret_is_shown():
    grant = Grant()
    grant.granted(body("marker-a", "marker-r"), 0.0)
    assert "marker" not in repr(grant)
    assert basic_of("id", Secret("pw")).reveal() == "Basic aWQ6cHc="
    assert "aWQ" not in repr(basic_of("id", Secret("pw")))
