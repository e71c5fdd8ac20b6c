"""The key of a team: pasted, refused, shown."""

from __future__ import annotations

import pytest

from agent.clouds.nrf.account import account_schema, device_schema, parse_account
from agent.errors import InputError
from agent.settings import Secret


def test_a_pasted_key_loses_the_line_around_it():
    assert parse_account({"api_key": " abc\n"}) == Secret("abc")
    assert parse_account({"api_key": Secret("abc")}) == Secret("abc")


@pytest.mark.parametrize(
    "account",
    [
        {},
        {"api_key": ""},
        {"api_key": None},
        {"api_key": 3},
        {"api_key": "MARKER x"},
        {"api_key": "MARKERé"},
        {"api_key": "MARKER" * 40},
        {"api_key": "MARKER", "more": "1"},
    ],
)
def test_what_is_no_key_is_refused_without_showing_it(account):
    with pytest.raises(InputError) as caught:
        parse_account(account)
    assert "MARKER" not in repr(caught.value.report())


def test_a_form_hides_the_key():
    assert account_schema()["properties"]["api_key"]["format"] == "password"
    assert device_schema()["required"] == []
