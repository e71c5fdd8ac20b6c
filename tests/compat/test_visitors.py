"""Who may ask: each row of the document's table of origins, and what it leaves open."""

from __future__ import annotations

import pytest

from agent.compat.visitors import Refused, visitor

HOST = "127.0.0.1:8991"
ALLOWED = "https://app.example.com"


class Gate:
    """A person who allowed one page to see boards."""

    def may(self, origin):
        return frozenset({"boards"}) if origin == ALLOWED else frozenset()

    def enter(self, origin):
        raise NotImplementedError

    def refused(self, origin):
        raise NotImplementedError


def ask(*origins, host=HOST, **others):
    headers = [("host", host), *(("origin", origin) for origin in origins)]
    headers += [(name.replace("_", "-"), value) for name, value in others.items()]
    return visitor([(name.encode(), value.encode()) for name, value in headers], Gate())


def may(found):
    return {scope for scope in ("boards", "serial", "flash", "pause") if found.may(scope)}


ALL = {"boards", "serial", "flash", "pause"}


def test_without_an_origin_it_is_a_program_and_gets_no_headers():
    found = ask()
    assert (found.origin, found.headers, may(found)) == (None, (), ALL)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_page_has_loaded_without_being_able_to_read_it_is_refused(site):
    with pytest.raises(Refused):
        ask(sec_fetch_site=site)


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_what_a_person_or_our_own_page_loads_is_served(site):
    assert ask(sec_fetch_site=site).origin is None


@pytest.mark.parametrize("host", [HOST, "localhost:8995", "[::1]:40000"])
def test_the_page_of_the_very_host_is_ours_and_gets_no_headers(host):
    found = ask(f"http://{host}", host=host)
    assert (found.origin, found.headers, may(found)) == (None, (), ALL)


def test_our_page_under_another_name_of_this_computer_is_ours_too():
    found = ask("http://localhost:40000", host="127.0.0.1:40000")
    assert (found.origin, may(found)) == (None, ALL)
    assert (b"access-control-allow-origin", b"http://localhost:40000") in found.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://create.arduino.cc",
        "https://cloud.arduino.cc",
        "https://app.arduino.cc",
        "https://board-registration.arduino.cc",
        "https://eu.app.arduino.cc",
        "https://a.b-c.app.arduino.cc",
        "http://localhost:8990",
        "https://localhost:9000",
        "http://127.0.0.1:8995",
        "https://127.0.0.1:8991",
    ],
)
def test_the_vendors_pages_may_all_and_can_read_the_answer(origin):
    found = ask(origin)
    assert (found.origin, may(found), found.consented) == (origin, ALL, False)
    assert found.headers == (
        (b"access-control-allow-origin", origin.encode()),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"Origin"),
    )


def test_a_page_that_the_person_allowed_may_what_was_allowed():
    found = ask(ALLOWED)
    assert (found.origin, may(found), found.consented) == (ALLOWED, {"boards"}, True)
    assert found.headers[0] == (b"access-control-allow-origin", ALLOWED.encode())


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.net",
        "http://app.arduino.cc",
        "https://app.arduino.cc.evil.example",
        "https://evilapp.arduino.cc",
        "https://evil.example/.app.arduino.cc",
        "https://-.app.arduino.cc",
        "https://.app.arduino.cc",
        "https://app.arduino.cc:8443",
        "https://APP.arduino.cc",
        "https://arduino.cc",
        "http://localhost:8989",
        "http://localhost:9001",
        "http://localhost",
        "http://[::1]:8995",
        "https://app.arduino.cc/",
        "https://x.app.arduino.cc\n",
        "https://\u0660.app.arduino.cc",
        "",
        "*",
    ],
)
def test_any_other_page_is_refused_and_named(origin):
    with pytest.raises(Refused) as refused:
        ask(origin)
    assert refused.value.origin is not None


def test_a_page_without_a_name_is_refused_and_nobody_can_allow_it():
    with pytest.raises(Refused) as refused:
        ask("null")
    assert refused.value.origin is None


def test_two_origins_are_none():
    with pytest.raises(Refused):
        ask("https://app.arduino.cc", "https://evil.example.net")
