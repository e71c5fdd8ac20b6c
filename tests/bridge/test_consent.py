"""Questions and silences: pure, so each case is instant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.bridge.consent import (
    ANSWER_S,
    ASKERS_MAX,
    ENDED_MAX,
    LOUD_MAX,
    NEW_MAX,
    NEW_PER_PAGE,
    OPEN_MAX,
    QUIET_S,
    SILENCE_S,
    SILENCES_MAX,
    WINDOW_S,
    Asking,
    Questions,
    RefusedOrigin,
    Silences,
)
from agent.bridge.scopes import Scope
from agent.errors import AskBusy, AskGone

PAGE = "https://app.example.com"
WALL = 1_800_000_000.0
BOARDS = {Scope.BOARDS}


def page(number: int) -> str:
    return f"https://app{number}.example.com"


def ask(
    questions: Questions,
    url: str = PAGE,
    wants: set[Scope] | None = None,
    *,
    now: float = 0.0,
    wall: float = WALL,
) -> Asking:
    return questions.ask(url, wants or BOARDS, (), now=now, wall=wall)


def test_a_question_says_who_asks_for_what_and_until_when() -> None:
    questions = Questions()
    wants = {Scope.FLASH, Scope.SERIAL}
    asking = questions.ask(PAGE, wants, {Scope.BOARDS}, now=5.0, wall=WALL)
    assert questions.asking == (asking,)
    assert asking.wants == (Scope.SERIAL, Scope.FLASH)
    assert asking.has == (Scope.BOARDS,)
    assert (asking.since, asking.until) == (WALL, WALL + ANSWER_S)
    assert not asking.quiet


def test_questions_of_two_agents_are_never_taken_for_each_other() -> None:
    # A window that was open while the agent restarted still shows the old question.
    assert ask(Questions()).ask != ask(Questions()).ask


def test_windows_of_one_page_wait_for_one_answer() -> None:
    questions = Questions()
    first = ask(questions, wants={Scope.BOARDS, Scope.SERIAL})
    for _ in range(ASKERS_MAX - 1):
        assert ask(questions) == first
    with pytest.raises(AskBusy):
        ask(questions)
    assert not any(questions.withdraw(first.ask, 1.0) for _ in range(ASKERS_MAX - 1))
    assert questions.withdraw(first.ask, 1.0)
    assert questions.asking == ()
    assert not questions.withdraw(first.ask, 1.0)


def test_a_question_does_not_grow_while_somebody_reads_it() -> None:
    questions = Questions()
    first = ask(questions)
    with pytest.raises(AskBusy):
        ask(questions, wants={Scope.BOARDS, Scope.FLASH})
    assert questions.asking == (first,)


def test_only_so_many_questions_are_open() -> None:
    questions = Questions()
    for number in range(OPEN_MAX):
        ask(questions, page(number))
    with pytest.raises(AskBusy):
        ask(questions, page(OPEN_MAX))
    questions.settle(questions.asking[0], "It was answered.")
    ask(questions, page(OPEN_MAX))
    assert len(questions.asking) == OPEN_MAX


def test_only_so_many_questions_are_new_within_a_minute() -> None:
    questions = Questions()
    for number in range(NEW_MAX):
        questions.withdraw(ask(questions, page(number), now=float(number)).ask, float(number))
    with pytest.raises(AskBusy):
        ask(questions, PAGE, now=float(NEW_MAX))
    with pytest.raises(AskBusy):
        ask(questions, PAGE, now=WINDOW_S - 0.1)
    ask(questions, PAGE, now=WINDOW_S)


def test_one_page_that_asks_again_and_again_leaves_room_for_others() -> None:
    questions = Questions()
    for _ in range(NEW_PER_PAGE):
        questions.withdraw(ask(questions).ask, 0.0)
    for _ in range(1000):
        with pytest.raises(AskBusy):
            ask(questions)
    ask(questions, page(1))


def test_a_question_that_nobody_answers_goes_and_the_next_one_makes_no_noise() -> None:
    questions = Questions()
    first = ask(questions)
    assert questions.next_lapse() == ANSWER_S
    assert questions.lapse(ANSWER_S - 0.1) == []
    assert questions.lapse(ANSWER_S) == [first]
    assert questions.next_lapse() is None
    again = ask(questions, now=ANSWER_S + 1)
    assert again.quiet
    questions.withdraw(again.ask, ANSWER_S + 2)
    assert ask(questions, now=ANSWER_S + 1 + QUIET_S).quiet
    assert not ask(questions, page(1), now=ANSWER_S + 1).quiet


def test_a_page_that_closes_its_question_and_asks_again_makes_no_noise_either() -> None:
    questions = Questions()
    questions.withdraw(ask(questions).ask, 0.0)
    assert ask(questions, now=1.0).quiet


def test_after_the_quiet_time_a_page_is_heard_again() -> None:
    questions = Questions()
    questions.withdraw(ask(questions).ask, 0.0)
    assert not ask(questions, now=QUIET_S).quiet


def test_however_many_pages_ask_only_a_few_make_noise() -> None:
    questions = Questions()
    quiet = []
    for number in range(40):
        now = float(number * 10)
        asking = ask(questions, page(number), now=now)
        quiet.append(asking.quiet)
        questions.settle(asking, "It was answered: no.")
    assert quiet == [False] * LOUD_MAX + [True] * (40 - LOUD_MAX)
    assert not ask(questions, PAGE, now=QUIET_S).quiet
    assert ask(questions, page(41), now=QUIET_S + 1).quiet


def test_an_answered_page_is_heard_when_it_asks_for_more() -> None:
    questions = Questions()
    questions.withdraw(ask(questions).ask, 0.0)
    asking = ask(questions, now=1.0)
    questions.settle(asking, "It was answered.")
    assert not ask(questions, wants={Scope.FLASH}, now=2.0).quiet


def test_whoever_answers_too_late_is_told_how_it_ended() -> None:
    questions = Questions()
    answered = ask(questions)
    assert questions.find(answered.ask, 1.0) == answered
    questions.settle(answered, "It was answered: no.")
    closed = ask(questions, page(1))
    questions.withdraw(closed.ask, 1.0)
    late = ask(questions, page(2))
    for asking, how in (
        (answered.ask, "answered: no"),
        (closed.ask, "closed"),
        ("never", "not asked"),
    ):
        with pytest.raises(AskGone) as caught:
            questions.find(asking, 1.0)
        assert how in caught.value.report().meaning
    with pytest.raises(AskGone, match="no longer open"):
        questions.find(late.ask, ANSWER_S)


def test_how_old_questions_ended_is_forgotten() -> None:
    questions = Questions()
    asks = []
    for number in range(ENDED_MAX + 1):
        now = WINDOW_S * number
        asks.append(ask(questions, page(number), now=now))
        questions.settle(asks[-1], "It was answered: no.")
    with pytest.raises(AskGone) as caught:
        questions.find(asks[0].ask, now)
    assert "not asked" in caught.value.report().meaning


def test_a_clock_that_is_set_changes_nothing_for_an_open_question() -> None:
    questions = Questions()
    asking = ask(questions, wall=WALL)
    ask(questions, page(1), now=1.0, wall=WALL - 365 * SILENCE_S)
    assert questions.lapse(ANSWER_S) == [asking]


# Silences


def test_a_no_lasts_for_a_day() -> None:
    silences = Silences().with_new(PAGE, WALL)
    assert silences.until(PAGE, WALL) == WALL + SILENCE_S
    assert silences.until(PAGE, WALL + SILENCE_S - 1) == WALL + SILENCE_S
    assert silences.until(PAGE, WALL + SILENCE_S) is None
    assert silences.until(page(1), WALL) is None


@pytest.mark.parametrize("days", [1, 30, 365, 36_500])
def test_a_clock_that_was_ahead_silences_for_a_day_at_most(days: int) -> None:
    silences = Silences().with_new(PAGE, WALL + days * SILENCE_S)
    assert silences.until(PAGE, WALL) == WALL + SILENCE_S
    # That is a day from when the clock was right again, not from each time somebody looks.
    assert silences.until(PAGE, WALL + SILENCE_S - 1) == WALL + SILENCE_S
    assert silences.until(PAGE, WALL + SILENCE_S) is None


def test_a_silence_can_be_lifted() -> None:
    silences = Silences().with_new(PAGE, WALL)
    assert PAGE in silences
    assert PAGE not in silences.without(PAGE, WALL)
    assert silences.without(page(1), WALL).list(WALL) == silences.list(WALL)


def test_what_is_over_is_not_kept() -> None:
    old = Silences().with_new(PAGE, WALL)
    later = WALL + SILENCE_S
    assert old.list(later) == []
    assert old.with_new(page(1), later).list(later) == [
        RefusedOrigin(url=page(1), until=later + SILENCE_S)
    ]


@given(st.lists(st.integers(0, 300), max_size=400))
def test_the_list_is_bounded_and_keeps_the_newest(numbers: list[int]) -> None:
    silences = Silences()
    for step, number in enumerate(numbers):
        silences = silences.with_new(page(number), WALL + step)
    wall = WALL + len(numbers)
    kept = [each.url for each in silences.list(wall)]
    newest = list(dict.fromkeys(page(number) for number in reversed(numbers)))
    assert kept == list(reversed(newest[:SILENCES_MAX]))
