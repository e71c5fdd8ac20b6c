"""One attempt: every order of events, and which of them may be tried again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.thingsboard import provisioning as machine
from agent.protocols.thingsboard.provisioning import (
    Ask,
    Attempt,
    NotAsked,
    NotUnderstood,
    Overloaded,
    State,
    Subscribe,
    Wait,
    retry_wait_s,
)
from agent.protocols.thingsboard.replies import Issued, Refused, Unusable
from agent.protocols.thingsboard.requests import RESPONSE_TOPIC

YES = b'{"status":"SUCCESS","credentialsType":"ACCESS_TOKEN","credentialsValue":"abc"}'
NO = b'{"status":"FAILURE","errorMsg":"no"}'
OUTCOMES = (Issued, Refused, Unusable, NotAsked, Overloaded, NotUnderstood)


def asked(*, subscribes: bool) -> Attempt:
    attempt = Attempt(subscribes=subscribes)
    attempt.connected()
    if subscribes:
        attempt.subscribed()
    return attempt


def test_over_mqtt_it_subscribes_before_it_asks_and_waits_for_the_message() -> None:
    attempt = Attempt(subscribes=True)
    assert attempt.connected() == Subscribe("/provision/response")
    assert attempt.message(RESPONSE_TOPIC, YES) == Wait()  # a reply to somebody else
    assert attempt.subscribed() == Ask()
    assert attempt.message("v1/devices/me/attributes", YES) == Wait()
    assert isinstance(attempt.message(RESPONSE_TOPIC, YES), Issued)


def test_over_http_and_coap_it_asks_at_once() -> None:
    attempt = Attempt(subscribes=False)
    assert attempt.connected() == Ask()
    assert isinstance(attempt.answered(NO), Refused)


def test_a_second_answer_and_a_close_after_it_change_nothing() -> None:
    attempt = asked(subscribes=True)
    first = attempt.message(RESPONSE_TOPIC, YES)
    for again in (
        attempt.message(RESPONSE_TOPIC, NO),
        attempt.closed("gone"),
        attempt.silent(),
        attempt.connected(),
        attempt.subscribed(),
        attempt.answered(NO),
        attempt.overloaded("much"),
        attempt.refused("no"),
    ):
        assert again == first


def test_a_close_before_the_request_is_no_question_asked() -> None:
    assert isinstance(Attempt(subscribes=True).closed("x"), NotAsked)
    attempt = Attempt(subscribes=True)
    attempt.connected()
    assert isinstance(attempt.closed("x"), NotAsked)


@pytest.mark.parametrize("subscribes", [True, False])
def test_a_close_and_silence_after_the_request_leave_it_open_whether_it_was_done(
    subscribes: bool,
) -> None:
    assert asked(subscribes=subscribes).closed("x") == NotUnderstood("x", maybe_done=True)
    silent = asked(subscribes=subscribes).silent()
    assert silent == NotUnderstood("There was no answer within 10 s.", maybe_done=True)


def test_a_request_that_was_refused_with_a_code_did_nothing() -> None:
    assert asked(subscribes=True).refused("0x83") == NotUnderstood("0x83", maybe_done=False)


@pytest.mark.parametrize(
    ("body", "turned_away", "maybe_done"),
    [
        (b'{"status":500,"message":"null","errorCode":2}', False, False),
        (b"", False, True),
        (b"<html>", False, True),
        (b'{"status":"DONE"}', False, True),
        (b"", True, False),
        (b"{}", True, False),
    ],
)
def test_what_has_no_words_may_have_come_after_the_deed(
    body: bytes, turned_away: bool, maybe_done: bool
) -> None:
    outcome = asked(subscribes=False).answered(body, turned_away=turned_away, said="Status 500.")
    assert isinstance(outcome, NotUnderstood)
    assert outcome.maybe_done is maybe_done
    assert outcome.detail.startswith("Status 500. ")


@pytest.mark.parametrize("body", [b"", b"\x08\x01", b'{"status":"SUCC', b'{"status":"OK"}'])
def test_a_message_that_cannot_be_read_may_be_the_yes(body: bytes) -> None:
    outcome = asked(subscribes=True).message(RESPONSE_TOPIC, body)
    assert isinstance(outcome, NotUnderstood)
    assert outcome.maybe_done


def test_other_messages_without_end_are_an_end() -> None:
    attempt = asked(subscribes=True)
    results = [attempt.message("x", b"") for _ in range(machine.OTHER_MESSAGES_MAX + 1)]
    assert results[-2] == Wait()
    assert isinstance(results[-1], NotUnderstood)


bodies = st.sampled_from([YES, NO, b"", b"{}"]) | st.binary(max_size=30)
topics = st.sampled_from([RESPONSE_TOPIC, "x"])
events = st.one_of(
    st.just(("connected",)),
    st.just(("subscribed",)),
    st.tuples(st.just("message"), topics, bodies),
    st.tuples(st.just("answered"), bodies),
    st.just(("closed", "x")),
    st.just(("silent",)),
    st.just(("refused", "x")),
    st.just(("overloaded", "x")),
)


@given(st.booleans(), st.lists(events, max_size=8))
def test_in_any_order_the_first_outcome_stays_and_asking_is_allowed_once_connected(
    subscribes: bool, happened: list[tuple[Any, ...]]
) -> None:
    attempt = Attempt(subscribes=subscribes)
    first: object = None
    for name, *facts in happened:
        before = attempt.state
        action = getattr(attempt, name)(*facts)
        if first is not None:
            assert action == first
        elif isinstance(action, OUTCOMES):
            first = action
            assert attempt.state is State.OVER
        if isinstance(action, NotAsked):
            assert before is not State.ASKED or first is not None


@pytest.mark.parametrize("outcome", [NotAsked("x"), Overloaded("x")])
def test_what_did_nothing_is_tried_again_ten_times_at_most(outcome: Any) -> None:
    waits = [retry_wait_s(outcome, attempts, 0.0) for attempts in range(1, 11)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, None]
    assert retry_wait_s(outcome, 1, 1.0) == 1.25


def test_where_nobody_answers_three_times_are_enough() -> None:
    nobody = NotAsked("x", reached=False)
    assert [retry_wait_s(nobody, attempts, 0.0) for attempts in (1, 2, 3)] == [1, 2, None]
    assert asked(subscribes=False).closed("x", reached=False) == nobody


def test_a_wait_that_the_server_names_is_kept_or_told() -> None:
    assert retry_wait_s(Overloaded("x", 7.0), 1, 0.0) == 7.0
    assert retry_wait_s(Overloaded("x", 0.0), 3, 0.0) == 4.0
    assert retry_wait_s(Overloaded("x", 61.0), 1, 0.0) is None


@pytest.mark.parametrize(
    "outcome",
    [Refused("FAILURE", ""), Unusable("x"), NotUnderstood("x", maybe_done=True)],
)
def test_a_decision_and_what_may_be_done_are_not_tried_again_by_themselves(outcome: Any) -> None:
    assert retry_wait_s(outcome, 1, 0.0) is None
