"""One page: what is said to it, and what happens when it is gone."""

from __future__ import annotations

import logging

import pytest

from tests.compat.outlet import Outlet


def test_a_page_hears_what_is_said_and_never_null():
    outlet = Outlet(sends=False)
    page = outlet.page("a")
    page.say("hello")
    with pytest.raises(ValueError, match="null"):
        page.say(" null ")
    assert outlet.said["a"] == ["hello"]
    assert page.waiting == 5
    page.close()
    assert outlet.closed == ["a"]


def test_what_a_page_may_is_asked_each_time():
    page = Outlet().page("a")
    assert page.may("serial")
    assert not page.may("flash")


def test_everybody_who_wants_to_know_learns_once_that_a_page_is_gone(caplog):
    page = Outlet().page("a")
    heard = []

    def breaks() -> None:
        raise ZeroDivisionError

    page.when_gone(lambda: heard.append(1))
    page.when_gone(breaks)
    page.when_gone(lambda: heard.append(2))
    assert page.is_here
    with caplog.at_level(logging.CRITICAL + 1, "agent.compat.page"):
        page.leave()
        page.leave()
    assert heard == [1, 2]
    assert not page.is_here
    page.when_gone(lambda: heard.append(3))
    assert heard == [1, 2, 3]
