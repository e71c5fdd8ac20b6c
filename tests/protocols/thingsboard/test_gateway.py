"""What a gateway hears and says: calls, answers, and what nobody can read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.thingsboard.gateway import (
    ID_MAX,
    MESSAGE_LIMIT,
    OWN_ANSWER,
    OWN_CALL,
    RPC,
    Call,
    Left,
    Unreadable,
    answer,
    connect,
    disconnect,
    parse_message,
    refusal,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
words = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=30)
numbers = st.integers(0, ID_MAX)


def said(value: object) -> bytes:
    return json.dumps(value).encode()


@given(numbers, words, json_values)
def test_a_call_to_the_gateway_has_its_number_in_the_topic(number, method, params):
    heard = parse_message(f"{OWN_CALL}{number}", said({"method": method, "params": params}))
    assert heard == Call("", number, method, params)
    assert isinstance(heard, Call)
    topic, payload = answer(heard, {"ok": True})
    assert topic == f"{OWN_ANSWER}{number}"
    assert json.loads(payload) == {"ok": True}


@given(numbers, words, json_values, words)
def test_a_call_to_a_sub_device_has_its_number_inside(number, method, params, device):
    data = {"id": number, "method": method, "params": params}
    heard = parse_message(RPC, said({"device": device, "data": data}))
    assert heard == Call(device, number, method, params)
    assert isinstance(heard, Call)
    topic, payload = answer(heard, {"ok": True})
    assert topic == RPC
    assert json.loads(payload) == {"device": device, "id": number, "data": {"ok": True}}


def test_params_may_be_missing():
    assert parse_message(f"{OWN_CALL}1", b'{"method":"boards"}') == Call("", 1, "boards", None)


@given(st.text(), st.binary(max_size=200))
def test_whatever_comes_is_read_or_not_and_never_raises(topic, payload):
    for name in (topic, RPC, f"{OWN_CALL}1", f"{OWN_CALL}{topic}", "v1/gateway/disconnect"):
        heard = parse_message(name, payload)
        assert heard is None or isinstance(heard, Call | Left | Unreadable)


@given(json_values)
def test_json_of_another_shape_never_raises(value):
    for topic in (RPC, f"{OWN_CALL}1", "v1/gateway/disconnect"):
        parse_message(topic, said(value))
        parse_message(topic, said({"device": "a", "data": value, "method": value}))


@pytest.mark.parametrize("number", ["", "x", "-1", "1.5", "9" * 11, "٣", str(ID_MAX + 1), "1/2"])
def test_a_call_without_a_number_cannot_be_answered(number):
    heard = parse_message(f"{OWN_CALL}{number}", b'{"method":"boards"}')
    assert isinstance(heard, Unreadable)
    assert heard.call is None


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"{", b"[]", b"{}", b'{"method":1}', b'{"method":""}', b"\xff", b"[" * 100_000),
        said({"method": "m" * 101}),
        b'{"method":"' + b"m" * MESSAGE_LIMIT + b'"}',
    ],
)
def test_a_call_that_cannot_be_read_keeps_its_number_for_the_answer(payload):
    heard = parse_message(f"{OWN_CALL}7", payload)
    assert isinstance(heard, Unreadable)
    assert heard.call is not None
    assert heard.call.id == 7


@pytest.mark.parametrize(
    "value",
    [
        {"device": "a"},
        {"device": "", "data": {"id": 1, "method": "m"}},
        {"device": 1, "data": {"id": 1, "method": "m"}},
        {"device": "a" * 256, "data": {"id": 1, "method": "m"}},
        {"device": "a", "data": {"method": "m"}},
        {"device": "a", "data": {"id": True, "method": "m"}},
        {"device": "a", "data": {"id": -1, "method": "m"}},
        {"device": "a", "data": []},
    ],
)
def test_a_call_to_nobody_cannot_be_answered(value):
    heard = parse_message(RPC, said(value))
    assert isinstance(heard, Unreadable)
    assert heard.call is None


def test_the_method_is_fit_to_be_shown():
    heard = parse_message(f"{OWN_CALL}7", said({"method": "a\x1b[2Jb"}))
    assert isinstance(heard, Call)
    assert heard.method.isprintable()


def test_the_server_may_end_a_sub_device():
    message = said({"device": "probe-1", "reason": "x"})
    assert parse_message("v1/gateway/disconnect", message) == Left("probe-1")
    assert isinstance(parse_message("v1/gateway/disconnect", b"{}"), Unreadable)


def test_other_topics_are_for_others():
    assert parse_message("v1/devices/me/attributes", b"{}") is None
    assert parse_message("v1/devices/me/rpc/response/1", b"{}") is None


def test_coming_and_going_are_as_the_server_reads_them():
    assert json.loads(connect("probe-1", "thermometer")) == {
        "device": "probe-1",
        "type": "thermometer",
    }
    assert json.loads(disconnect("probe-1")) == {"device": "probe-1"}


def test_a_refusal_has_the_form_of_the_vendors_gateway():
    assert refusal(404, "Method not found") == {"error": "Method not found", "code": 404}
    assert refusal(400, "wrong", field="board")["field"] == "board"
