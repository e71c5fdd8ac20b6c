"""Waiting for a board: often at first, never after the limit, at once when it speaks itself."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.blynk.arrival import (
    ARRIVAL_LIMIT_S,
    Arrival,
    Arrived,
    Ask,
    Late,
    Refused,
    Wait,
)


def test_the_first_question_comes_at_once_and_then_less_often():
    wait, now, asked = Arrival(0.0), 0.0, []
    while not isinstance(step := wait.step(now), Late):
        if isinstance(step, Wait):
            now += step.seconds
        else:
            assert step == Ask()
            asked.append(now)
            wait.answered(False, now)
    assert step == Late(ARRIVAL_LIMIT_S, "")
    assert asked[0] == 0.0
    assert asked[-1] == ARRIVAL_LIMIT_S
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert gaps[:2] == [1.0, 1.25]
    assert max(gaps) <= 5.0
    assert len(asked) <= 32


def test_a_board_that_is_there_ends_it():
    wait = Arrival(10.0)
    assert wait.answered(True, 12.5) == Arrived(2.5)
    assert wait.step(99.0) == Arrived(2.5)
    assert wait.answered(False, 100.0) == Arrived(2.5)


def test_a_board_that_says_it_is_connected_is_asked_about_at_once():
    wait = Arrival(0.0)
    for _ in range(8):
        wait.answered(False, 20.0)
    assert isinstance(wait.step(21.0), Wait)
    assert wait.heard(21.0) == Ask()
    assert wait.answered(False, 21.0) == Wait(1.0)


def test_a_token_that_nobody_knows_is_asked_for_three_times():
    wait = Arrival(0.0)
    assert wait.failed("?", 0.0, unknown=True) == Wait(1.0)
    wait.failed("?", 1.0, unknown=True)
    wait.failed("lost", 2.0)
    wait.failed("?", 3.0, unknown=True)
    wait.failed("?", 4.0, unknown=True)
    assert wait.failed("?", 5.0, unknown=True) == Refused()


def test_what_was_wrong_last_is_told():
    wait = Arrival(0.0, 10.0)
    wait.failed("The status is 500.", 10.0)
    assert wait.step(10.0) == Late(10.0, "The status is 500.")


@given(
    st.lists(
        st.tuples(st.floats(0.0, 30.0), st.sampled_from(["no", "lost", "unknown", "heard"])),
        max_size=60,
    )
)
def test_it_always_ends_soon_after_its_limit(events):
    wait, now = Arrival(0.0), 0.0
    for seconds, event in events:
        now += seconds
        step = wait.step(now)
        if isinstance(step, Wait):
            assert 0 < step.seconds <= 5.0
            assert now + step.seconds <= ARRIVAL_LIMIT_S + 1e-9
        if event == "heard":
            wait.heard(now)
        elif event == "no":
            wait.answered(False, now)
        else:
            wait.failed("x", now, unknown=event == "unknown")
    wait.answered(False, max(now, ARRIVAL_LIMIT_S))
    assert isinstance(wait.step(1e6), Late | Refused)


@pytest.mark.parametrize("limit_s", [0.0, 3.0])
def test_even_the_shortest_wait_asks_once(limit_s):
    assert Arrival(5.0, limit_s).step(5.0) == Ask()
