"""The rate limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.bridge.limits import RateLimit


def test_a_burst_passes_and_then_the_rate_holds() -> None:
    limit = RateLimit(rate=10.0, burst=3.0)
    assert [limit.take(0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    wait = limit.take(0.0)
    assert wait == 0.1
    assert limit.take(wait) == 0.0
    assert limit.take(wait) > 0.0


@given(st.lists(st.floats(min_value=0.0, max_value=2.0), min_size=1, max_size=200))
def test_never_more_than_burst_and_rate_allow(pauses: list[float]) -> None:
    limit = RateLimit(rate=5.0, burst=7.0)
    now, passed = 0.0, 0
    for pause in pauses:
        now += pause
        passed += limit.take(now) == 0.0
    assert passed <= 7.0 + 5.0 * now + 1e-6


def test_a_clock_that_goes_back_gives_nothing() -> None:
    limit = RateLimit(rate=1.0, burst=1.0)
    assert limit.take(100.0) == 0.0
    assert limit.take(0.0) == 1.0
