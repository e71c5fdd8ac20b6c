"""The account of a server: what is asked, what is refused, what is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.clouds.thingsboard.account import account_fields, account_schema, parse_account
from agent.errors import InputError
from agent.settings import Secret
from tests.internet import Authority

if TYPE_CHECKING:
    from pathlib import Path

GIVEN = {
    "server": "https://tb.example",
    "provision_key": " pk-demo\n",
    "provision_secret": Secret("MARKER-secret"),
}


def test_the_least_is_a_server_a_key_and_a_secret() -> None:
    account = parse_account(GIVEN)
    assert account.provision_key == Secret("pk-demo")
    assert account.board_server.url == "mqtts://tb.example"
    assert not account.has_admin
    assert account.shown == {"server": "https://tb.example", "board_server": "mqtts://tb.example"}


def test_what_is_kept_gives_the_same_account_again(tmp_path: Path) -> None:
    more = {
        "board_server": "mqtt://lab.example",
        "insecure_host": "LAB.example",
        "admin_user": "tenant@example.org",
        "admin_password": "MARKER-admin",
        "ca": Authority(tmp_path, "Ours").pem.read_text(),
    }
    account = parse_account({**GIVEN, **more})
    kept = {**account_fields(account), "ca": Secret(account.ca)}
    assert parse_account(kept) == account
    assert "MARKER" not in repr(account) + repr(account.shown)


@pytest.mark.parametrize(
    ("server", "admin_server"),
    [
        ("https://tb.example:8443/base", "https://tb.example:8443/base"),
        ("mqtts://tb.example", "https://tb.example"),
    ],
)
def test_an_administrator_signs_in_on_the_same_host(server: str, admin_server: str) -> None:
    admin = {"admin_user": "a", "admin_password": "b"}
    account = parse_account({**GIVEN, **admin, "server": server})
    assert account.shown["admin_server"] == admin_server
    named = parse_account({**GIVEN, **admin, "admin_server": "https://other.example"})
    assert named.shown["admin_server"] == "https://other.example"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"server": ""}, "server"),
        ({"server": "http://tb.example"}, "server"),
        ({"server": "coap://tb.example"}, "server"),
        ({"provision_key": ""}, "provision_key"),
        ({"provision_secret": None}, "provision_secret"),
        ({"provision_secret": 7}, "provision_secret"),
        ({"provision_key": "a\nb"}, "provision_key"),
        ({"provision_key": "x" * 201}, "provision_key"),
        ({"board_server": "mqtt://tb.example"}, "board_server"),
        ({"board_server": "https://tb.example/base"}, "board_server"),
        ({"admin_user": "a"}, "admin_password"),
        ({"admin_password": "a"}, "admin_user"),
        (
            {"admin_user": "a", "admin_password": "b", "admin_server": "mqtts://x"},
            "admin_server",
        ),
        ({"ca": "MARKER"}, "ca"),
        ({"colour": "MARKER"}, "colour"),
    ],
)
def test_what_cannot_be_an_account_is_refused_with_its_field(
    change: dict[str, Any], field: str
) -> None:
    with pytest.raises(InputError) as caught:
        parse_account({**GIVEN, **change})
    assert caught.value.facts["field"] == field
    assert "MARKER" not in str(caught.value.facts)


def test_coaps_is_encrypted_so_that_secrets_may_travel() -> None:
    account = parse_account({**GIVEN, "server": "coaps://tb.example"})
    assert (account.server.scheme, account.server.port) == ("coaps", 5684)
    assert account.board_server == account.server


def test_a_page_can_draw_the_form() -> None:
    schema = account_schema()
    secret = {n for n, p in schema["properties"].items() if p.get("format") == "password"}
    assert secret == {"provision_secret", "admin_password"}
    assert schema["required"] == ["server", "provision_key", "provision_secret"]
    assert all(each["title"] and each["description"] for each in schema["properties"].values())
    first = [name for name, each in schema["properties"].items() if "x-group" not in each]
    assert first == schema["required"]
