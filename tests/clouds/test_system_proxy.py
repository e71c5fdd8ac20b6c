"""What systems say of their proxy, in the forms in which they say it."""

from __future__ import annotations

import pytest

from agent.clouds.system_proxy import (
    ENVIRONMENT,
    SYSTEM,
    SystemProxy,
    environment_proxy,
    macos_proxy,
    read_system_proxy,
    windows_proxy,
)


@pytest.mark.parametrize(
    ("variables", "address", "exceptions"),
    [
        ({}, "", ()),
        ({"https": "http://p:1", "all": "http://q:2", "http": "http://r:3"}, "http://p:1", ()),
        ({"all": "http://q:2"}, "http://q:2", ()),
        ({"http": "http://r:3"}, "", ()),
        ({"https": "http://p:1", "no": "a.test, b.test c.test;"}, "http://p:1", ("a", "b", "c")),
    ],
)
def test_the_environment_names_a_proxy_for_https(variables, address, exceptions):
    said = environment_proxy(variables)
    assert said.address == address
    assert said.exceptions == tuple(f"{each}.test" for each in exceptions)


@pytest.mark.parametrize(
    ("values", "address"),
    [
        ((1, "proxy:8080", None), "proxy:8080"),
        ((0, "proxy:8080", None), ""),
        ((None, None, None), ""),
        ((1, None, None), ""),
        ((1, "http=a:1;https=b:2;ftp=c:3", None), "b:2"),
        ((1, "http=a:1 https=https://b:2", None), "https://b:2"),
        ((1, "http=a:1", None), ""),
        ((1, "socks=s:1080", None), "socks://s:1080"),
        ((1, "http=a:1;=;;x", None), ""),
    ],
)
def test_the_registry_names_one_proxy_for_all_or_one_for_each_kind(values, address):
    assert windows_proxy(*values).address == address


def test_the_registry_lists_exceptions():
    said = windows_proxy(1, "proxy:8080", "*.corp.test;10.*;<local>")
    assert said.exceptions == ("*.corp.test", "10.*", "<local>")
    assert windows_proxy(0, "proxy:8080", "*.corp.test").exceptions == ()


def test_macos_lists_exceptions_and_whether_simple_names_are_some():
    settings = {"exclude_simple": True, "exceptions": ["*.local", "169.254/16", None]}
    said = macos_proxy({"http": "http://h:1", "https": "http://s:2"}, settings)
    assert said == SystemProxy("http://s:2", SYSTEM, ("*.local", "169.254/16", "<local>"))
    assert macos_proxy({}, {}) == SystemProxy()


def test_the_environment_goes_before_the_system(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://ada:MARKER@proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", "lan.test")
    said = read_system_proxy()
    assert said.address == "http://ada:MARKER@proxy.test:3128"
    assert (said.source, said.exceptions) == (ENVIRONMENT, ("lan.test",))
    assert "MARKER" not in repr(said)


@pytest.mark.system("linux")  # the others may have a proxy in their settings
def test_without_a_word_of_anybody_there_is_no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "lan.test")
    assert read_system_proxy() == SystemProxy("", SYSTEM, ("lan.test",))
