"""Which addresses a cloud may have."""

from __future__ import annotations

import pytest

from agent.clouds.address import check_base_url, is_loopback
from agent.errors import InputError


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api2.arduino.cc", "https://api2.arduino.cc"),
        (" https://api2.arduino.cc/ ", "https://api2.arduino.cc"),
        ("https://cloud.example:8443/iot-proxy/", "https://cloud.example:8443/iot-proxy"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_https_is_taken_and_http_only_to_this_computer(url: str, kept: str) -> None:
    assert check_base_url("arduino.base_url", url) == kept


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api2.arduino.cc",
        "ftp://api2.arduino.cc",
        "https://",
        "http://api2.arduino.cc",
        "http://127.0.0.1.example",
        "http://localhost.example",
        "https://user:word@api2.arduino.cc",
        "https://api2.arduino.cc?x=1",
        "https://api2.arduino.cc#x",
        "https://api2.arduino.cc:port",
        "https://api2.arduino.cc/a b",
        "https://[::1",
        "https://ärduino.example",
    ],
)
def test_an_address_that_is_not_safe_is_refused_by_its_field(url: str) -> None:
    with pytest.raises(InputError) as caught:
        check_base_url("arduino.base_url", url)
    assert caught.value.facts["field"] == "arduino.base_url"
    assert "word" not in caught.value.report().title


def test_loopback_is_recognised_in_all_its_writings() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "LOCALHOST"))
    assert not any(is_loopback(host) for host in ("10.0.0.1", "example.test", "0.0.0.0", ""))
