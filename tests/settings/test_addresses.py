"""Lists of addresses: what lies below an entry, and what only looks so."""

from __future__ import annotations

import pytest

from agent.settings.addresses import ADDRESS_CHARS, beginning_problem, is_below

ALLOWED = ["https://files.example.com/", "https://other.example.com:8443/sketches/"]


@pytest.mark.parametrize(
    "address",
    [
        "https://files.example.com/a/b.bin",
        "https://FILES.example.com/b.bin?x=1#y",
        "https://files.example.com:443/b.bin",
        "https://other.example.com:8443/sketches/b.bin",
    ],
)
def test_an_address_below_an_entry_is_allowed(address):
    assert is_below(address, ALLOWED)


@pytest.mark.parametrize(
    "address",
    [
        "http://files.example.com/b.bin",
        "https://files.example.com.evil.net/b.bin",
        "https://files.example.com@evil.net/b.bin",
        "https://evil.net\\@files.example.com/b.bin",
        "https://files.example.com:444/b.bin",
        "https://files.example.com:99999/b.bin",
        "https://other.example.com:8443/private/b.bin",
        "https://other.example.com:8443/sketches/../private/b.bin",
        "https://other.example.com:8443/sketches/%2e%2e/private/b.bin",
        "https://other.example.com:8443/sketches/..%2fprivate",
        "https://other.example.com:8443/sketches",
        "https://files.example.com/\n",
        "https://files.example.com/ä",
        " https://files.example.com/",
        "https://files.example.com/" + "a" * ADDRESS_CHARS,
        "https://[files.example.com/",
        "//files.example.com/",
        "file:///etc/passwd",
        "",
    ],
)
def test_what_only_looks_like_it_is_not(address):
    assert not is_below(address, ALLOWED)


def test_an_empty_list_allows_nothing():
    assert not is_below("https://files.example.com/b.bin", [])


@pytest.mark.parametrize("entry", [*ALLOWED, "http://127.0.0.1:9/", "http://localhost/a/"])
def test_an_entry_is_https_or_this_computer_and_ends_with_a_slash(entry):
    assert beginning_problem(entry) is None
    assert is_below(entry + "a.bin", [entry])


@pytest.mark.parametrize(
    "entry",
    [
        "http://files.example.com/",
        "https://files.example.com",
        "https://files.example.com/a?/",
        "ftp://files.example.com/",
        "https://me@files.example.com/",
        "https:///",
        "",
    ],
)
def test_any_other_entry_has_a_problem(entry):
    assert beginning_problem(entry)
