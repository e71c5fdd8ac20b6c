"""Addresses of a server: which there are, and which secrets may travel to."""

from __future__ import annotations

import pytest

from agent.clouds.thingsboard.addresses import Server, parse_server
from agent.errors import InputError


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("https://tb.example", Server("https", "tb.example", 443)),
        (" https://TB.example:8443/base/ ", Server("https", "tb.example", 8443, "/base")),
        ("mqtts://tb.example", Server("mqtts", "tb.example", 8883)),
        ("coaps://tb.example", Server("coaps", "tb.example", 5684)),
        ("http://localhost:8080", Server("http", "localhost", 8080)),
        ("mqtt://127.0.0.1", Server("mqtt", "127.0.0.1", 1883)),
        ("coap://[::1]:5683", Server("coap", "::1", 5683)),
        ("HTTPS://[FD00::5]:8443", Server("https", "fd00::5", 8443)),
        ("https://tb.example.:", Server("https", "tb.example", 443)),
        ("mqtts://xn--bcher-kva.example", Server("mqtts", "xn--bcher-kva.example", 8883)),
        ("mqtts://my_tb-1", Server("mqtts", "my_tb-1", 8883)),
    ],
)
def test_an_address_is_read(text: str, server: Server) -> None:
    assert parse_server("server", text) == server
    assert parse_server("server", server.url) == server


@pytest.mark.parametrize("scheme", ["http", "mqtt", "coap"])
def test_without_encryption_only_a_host_that_was_named_is_taken(scheme: str) -> None:
    address = f"{scheme}://lab.example"
    with pytest.raises(InputError) as caught:
        parse_server("server", address)
    assert "in clear" in str(caught.value.facts["problem"])
    with pytest.raises(InputError):
        parse_server("server", address, insecure_host="other.example")
    assert parse_server("server", address, insecure_host=" LAB.example ").host == "lab.example"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tb.example",
        "ftp://tb.example",
        "https://",
        "https://user:pw@tb.example",
        "https://tb.example?x",
        "https://tb.example#x",
        "https://tb.example:99999",
        "https://tb.example:0",
        "https://tb.exa mple",
        "https://tb.exämple",
        "https://[::1",
        "https://tb%2e",
        "mqtts://tb.example/path",
        "https://" + "x" * 400,
        "https:///provision",
        "https:tb.example",
        "//tb.example",
        "https://tb..example",
        "https://.",
        "https://-tb.example",
        "https://" + "x" * 64 + ".example",
        "https://" + "x." * 130 + "example",
        "https://tb!example",
        "https://tb;example",
        "https://tb\\example",
        "https://tb.example\\@other",
        "https://tb.example\nHost: other",
        "https://tb.example:port",
        "https://tb.example:-1",
        "https://tb.example:\uff11",
        "https://300.1.1.1",
        "https://127.1",
        "https://2130706433",
        "https://[::1]x",
        "https://x[::1]",
        "https://[v1.x]",
        "https://[127.0.0.1]",
        "https://[fe80::1%25eth0]",
        "coap://localhost/api/v1/provision",
    ],
)
def test_what_is_no_address_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_server("board_server", text)
    assert caught.value.facts["field"] == "board_server"


def test_a_name_in_other_letters_is_asked_for_as_it_travels() -> None:
    with pytest.raises(InputError) as caught:
        parse_server("server", "https://b\u00fccher.example")
    assert "xn--" in str(caught.value.facts["problem"])


def test_boards_connect_over_mqtt_unless_somebody_says_otherwise() -> None:
    assert parse_server("s", "https://tb.example:9/x").for_boards.url == "mqtts://tb.example"
    assert parse_server("s", "http://localhost:9").for_boards.url == "mqtt://localhost"
    assert parse_server("s", "coap://localhost:9").for_boards.url == "coap://localhost:9"
