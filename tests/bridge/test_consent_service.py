"""Pages ask, people answer: with a real file, and a clock that the test turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.bridge.consent import ANSWER_S, NEW_PER_PAGE, OPEN_MAX, QUIET_S, SILENCE_S, Decision
from agent.bridge.consent_service import AskAllowed, AskOpen, AskRefused
from agent.bridge.once import AFTER_S
from agent.bridge.origins import ORIGINS_MAX, STORE_AGAIN_S
from agent.bridge.scopes import ALL, Scope
from agent.errors import (
    AskBusy,
    AskGone,
    InputError,
    OriginsFull,
    OriginSilenced,
    OriginsUnsaved,
)
from tests.bridge.consenting import BOARDS, WALL, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.bridge.consent import Asking
    from agent.bridge.consent_service import AskMessage

PAGE = "https://app.example.com"
OTHER = "https://other.example.com"
SERIAL = frozenset({Scope.BOARDS, Scope.SERIAL})


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def asked(world: World) -> list[Asking]:
    """The open questions."""
    return list(world.consent.asking)


def answer(world: World, decision: Decision) -> None:
    """Answer the one open question."""
    (asking,) = asked(world)
    world.consent.answer(asking.ask, decision)


def code(message: AskMessage) -> str:
    assert isinstance(message, AskRefused)
    return message.error.code


# Answers


def test_a_yes_for_always_outlives_the_agent(world: World) -> None:
    window = world.ask(PAGE, SERIAL)
    assert window.told == [AskOpen(until=WALL + ANSWER_S)]
    answer(world, Decision.ALWAYS)
    assert window.last == AskAllowed(may=(Scope.BOARDS, Scope.SERIAL), once=False)
    assert asked(world) == []
    world.start()
    assert world.origins.may(PAGE) == SERIAL


def test_a_yes_for_once_ends_with_the_agent_and_is_never_on_disk(world: World) -> None:
    window = world.ask(PAGE)
    answer(world, Decision.ONCE)
    assert window.last == AskAllowed(may=(Scope.BOARDS,), once=True)
    assert world.origins.may(PAGE) == BOARDS
    assert [(each.url, each.once) for each in world.origins.list()] == [(PAGE, True)]
    assert world.disk["origins"] == []
    world.start()
    assert PAGE not in world.origins


def test_a_yes_for_once_ends_five_minutes_after_the_page_left_and_that_is_told(
    world: World,
) -> None:
    world.ask(PAGE)
    answer(world, Decision.ONCE)
    leave = world.consent.enter(PAGE)
    world.advance(100_000)
    assert PAGE in world.origins
    leave()
    world.advance(AFTER_S - 1)
    changes = world.changes
    assert PAGE in world.origins
    world.advance(1)
    assert PAGE not in world.origins
    assert world.changes == changes + 1
    assert world.consent.document().origins == []


def test_a_no_silences_the_page_for_a_day_and_through_a_restart(world: World) -> None:
    window = world.ask(PAGE)
    answer(world, Decision.NO)
    assert code(window.last) == "origin-silenced"
    for restart in (False, True):
        if restart:
            world.start()
        with pytest.raises(OriginSilenced) as caught:
            world.ask(PAGE)
        assert caught.value.facts == {"origin": PAGE, "until": WALL + SILENCE_S}
        assert [(each.url, each.until) for each in world.consent.document().refused] == [
            (PAGE, WALL + SILENCE_S)
        ]
    world.ask(OTHER)
    world.advance(SILENCE_S)
    assert world.consent.document().refused == []
    world.ask(PAGE)


def test_the_first_answer_counts_and_the_second_is_told(world: World) -> None:
    world.ask(PAGE)
    (asking,) = asked(world)
    world.consent.answer(asking.ask, Decision.NO)
    with pytest.raises(AskGone) as caught:
        world.consent.answer(asking.ask, Decision.ALWAYS)
    assert "answered: no" in caught.value.report().meaning
    assert PAGE not in world.origins


def test_an_answer_after_the_page_went_counts_for_nothing(world: World) -> None:
    window = world.ask(PAGE)
    (asking,) = asked(world)
    window.leave()
    assert asked(world) == []
    with pytest.raises(AskGone) as caught:
        world.consent.answer(asking.ask, Decision.ALWAYS)
    assert "closed" in caught.value.report().meaning
    assert PAGE not in world.origins


def test_a_page_that_goes_just_after_the_answer_keeps_what_it_got(world: World) -> None:
    window = world.ask(PAGE)
    answer(world, Decision.ALWAYS)
    window.leave()
    window.leave()
    assert PAGE in world.origins
    assert len(window.told) == 2


def test_nobody_answers(world: World) -> None:
    window = world.ask(PAGE)
    (asking,) = asked(world)
    world.advance(ANSWER_S - 1)
    assert window.waits
    world.advance(1)
    assert code(window.last) == "ask-expired"
    assert asked(world) == []
    with pytest.raises(AskGone):
        world.consent.answer(asking.ask, Decision.ALWAYS)
    world.ask(PAGE)
    (again,) = asked(world)
    assert again.quiet
    world.advance(ANSWER_S + QUIET_S)
    world.ask(PAGE)
    assert not asked(world)[0].quiet


def test_all_windows_of_a_page_hear_the_answer(world: World) -> None:
    windows = [world.ask(PAGE), world.ask(PAGE)]
    changes = world.changes
    assert len(asked(world)) == changes == 1
    windows[0].leave()
    assert len(asked(world)) == 1
    answer(world, Decision.ALWAYS)
    assert windows[0].waits, "it was gone"
    assert isinstance(windows[1].last, AskAllowed)


# More than a page has


def test_an_allowed_page_that_asks_for_what_it_has_is_answered_at_once(world: World) -> None:
    world.consent.allow(PAGE, SERIAL)
    window = world.ask(PAGE, BOARDS)
    assert window.told == [AskAllowed(may=(Scope.BOARDS, Scope.SERIAL), once=False)]
    assert asked(world) == []


def test_an_allowed_page_asks_for_more_and_keeps_what_it_has_after_a_no(world: World) -> None:
    world.consent.allow(PAGE, BOARDS)
    window = world.ask(PAGE, SERIAL)
    asking = asked(world)[0]
    assert (asking.wants, asking.has) == ((Scope.SERIAL,), (Scope.BOARDS,))
    answer(world, Decision.NO)
    assert code(window.last) == "origin-silenced"
    assert world.origins.may(PAGE) == BOARDS
    assert isinstance(world.ask(PAGE, BOARDS).last, AskAllowed)
    with pytest.raises(OriginSilenced):
        world.ask(PAGE, SERIAL)


def test_more_for_once_does_not_make_what_was_for_always_end(world: World) -> None:
    world.consent.allow(PAGE, BOARDS)
    window = world.ask(PAGE, SERIAL)
    answer(world, Decision.ONCE)
    assert window.last == AskAllowed(may=(Scope.BOARDS, Scope.SERIAL), once=True)
    assert [(each.may, each.once) for each in world.origins.list()] == [
        ((Scope.BOARDS,), False),
        ((Scope.BOARDS, Scope.SERIAL), True),
    ]
    world.advance(AFTER_S)
    assert world.origins.may(PAGE) == BOARDS


def test_a_yes_for_always_after_one_for_once(world: World) -> None:
    world.ask(PAGE)
    answer(world, Decision.ONCE)
    window = world.ask(PAGE, SERIAL)
    answer(world, Decision.ALWAYS)
    assert window.last == AskAllowed(may=(Scope.BOARDS, Scope.SERIAL), once=False)
    world.start()
    assert world.origins.may(PAGE) == SERIAL


# Other decisions while a question is open


def test_a_page_that_is_allowed_by_hand_is_answered(world: World) -> None:
    window = world.ask(PAGE, SERIAL)
    world.consent.allow(PAGE, BOARDS)
    assert window.last == AskAllowed(may=(Scope.BOARDS,), once=False)
    assert asked(world) == []


def test_a_page_that_is_revoked_while_it_asks_is_refused_and_may_ask_again(world: World) -> None:
    world.consent.allow(PAGE, BOARDS)
    window = world.ask(PAGE, SERIAL)
    world.consent.revoke(PAGE)
    assert code(window.last) == "origin-refused"
    assert asked(world) == []
    world.ask(PAGE, SERIAL)
    assert asked(world)[0].wants == (Scope.BOARDS, Scope.SERIAL)


@pytest.mark.parametrize("way", ["allow", "revoke"])
def test_a_silence_is_lifted_by_hand(world: World, way: str) -> None:
    world.ask(PAGE)
    answer(world, Decision.NO)
    getattr(world.consent, way)(PAGE)
    assert world.consent.document().refused == []
    world.start()
    assert isinstance(world.ask(PAGE).last, AskAllowed if way == "allow" else AskOpen)


# What people give and what pages try


@pytest.mark.parametrize(
    "origin", ["null", "", "http://app.example.com", "chrome-extension://abc", PAGE + "/page"]
)
def test_an_origin_that_can_never_be_allowed_is_told_so(world: World, origin: str) -> None:
    with pytest.raises(InputError):
        world.ask(origin)
    assert asked(world) == []


def test_a_page_that_asks_a_thousand_times_is_shown_a_few_times(world: World) -> None:
    shown = 0
    for _ in range(1000):
        try:
            world.ask(PAGE).leave()
        except AskBusy:
            continue
        shown += 1
    assert shown == NEW_PER_PAGE
    assert world.changes == 2 * shown


def test_of_a_hundred_pages_five_are_shown(world: World) -> None:
    refused = 0
    for number in range(100):
        try:
            world.ask(f"https://app{number}.example.com")
        except AskBusy:
            refused += 1
    assert len(asked(world)) == OPEN_MAX
    assert refused == 100 - OPEN_MAX
    assert world.changes == OPEN_MAX


# The disk


def test_a_yes_that_cannot_be_kept_does_not_count_and_the_question_stays(world: World) -> None:
    window = world.ask(PAGE)
    world.break_disk()
    with pytest.raises(OriginsUnsaved) as caught:
        answer(world, Decision.ALWAYS)
    report = caught.value.report()
    assert "does not count" in report.meaning
    assert str(world.file.parent) in report.remedy
    assert window.waits
    assert PAGE not in world.origins
    world.mend_disk()
    answer(world, Decision.ALWAYS)
    assert isinstance(window.last, AskAllowed)
    assert world.disk["origins"][0]["url"] == PAGE


def test_a_yes_for_once_needs_no_disk(world: World) -> None:
    world.ask(PAGE)
    world.break_disk()
    answer(world, Decision.ONCE)
    assert PAGE in world.origins


def test_a_no_that_cannot_be_kept_counts_until_the_agent_ends(world: World) -> None:
    window = world.ask(PAGE)
    world.break_disk()
    with pytest.raises(OriginsUnsaved, match="could not be saved"):
        answer(world, Decision.NO)
    assert code(window.last) == "origin-silenced"
    assert asked(world) == []
    with pytest.raises(OriginSilenced):
        world.ask(PAGE)


def test_a_page_that_cannot_be_taken_off_the_disk_is_revoked_all_the_same(world: World) -> None:
    ended: list[str] = []
    world.origins.when_revoked(ended.append)
    world.consent.allow(PAGE, BOARDS)
    window = world.ask(PAGE, SERIAL)
    world.break_disk()
    with pytest.raises(OriginsUnsaved) as caught:
        world.consent.revoke(PAGE)
    assert "until the agent ends" in caught.value.report().meaning
    assert ended == [PAGE]
    assert PAGE not in world.origins
    assert code(window.last) == "origin-refused"


def test_a_page_is_off_the_disk_when_it_is_revoked_again_on_a_mended_one(world: World) -> None:
    world.consent.allow(PAGE)
    world.break_disk()
    with pytest.raises(OriginsUnsaved):
        world.consent.revoke(PAGE)
    world.mend_disk()
    world.consent.revoke(PAGE)
    world.start()
    assert PAGE not in world.origins


@pytest.mark.parametrize("decided", ["no", "revoked"])
def test_what_was_taken_from_a_page_is_saved_as_soon_as_the_disk_is_mended(
    world: World, decided: str
) -> None:
    world.consent.allow(PAGE, BOARDS)
    world.ask(PAGE, SERIAL)
    world.break_disk()
    with pytest.raises(OriginsUnsaved):
        answer(world, Decision.NO) if decided == "no" else world.consent.revoke(PAGE)
    assert world.origins.unsaved is not None
    world.advance(STORE_AGAIN_S)
    assert world.origins.unsaved is not None
    world.mend_disk()
    before = world.changes
    world.advance(STORE_AGAIN_S)
    assert world.origins.unsaved is None
    assert world.changes == before + 1
    on_disk = world.disk
    world.start()
    assert on_disk == world.disk
    assert (PAGE in world.origins) == (decided == "no")
    assert (world.origins.silent_until(PAGE) is not None) == (decided == "no")


def test_a_list_that_is_full_is_told_and_the_question_stays(world: World) -> None:
    for number in range(ORIGINS_MAX):
        world.consent.allow(f"https://app{number}.example.com")
    world.ask(PAGE)
    with pytest.raises(OriginsFull):
        answer(world, Decision.ALWAYS)
    world.consent.revoke("https://app0.example.com")
    answer(world, Decision.ALWAYS)
    assert world.origins.may(PAGE) == BOARDS


def test_an_agent_that_is_killed_while_a_page_asks_keeps_nothing_of_it(world: World) -> None:
    world.ask(PAGE)
    (asking,) = asked(world)
    assert not world.file.exists()
    world.start()
    with pytest.raises(AskGone):
        world.consent.answer(asking.ask, Decision.ALWAYS)
    assert PAGE not in world.origins


# Clocks


@pytest.mark.parametrize("years", [-1, 1])
def test_a_clock_that_is_set_does_not_end_or_keep_a_question(world: World, years: int) -> None:
    window = world.ask(PAGE)
    world.wall += years * 365 * SILENCE_S
    world.advance(ANSWER_S - 1)
    assert window.waits
    world.advance(1)
    assert not window.waits


def test_a_no_of_a_clock_that_was_ahead_is_a_day_whatever_restarts(world: World) -> None:
    world.wall += 365 * SILENCE_S
    world.ask(PAGE)
    answer(world, Decision.NO)
    world.wall = WALL
    for _ in range(2):
        world.start()
        with pytest.raises(OriginSilenced) as caught:
            world.ask(PAGE)
        assert caught.value.facts["until"] == WALL + SILENCE_S
        world.advance(SILENCE_S / 2)
    world.start()
    world.ask(PAGE)


# Listeners


def test_who_shows_the_questions_is_told_of_each_change(world: World) -> None:
    def steps() -> Iterator[int]:
        world.ask(PAGE)
        yield 1
        answer(world, Decision.ALWAYS)
        yield 2
        world.consent.revoke(PAGE)
        yield 3
        world.ask(OTHER).leave()
        yield 5
        world.ask(PAGE)
        world.advance(ANSWER_S)
        yield 7

    for expected in steps():
        assert world.changes == expected


def test_a_listener_leaves_once_or_more(world: World) -> None:
    told: list[int] = []
    stop = world.consent.subscribe(lambda: told.append(1))
    stop()
    stop()
    world.consent.allow(PAGE, ALL)
    assert told == []
