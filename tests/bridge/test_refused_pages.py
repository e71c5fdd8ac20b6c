"""Pages that were turned away: the last of them, whatever they try."""

from __future__ import annotations

import logging

from agent.bridge.refused_pages import REFUSED_MAX, TELL_AGAIN_S, RefusedPages


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


def urls(pages):
    return [page.url for page in pages.list.value]


def test_the_newest_comes_first_and_each_once():
    clock = Clock()
    pages = RefusedPages(clock)
    for name in ("a", "b", "a"):
        pages.add(f"https://{name}.example")
        clock.now += TELL_AGAIN_S + 1
    assert urls(pages) == ["https://a.example", "https://b.example"]
    assert pages.list.value[0].at == clock.now - TELL_AGAIN_S - 1


def test_one_that_tries_all_the_time_is_told_of_now_and_then():
    clock = Clock()
    pages, told = RefusedPages(clock), []
    pages.list.subscribe(lambda: told.append(clock.now))
    for _ in range(100):
        pages.add("https://a.example")
        clock.now += TELL_AGAIN_S / 10
    assert len(told) == 10


def test_a_clock_that_is_set_back_hides_nobody():
    clock = Clock()
    pages = RefusedPages(clock)
    pages.add("https://a.example")
    clock.now -= 3600
    pages.add("https://a.example")
    assert pages.list.value[0].at == clock.now


def test_there_is_room_for_so_many():
    clock = Clock()
    pages = RefusedPages(clock)
    for number in range(REFUSED_MAX + 5):
        pages.add(f"https://p{number}.example")
        clock.now += 1
    assert len(urls(pages)) == REFUSED_MAX
    assert urls(pages)[0] == f"https://p{REFUSED_MAX + 4}.example"


def test_a_site_with_ever_new_names_is_shown_slowly_and_logged_a_few_times(caplog):
    clock = Clock()
    pages, told = RefusedPages(clock), []
    pages.list.subscribe(lambda: told.append(clock.now))
    with caplog.at_level(logging.INFO, "agent.bridge.refusals"):
        for number in range(1000):
            pages.add(f"https://p{number}.example")
            clock.now += 0.01
    assert len(told) <= REFUSED_MAX + 10
    assert len(caplog.records) <= 20


def test_what_nobody_can_be_allowed_as_is_passed_over():
    pages = RefusedPages()
    for origin in (
        "null",
        "",
        "http://evil.example",
        "https://A.example",
        "https://a/\n",
        "x" * 999,
    ):
        pages.add(origin)
    assert urls(pages) == []


def test_those_about_whom_the_person_has_decided_are_forgotten():
    pages = RefusedPages()
    for name in ("a", "b"):
        pages.add(f"https://{name}.example")
    pages.forget("https://a.example".__eq__)
    assert urls(pages) == ["https://b.example"]


async def test_the_own_page_is_told_of_them_until_something_is_decided(bridge):
    own = await bridge.open(own=True)
    assert (await own.call("origins.subscribe"))["turned_away"] == []
    pages = bridge.services.refused_pages
    pages.add("https://one.example.com")
    pages.add("https://two.example.com")
    while len(away := (await own.next("origins.changed"))["turned_away"]) < 2:
        pass
    assert [each["url"] for each in away] == ["https://two.example.com", "https://one.example.com"]
    after = await own.call("origins.allow", url="https://one.example.com", may=["serial"])
    assert [each["url"] for each in after["turned_away"]] == ["https://two.example.com"]
    bridge.services.origins.refuse("https://two.example.com")
    assert (await own.call("origins.list"))["turned_away"] == []
