"""What all answers share."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.blynk.replies import (
    NotAsDocumented,
    error_of,
    is_invalid_token,
    read_id,
    read_object,
)


@given(st.binary(max_size=80))
def test_any_body_is_an_object_or_refused(body):
    with contextlib.suppress(NotAsDocumented):
        assert isinstance(read_object(body), dict)
    assert error_of(body).isprintable()


@pytest.mark.parametrize("value", [None, 0, -1, True, "7", 1.0, 2**63])
def test_what_is_no_id_is_refused(value):
    with pytest.raises(NotAsDocumented, match="The id of the device"):
        read_id(value, "the device")
    assert read_id(7, "the device") == 7


def test_the_sentence_of_an_error_is_cleaned():
    assert error_of(b'{"error":{"message":"Template \\n is\\u202e not found."}}') == (
        "Template is· not found."
    )
    assert error_of(b'{"error":"plain"}') == "plain"
    assert error_of(b'{"error":{"message":7}}') == ""
    assert error_of(b"[" * 5000) == ""


def test_the_sentence_about_a_token_is_known_with_and_without_its_end():
    assert is_invalid_token("Invalid token.")
    assert is_invalid_token("invalid token")
    assert not is_invalid_token("Invalid token length.")
