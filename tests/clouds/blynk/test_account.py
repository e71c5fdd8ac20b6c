"""The account: a server alone, or with an OAuth client."""

from __future__ import annotations

import pytest

from agent.clouds.blynk.account import account_fields, account_schema, parse_account
from agent.errors import InputError
from agent.settings import Secret

FULL = {
    "server": "fra1",
    "client_id": "oa2-client-id_zm",
    "client_secret": "marker-secret",
    "owner_id": "7",
    "org_id": 101,
}


def test_an_account_comes_back_as_it_was_kept():
    account = parse_account(FULL)
    assert account.has_client
    assert account.base_url == "https://fra1.blynk.cloud"
    assert parse_account(account_fields(account), kept=True) == account
    assert "marker" not in repr(account) + str(account.shown) + str(account_fields(account))


def test_a_region_is_kept_but_not_entered():
    fields = {**account_fields(parse_account(FULL)), "region": Secret("https://lon1.blynk.cloud")}
    account = parse_account(fields, kept=True)
    assert (account.server, account.base_url) == (
        "https://fra1.blynk.cloud",
        "https://lon1.blynk.cloud",
    )
    with pytest.raises(InputError, match="is not a field"):
        parse_account({"region": "lon1"})


@pytest.mark.parametrize("account", [{}, {"server": ""}, {"server": None, "client_id": ""}])
def test_without_a_client_there_is_a_server_all_the_same(account):
    found = parse_account(account)
    assert not found.has_client
    assert found.shown == {"server": "https://blynk.cloud"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"client_secret": ""}, "client_secret"),
        ({"client_id": ""}, "client_id"),
        ({"client_id": "a:b"}, "client_id"),
        ({"owner_id": ""}, "owner_id"),
        ({"owner_id": "me"}, "owner_id"),
        ({"owner_id": "0"}, "owner_id"),
        ({"org_id": "9" * 30}, "org_id"),
        ({"server": "http://blynk.cloud"}, "server"),
        ({"client_secret": "a\nb"}, "client_secret"),
        ({"client_secret": "x" * 201}, "client_secret"),
        ({"client_secret": ["x"]}, "client_secret"),
        ({"owner_id": True}, "owner_id"),
        ({"other": "x"}, "other"),
    ],
)
def test_a_field_that_is_wrong_is_named(change, field):
    with pytest.raises(InputError) as caught:
        parse_account({**FULL, **change})
    assert caught.value.facts["field"] == field
    assert "marker" not in str(caught.value.report())


def test_the_form_has_a_field_for_each_part_and_hides_the_secret():
    properties = account_schema()["properties"]
    assert set(properties) == set(FULL)
    assert properties["client_secret"]["format"] == "password"
