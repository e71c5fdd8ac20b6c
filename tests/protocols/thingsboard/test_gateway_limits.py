"""The server's limits are read whatever they look like, and never broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.thingsboard.gateway_limits import (
    COUNT_MOST,
    DEVICES_MOST,
    PACKET_ROOM,
    PAYLOAD,
    PAYLOAD_MOST,
    USUAL,
    Allowance,
    GatewayPace,
    Limit,
    Limits,
    Pace,
    Rates,
    parse_limits,
    parse_rate,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
SAID = {
    "maxPayloadSize": 65536,
    "maxInflightMessages": 100,
    "rateLimits": {
        "messages": "20:1,",
        "telemetryMessages": "10:1,",
        "telemetryDataPoints": "30:1,300:60",
    },
    "gatewayRateLimits": {
        "messages": "200:1,6000:60",
        "telemetryMessages": "100:1,",
        "telemetryDataPoints": "0:0,",
    },
}


def test_what_the_server_says_is_what_counts():
    limits = parse_limits(SAID)
    assert limits.payload == 65536 - PACKET_ROOM
    assert limits.whole.messages == (Limit(200, 1), Limit(6000, 60))
    assert limits.whole.points == ()
    assert limits.device == Rates((Limit(20, 1),), (Limit(10, 1),), (Limit(30, 1), Limit(300, 60)))


def test_an_older_server_means_the_gateway_itself():
    limits = parse_limits({"rateLimits": SAID["rateLimits"]})
    assert limits.whole == limits.device
    assert limits.whole.messages == (Limit(20, 1),)


def test_a_server_that_does_not_say_is_treated_gently():
    assert parse_limits(None) == parse_limits({}) == Limits()
    assert Limits().whole == USUAL


@pytest.mark.parametrize(
    "text", ["x", "1", "1:", ":1", "1:1;2:2", "-1:1", "1.5:1", "1:1:1", "9" * 500, "١:١", 5, None]
)
def test_a_limit_that_makes_no_sense_is_the_usual_one(text):
    assert parse_rate(text) is None
    assert parse_limits({"rateLimits": {"messages": text}}).device.messages == USUAL.messages


@pytest.mark.parametrize("text", ["", "0:0,", "0:1", "5:0", ","])
def test_nothing_and_nought_are_no_limit(text):
    assert parse_rate(text) == ()


@pytest.mark.parametrize("size", [0, -1, 1023, True, "x", None, 1.5])
def test_a_payload_without_room_for_anything_is_not_believed(size):
    assert parse_limits({"maxPayloadSize": size}).payload == PAYLOAD - PACKET_ROOM


def test_a_payload_beyond_reason_is_bounded():
    assert parse_limits({"maxPayloadSize": 10**12}).payload == PAYLOAD_MOST - PACKET_ROOM


@given(st.dictionaries(st.sampled_from(sorted(SAID)), json_values))
def test_whatever_it_says_there_are_limits(said):
    limits = parse_limits(said)
    assert 0 < limits.payload <= PAYLOAD_MOST
    for rates in (limits.whole, limits.device):
        for limit in (*rates.messages, *rates.telemetry, *rates.points):
            assert 0 < limit.count <= COUNT_MOST
            assert limit.seconds > 0


steps = st.lists(
    st.tuples(
        st.integers(1, 30),  # how many values
        st.floats(0, 5),  # what the sender waits of its own
        st.floats(0, 3),  # until the server looks at it
        st.floats(0, 3),  # until the sender knows
    ),
    max_size=60,
)


@given(st.integers(1, 40), st.integers(1, 10), steps)
def test_no_window_of_the_server_ever_holds_more_than_the_limit(count, seconds, sent):
    allowance = Allowance(Limit(count, seconds))
    now, seen = 0.0, []
    for cost, pause, on_the_way, back in sent:
        cost = min(cost, allowance.burst)
        now += pause
        now += allowance.wait_s(now, cost) + 1e-9
        seen.append((now + on_the_way, cost))
        now += on_the_way + back
        allowance.take(now, cost)
    for at, _ in seen:
        assert sum(cost for when, cost in seen if at <= when < at + seconds) <= count


@given(st.integers(1, 10**9), st.integers(1, 86_400), st.integers(1, 10**9))
def test_no_wait_is_for_ever(count, seconds, cost):
    allowance = Allowance(Limit(count, seconds))
    allowance.take(0.0, min(cost, allowance.burst))
    assert allowance.wait_s(0.0, cost) <= seconds * (1 + 1e-9)


def test_half_of_a_limit_may_go_out_at_once():
    allowance = Allowance(Limit(200, 1.0))
    assert allowance.burst == 80
    assert allowance.wait_s(5.0, 80) == 0
    allowance.take(5.0, 80)
    assert allowance.wait_s(5.0) > 0


def test_all_limits_of_a_text_hold():
    pace = Pace(Rates(messages=(Limit(1000, 1), Limit(2, 60))))
    pace.take(0.0)
    assert pace.wait_s(1.0) > 10


def test_values_have_limits_of_their_own():
    pace = Pace(Rates(messages=(Limit(100, 1),), points=(Limit(10, 1),)))
    assert pace.points_at_once == 4
    pace.take(0.0, 4)
    assert pace.wait_s(0.0) == 0
    assert pace.wait_s(0.0, 4) > 0
    assert Pace(Rates()).points_at_once == COUNT_MOST


def test_one_sub_device_does_not_hold_up_another():
    rates = Rates(messages=(Limit(1, 10),))
    pace = GatewayPace(Limits(whole=Rates(), device=rates))
    pace.sent(0.0, {"a": 3})
    assert pace.wait_s(0.0, {"a": 1}) == pytest.approx(10)
    assert pace.wait_s(0.0, {"b": 1}) == 0
    assert pace.wait_s(0.0, {"a": 1, "b": 1}) == pytest.approx(10)


def test_what_all_of_them_send_counts_together():
    pace = GatewayPace(Limits(whole=Rates(points=(Limit(10, 1),)), device=Rates()))
    assert pace.points_at_once == 4
    pace.sent(0.0, {"a": 2, "b": 2})
    assert pace.wait_s(0.0, {"c": 1}) > 0


def test_only_so_many_sub_devices_are_remembered():
    pace = GatewayPace(Limits(whole=Rates(), device=Rates(messages=(Limit(1, 10),))))
    for number in range(DEVICES_MOST + 1):
        pace.sent(0.0, {f"device-{number}": 0})
    assert pace.wait_s(0.0, {"device-0": 0}) == 0
    assert pace.wait_s(0.0, {f"device-{DEVICES_MOST}": 0}) > 0
