"""Permissions that were given once."""

from __future__ import annotations

from agent.bridge.once import AFTER_S, OnceGrants
from agent.bridge.scopes import Scope

PAGE = "https://app.example.com"
BOARDS = frozenset({Scope.BOARDS})
SERIAL = frozenset({Scope.BOARDS, Scope.SERIAL})


def test_it_lasts_while_the_page_is_connected_and_a_little_longer() -> None:
    once = OnceGrants()
    once.give(PAGE, BOARDS, since=1.0, now=0.0)
    once.enter(PAGE)
    once.enter(PAGE)
    assert once.next_lapse() is None
    assert not once.lapse(10_000.0)
    once.leave(PAGE, 10_000.0)
    assert once.may(PAGE, 20_000.0) == BOARDS
    once.leave(PAGE, 20_000.0)
    assert once.next_lapse() == 20_000.0 + AFTER_S
    assert once.may(PAGE, 20_000.0 + AFTER_S - 1) == BOARDS
    assert once.may(PAGE, 20_000.0 + AFTER_S) == frozenset()
    assert once.holding(20_000.0 + AFTER_S) == []
    assert once.lapse(20_000.0 + AFTER_S)
    assert not once.lapse(20_000.0 + AFTER_S)


def test_a_page_that_never_connects_loses_it_too() -> None:
    once = OnceGrants()
    once.give(PAGE, BOARDS, since=1.0, now=0.0)
    assert once.may(PAGE, AFTER_S - 1) == BOARDS
    assert once.lapse(AFTER_S)


def test_a_page_that_was_connected_before_keeps_it_while_it_stays() -> None:
    once = OnceGrants()
    once.enter(PAGE)
    once.give(PAGE, BOARDS, since=1.0, now=0.0)
    assert once.may(PAGE, 10 * AFTER_S) == BOARDS


def test_more_is_added_to_what_holds_and_not_to_what_is_over() -> None:
    once = OnceGrants()
    once.give(PAGE, SERIAL, since=1.0, now=0.0)
    once.give(PAGE, BOARDS, since=2.0, now=1.0)
    assert once.may(PAGE, 2.0) == SERIAL
    once.give(PAGE, BOARDS, since=3.0, now=1.0 + AFTER_S)
    assert once.may(PAGE, 1.0 + AFTER_S) == BOARDS


def test_what_was_dropped_is_gone_though_the_page_is_still_connected() -> None:
    once = OnceGrants()
    once.enter(PAGE)
    once.give(PAGE, BOARDS, since=1.0, now=0.0)
    once.drop(PAGE)
    once.drop(PAGE)
    assert once.may(PAGE, 0.0) == frozenset()
    once.leave(PAGE, 1.0)
