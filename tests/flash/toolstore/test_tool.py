"""Ids, versions and computers of tools."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import InputError
from agent.flash.toolstore.tool import (
    Computer,
    ToolId,
    best_host,
    computer_here,
    tool_id,
    version_key,
)

ORDERS = [
    [
        "x",
        "1.3-arduino",
        "1.7.0-arduino3",
        "1.7.0",
        "1.8.0-48-gb176eee",
        "1.9.1-arduino1",
        "1.10.0",
    ],
    ["6.3.0-arduino2", "6.3.0-arduino9", "6.3.0-arduino18", "7.0-arduino.3", "7.0"],
    ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0"],
    ["1.6.4+1.14", "1.6.4+1.18", "1.6.9", "1.6.9+1.0.1"],
]


@pytest.mark.parametrize("versions", ORDERS, ids=lambda versions: versions[-1])
def test_versions_have_the_order_that_people_expect(versions):
    assert sorted(versions[1:] + versions[:1], key=version_key) == versions


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("0129.-+ab", max_size=9)))
def test_any_texts_have_one_order(versions):
    ordered = sorted(versions, key=version_key)
    assert sorted(versions[1:] + versions[:1], key=version_key) == ordered


REAL_HOSTS = [
    "i686-mingw32",
    "x86_64-apple-darwin14",
    "i386-apple-darwin11",
    "arm-linux-gnueabihf",
    "aarch64-linux-gnu",
    "i686-linux-gnu",
    "x86_64-pc-linux-gnu",
]


@pytest.mark.parametrize(
    ("system", "processor", "host"),
    [
        ("linux", "amd64", "x86_64-pc-linux-gnu"),
        ("linux", "386", "i686-linux-gnu"),
        ("linux", "arm64", "aarch64-linux-gnu"),
        ("linux", "arm", "arm-linux-gnueabihf"),
        ("windows", "amd64", "i686-mingw32"),
        ("windows", "arm64", "i686-mingw32"),
        ("darwin", "amd64", "x86_64-apple-darwin14"),
        ("darwin", "arm64", "x86_64-apple-darwin14"),
        ("plan9", "amd64", None),
    ],
)
def test_each_computer_gets_what_suits_it_best(system, processor, host):
    assert best_host(REAL_HOSTS, Computer(system, processor)) == host
    assert best_host(reversed(REAL_HOSTS), Computer(system, processor)) == host


def test_an_exact_archive_goes_before_one_that_runs_in_a_translation():
    mac = Computer("darwin", "arm64")
    assert best_host(["x86_64-apple-darwin", "arm64-apple-darwin"], mac) == "arm64-apple-darwin"
    assert best_host(["all"], mac) == "all"
    assert best_host([], mac) is None
    windows = Computer("windows", "amd64")
    assert best_host(["i686-mingw32", "x86_64-mingw32"], windows) == "x86_64-mingw32"
    assert computer_here().system in {"linux", "windows", "darwin"}


@pytest.mark.parametrize("bad", ["", ".", "..", "a/b", "a\\b", "-x", "CON", "a:b", "x" * 65, "a."])
def test_a_part_that_is_no_name_of_a_folder_is_refused(bad):
    for at, field in enumerate(("packager", "name", "version")):
        parts = ["arduino", "bossac", "1.7.0"]
        assert tool_id(*parts) == ToolId("arduino", "bossac", "1.7.0")
        parts[at] = bad
        with pytest.raises(InputError) as caught:
            tool_id(*parts)
        assert caught.value.facts["field"] == field
