"""The address of a proxy: what it may be, and that its login is never shown."""

from __future__ import annotations

import pytest

from agent.settings.proxy import ProxyAddress


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("", ""),
        ("none", "none"),
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("https://[::1]:3128/", "https://[::1]:3128/"),
        ("http://me:hunter22@proxy.example:3128", "http://***@proxy.example:3128"),
        ("http://me:hun@ter22@proxy.example", "http://***@proxy.example"),
        ("http://token@proxy.example", "http://***@proxy.example"),
    ],
)
def test_an_address_is_shown_without_its_login(address, shown):
    proxy = ProxyAddress(address)
    assert proxy.problem() is None
    assert (str(proxy), f"{proxy}", repr(proxy)) == (shown, shown, shown)
    assert proxy.reveal() == address
    assert proxy.has_login is ("***" in shown)


@pytest.mark.parametrize(
    "address",
    [
        "proxy:3128",
        "ftp://me:hunter22@h",
        "http://",
        "http://h:0",
        "http://h:70000",
        "http://[h",
        "http://h/p",
        "http://h?q",
        "http://h\n",
        "http://hä",
        "http://h\\x",
        "NONE",
        "http://" + "h" * 3000,
    ],
)
def test_an_address_of_another_kind_is_refused_and_not_shown(address):
    proxy = ProxyAddress(address)
    assert proxy.problem() is not None
    assert str(proxy) == "***"
