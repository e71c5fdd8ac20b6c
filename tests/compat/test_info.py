"""``/info``: what the client needs of it, field by field."""

from __future__ import annotations

import json

import pytest

from agent.compat.info import info
from agent.flash.toolstore.tool import Computer


def told(host="127.0.0.1:8993"):
    return json.loads(info(host, Computer("linux", "amd64"), "0.9.0"))


def test_every_field_is_a_string():
    fields = told()
    wanted = {"version", "http", "https", "ws", "wss", "origins", "update_url", "os"}
    assert wanted <= fields.keys()
    assert all(isinstance(value, str) for value in fields.values())


@pytest.mark.parametrize("host", ["127.0.0.1:8991", "localhost:8999", "[::1]:40000"])
def test_addresses_are_those_that_were_asked_without_a_slash_at_the_end(host):
    fields = told(host)
    assert fields["http"] == f"http://{host}"
    assert fields["ws"] == f"ws://{host}"
    assert (fields["https"], fields["wss"]) == ("https://localhost", "wss://localhost")


def test_the_client_neither_updates_us_nor_calls_us_unofficial():
    fields = told()
    assert "rc" in fields["version"]
    assert "downloads.arduino.cc" in fields["update_url"]


def test_the_computer_is_named_as_the_boards_service_names_it():
    assert told()["os"] == "linux:amd64"


def test_nothing_of_the_person_is_told():
    assert told()["origins"] == ""
    assert told()["agent"] == "Mooring 0.9.0"
