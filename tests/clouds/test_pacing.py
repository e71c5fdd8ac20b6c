"""When requests go out, and when they go out again."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clouds.pacing import (
    BACKOFF_S,
    CONNECT_ATTEMPTS,
    PAUSE_LIMIT_S,
    Outcome,
    Rate,
    TokenBucket,
    parse_retry_after,
    retry_delay,
)


def test_a_burst_goes_out_at_once_and_then_one_each_interval() -> None:
    bucket = TokenBucket(Rate(per_s=5, burst=5))
    waits = [bucket.reserve(100.0) for _ in range(8)]
    assert waits == pytest.approx([0, 0, 0, 0, 0, 0.2, 0.4, 0.6])


def test_an_idle_bucket_fills_up_to_its_burst_and_no_further() -> None:
    bucket = TokenBucket(Rate(per_s=5, burst=5))
    bucket.reserve(0.0)
    assert [bucket.reserve(1000.0) for _ in range(6)] == pytest.approx([0, 0, 0, 0, 0, 0.2])


def test_after_a_pause_requests_go_out_one_by_one() -> None:
    bucket = TokenBucket(Rate(per_s=5, burst=5))
    bucket.pause(100.0, 2.0)
    assert [bucket.reserve(100.0) for _ in range(3)] == pytest.approx([2.0, 2.2, 2.4])


def test_an_absurd_pause_is_cut() -> None:
    bucket = TokenBucket(Rate())
    bucket.pause(0.0, 1e9)
    assert bucket.wait_s(0.0) == pytest.approx(PAUSE_LIMIT_S)


def test_another_rate_counts_from_the_next_turn() -> None:
    bucket = TokenBucket(Rate(per_s=5, burst=5))
    for _ in range(7):
        bucket.reserve(100.0)
    bucket.change(Rate(per_s=1, burst=1), 100.0)
    assert bucket.reserve(100.0) == pytest.approx(7.0)
    bucket.change(Rate(per_s=10, burst=10), 108.0)
    assert [bucket.reserve(108.0) for _ in range(11)] == pytest.approx([0.0] * 10 + [0.1])


@pytest.mark.parametrize("rate", [Rate(per_s=1000, burst=1000), Rate(per_s=0.5, burst=2)])
def test_another_rate_neither_cuts_nor_stretches_a_silence(rate: Rate) -> None:
    bucket = TokenBucket(Rate(per_s=5, burst=5))
    bucket.pause(100.0, 60.0)
    bucket.change(rate, 110.0)
    assert bucket.wait_s(110.0) == pytest.approx(56.0 if rate.per_s < 1 else 50.0)


@given(st.lists(st.floats(0, 10), max_size=60))
def test_no_window_of_a_second_ever_holds_more_than_burst_and_rate(gaps: list[float]) -> None:
    bucket = TokenBucket(Rate(per_s=5, burst=5))
    now, sent = 0.0, []
    for gap in gaps:
        now += gap
        sent.append(now + bucket.reserve(now))
    for start in sent:
        assert sum(1 for at in sent if start <= at < start + 1 - 1e-6) <= 10


def test_steps_of_waiting_are_one_two_four_eight_and_then_it_is_final() -> None:
    for status in (429, 500, 503):
        delays = [retry_delay(Outcome(status=status), n, repeatable=True) for n in range(1, 6)]
        assert delays == [*BACKOFF_S, None]


def test_the_cloud_says_how_long_to_wait_up_to_a_minute() -> None:
    assert retry_delay(Outcome(status=429, retry_after_s=7.0), 1, repeatable=True) == 7.0
    assert retry_delay(Outcome(status=503, retry_after_s=60.0), 3, repeatable=True) == 60.0
    assert retry_delay(Outcome(status=429, retry_after_s=61.0), 1, repeatable=True) is None


def test_a_computer_without_network_is_not_asked_for_long() -> None:
    delays = [retry_delay(Outcome(sent=False), n, repeatable=True) for n in range(1, 4)]
    assert delays == [1.0, 2.0, None]
    assert CONNECT_ATTEMPTS == 3


def test_an_untrusted_certificate_is_not_asked_again() -> None:
    assert retry_delay(Outcome(sent=False, hopeless=True), 1, repeatable=True) is None


@given(
    st.one_of(st.none(), st.integers(100, 599)),
    st.integers(1, 10),
    st.one_of(st.none(), st.floats(0, 1e6)),
    st.booleans(),
)
def test_what_must_not_be_repeated_never_is(
    status: int | None, attempts: int, after: float | None, sent: bool
) -> None:
    outcome = Outcome(status=status, retry_after_s=after, sent=sent)
    assert retry_delay(outcome, attempts, repeatable=False) is None


@given(st.integers(100, 499).filter(lambda status: status != 429), st.integers(1, 4))
def test_other_answers_are_final_at_once(status: int, attempts: int) -> None:
    assert retry_delay(Outcome(status=status), attempts, repeatable=True) is None


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    now = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
    later = datetime(2026, 11, 22, 12, 0, 9, tzinfo=UTC)
    assert parse_retry_after("5", now.timestamp()) == 5.0
    assert parse_retry_after(" 0 ", now.timestamp()) == 0.0
    assert parse_retry_after(format_datetime(later, usegmt=True), now.timestamp()) == 9.0
    assert parse_retry_after(format_datetime(now, usegmt=True), later.timestamp()) == 0.0


@given(st.one_of(st.none(), st.text(max_size=60)))
def test_a_senseless_retry_after_is_ignored_or_not_negative(value: str | None) -> None:
    seconds = parse_retry_after(value, 1_800_000_000.0)
    assert seconds is None or seconds >= 0
