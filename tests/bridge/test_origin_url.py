"""The address of a web page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.bridge.origin_url import is_origin, normalise, short_origin
from agent.errors import InputError


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://App.Example.COM/", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("https://app.example.com:8443", "https://app.example.com:8443"),
        ("  https://app.example.com  ", "https://app.example.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://[::1]:80/", "http://[::1]"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
    ],
)
def test_an_address_becomes_what_a_browser_sends(url: str, origin: str) -> None:
    assert normalise(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "app.example.com",
        "null",
        "*",
        "https://",
        "https://*.example.com",
        "http://app.example.com",
        "http://127.0.0.1.example.com",
        "ftp://app.example.com",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "chrome-extension://abcdef",
        "https://app.example.com/page",
        "https://app.example.com?x",
        "https://app.example.com#x",
        "https://user:secret@app.example.com",
        "https://@app.example.com",
        "https://app.example.com:port",
        "https://app.example.com:99999",
        "https://app example.com",
        "https://app.example.com\\@evil.example",
        "https://[::1",
        "https://-x.example",
        "https://a..b",
        "https://" + "a" * 300 + ".example",
    ],
)
def test_what_no_page_can_have_or_nobody_can_trust_is_refused(url: str) -> None:
    with pytest.raises(InputError) as caught:
        normalise(url)
    assert caught.value.facts["field"] == "url"


@given(st.text())
def test_normalising_is_total_and_stable(text: str) -> None:
    for url in (text, f"https://{text}"):
        try:
            origin = normalise(url)
        except InputError:
            continue
        assert normalise(origin) == origin


@pytest.mark.parametrize("name", ["faß.de", "ΒΌΛΟς.com", "a\u200db.example"])
def test_a_name_that_browsers_read_in_another_way_is_not_guessed(name: str) -> None:
    with pytest.raises(InputError, match="punycode"):
        normalise(f"https://{name}")


def test_what_people_are_shown_is_ascii_so_that_no_letter_is_taken_for_another() -> None:
    assert normalise("https://аррӏе.com") == "https://xn--80ak6aa92e.com"
    assert not is_origin("https://аррӏе.com")
    assert is_origin("https://xn--80ak6aa92e.com")


def test_a_zone_of_an_address_can_say_nothing_to_people() -> None:
    with pytest.raises(InputError):
        normalise("https://[fe80::1%<b>trusted</b>]")


@given(st.text())
def test_an_origin_is_short_plain_text(text: str) -> None:
    for url in (text, f"https://{text}"):
        try:
            origin = normalise(url)
        except InputError:
            continue
        assert origin.isascii()
        assert origin.isprintable()
        assert not set(origin) & set(" <>\"'&")
        assert len(origin) <= 8 + 253 + 6
        assert is_origin(origin)


def test_a_short_form_keeps_the_end_which_says_whose_page_it_is() -> None:
    long = "https://bank.example.com.login.a-very-long-name.evil.example"
    assert short_origin("https://a.example", 40) == "https://a.example"
    short = short_origin(long, 30)
    assert len(short) == 30
    assert short.startswith("…")
    assert short.endswith("evil.example")


def test_a_page_that_cannot_be_allowed_is_no_word_about_boards() -> None:
    with pytest.raises(InputError) as caught:
        normalise("http://app.example.com")
    report = caught.value.report()
    assert (report.code, report.meaning) == ("input", "What each page may do is as it was.")
