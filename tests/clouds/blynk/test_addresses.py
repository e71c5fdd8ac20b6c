"""Which servers there are, and which of them may be followed."""

from __future__ import annotations

import pytest

from agent.clouds.blynk.addresses import DEFAULT, host_of, parse_server, port_of, redirected
from agent.errors import InputError

PATH = "/external/api/isHardwareConnected"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", DEFAULT),
        (" fra1 ", "https://fra1.blynk.cloud"),
        ("NY3", "https://ny3.blynk.cloud"),
        ("blynk.cloud", DEFAULT),
        ("https://iot.acme.example/", "https://iot.acme.example"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_a_server_is_named_as_people_name_it(text, url):
    assert parse_server(text) == url


@pytest.mark.parametrize("text", ["http://blynk.cloud", "a b", "https://u:p@blynk.cloud", "x?y"])
def test_a_server_to_which_no_secret_may_travel_is_refused(text):
    with pytest.raises(InputError) as caught:
        parse_server(text)
    assert caught.value.facts["field"] == "server"


def test_boards_are_told_host_and_port():
    assert (host_of("https://fra1.blynk.cloud"), port_of(DEFAULT)) == ("fra1.blynk.cloud", 443)
    assert port_of("http://127.0.0.1:81") == 81


@pytest.mark.parametrize(
    ("base", "location", "target"),
    [
        (DEFAULT, f"https://fra1.blynk.cloud{PATH}?token=t", "https://fra1.blynk.cloud"),
        ("https://fra1.blynk.cloud", f"https://lon1.blynk.cloud{PATH}", "https://lon1.blynk.cloud"),
        ("https://a.example", f"https://eu.a.example:444{PATH}", "https://eu.a.example:444"),
        ("http://127.0.0.1:1", f"http://127.0.0.1:2{PATH}", "http://127.0.0.1:2"),
        (DEFAULT, f"http://fra1.blynk.cloud{PATH}", None),
        (DEFAULT, f"https://blynk.cloud.evil.example{PATH}", None),
        (DEFAULT, f"https://evilblynk.cloud{PATH}", None),
        (DEFAULT, f"https://user@fra1.blynk.cloud{PATH}", None),
        (DEFAULT, "https://fra1.blynk.cloud/other", None),
        (DEFAULT, f"http://127.0.0.1{PATH}", None),
        (DEFAULT, PATH, None),
        (DEFAULT, "https://[", None),
        (DEFAULT, f"https://fra1.blynk.cloud:x{PATH}", None),
        ("https://a.example", f"https://b.example{PATH}", None),
        ("http://127.0.0.1:1", f"http://b.example{PATH}", None),
    ],
)
def test_secrets_go_along_to_the_same_family_only(base, location, target):
    assert redirected(base, PATH, location) == target
