"""Who may talk, as rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.bridge.access import (
    Visitor,
    admit,
    admit_asker,
    bearer_tokens,
    host_is_ours,
    own_origins,
)
from agent.errors import OriginRefused, TokenRefused
from agent.settings import Secret

PORT = 8991
APP = "https://app.example.com"


def who(origins: list[str], tokens: list[str], token: str = "right") -> Visitor:
    return admit(origins=origins, tokens=tokens, port=PORT, allowed={APP}, token=Secret(token))


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8991", "localhost:8991", "LOCALHOST:8991", "[::1]:8991"]
)
def test_the_names_of_this_computer_are_ours(host: str) -> None:
    assert host_is_ours([host], PORT)


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [""],
        ["127.0.0.1"],
        ["127.0.0.1:8992"],
        ["localhost.:8991"],
        ["evil.example:8991"],
        ["127.0.0.1:8991.evil.example"],
        ["localhost:8991", "localhost:8991"],
        ["::1:8991"],
        ["127.0.0.1:08991"],
        [" 127.0.0.1:8991"],
    ],
)
def test_every_other_host_is_not_ours(hosts: list[str]) -> None:
    assert not host_is_ours(hosts, PORT)


@given(st.text())
def test_no_other_text_is_taken_for_our_host(host: str) -> None:
    known = {"127.0.0.1:8991", "localhost:8991", "[::1]:8991"}
    assert host_is_ours([host], PORT) == (host.lower() in known)


def test_the_own_page_an_allowed_page_and_a_program_are_told_apart() -> None:
    own = "http://localhost:8991"
    assert who([own], []) == Visitor(own, own=True)
    assert who([APP], []) == Visitor(APP, own=False)
    assert who([], ["wrong", "right"]) == Visitor(None, own=True)


def test_the_own_page_of_another_port_is_foreign() -> None:
    with pytest.raises(OriginRefused):
        who(["http://127.0.0.1:8992"], [])
    assert "https://127.0.0.1:8991" not in own_origins(PORT)


def test_an_origin_is_judged_alone_whatever_token_comes_with_it() -> None:
    for origins in (["https://evil.example"], ["null"], [""], [APP, APP], [APP.upper()]):
        with pytest.raises(OriginRefused):
            who(origins, ["right"])


def test_a_program_needs_the_token() -> None:
    for tokens in ([], [""], ["wrong"], ["right "], ["r\xefght"]):
        with pytest.raises(TokenRefused):
            who([], tokens)


def test_an_agent_without_a_token_lets_no_program_in() -> None:
    with pytest.raises(TokenRefused):
        who([], [""], token="")


def test_bearer_headers_are_read_and_others_ignored() -> None:
    assert bearer_tokens(["Bearer a", "bearer  b ", "Basic c", "Bearer", ""]) == ["a", "b"]


def test_any_page_may_ask_and_no_program() -> None:
    for origin in (APP, "https://unknown.example", "null"):
        assert admit_asker(origins=[origin], port=PORT) == Visitor(origin, own=False)
    own = "http://127.0.0.1:8991"
    assert admit_asker(origins=[own], port=PORT) == Visitor(own, own=True)
    for origins in ([], [APP, own], [own, own]):
        with pytest.raises(TokenRefused):
            admit_asker(origins=origins, port=PORT)
