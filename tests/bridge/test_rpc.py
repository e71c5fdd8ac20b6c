"""JSON-RPC without a transport."""

from __future__ import annotations

import json
import logging
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from agent.bridge.peer import Peer
from agent.bridge.rpc import Call, Dispatcher, Method, Nothing, Params, explain
from agent.bridge.scopes import Scope
from agent.errors import PortBusy
from agent.settings import Secret

MARKER = "mArKeR-5ecret"


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    size: int


class Given(Params, frozen=True, kw_only=True):
    text: str
    count: Annotated[int, Meta(ge=1, le=9)] = 1
    inner: Inner | None = None
    password: Secret | None = None


def make_dispatcher() -> Dispatcher:
    async def repeat(_call: Call, params: Given) -> dict[str, Any]:
        return {"text": params.text * params.count}

    async def leak(_call: Call, params: Given) -> dict[str, Any]:
        return {"password": params.password}

    async def busy(_call: Call, _params: Nothing) -> Nothing:
        raise PortBusy(port="/dev/ttyACM0", holder="a job")

    async def broken(_call: Call, _params: Nothing) -> Nothing:
        raise KeyError("a detail")

    async def own(_call: Call, _params: Nothing) -> Nothing:
        return Nothing()

    dispatcher = Dispatcher()
    for method in (
        Method("repeat", "", Given, dict[str, Any], repeat),
        Method("leak", "", Given, dict[str, Any], leak),
        Method("busy", "", Nothing, Nothing, busy),
        Method("broken", "", Nothing, Nothing, broken),
        Method("own", "", Nothing, Nothing, own, own=True),
        Method("flash", "", Nothing, Nothing, own, scope=Scope.FLASH),
    ):
        dispatcher.add(method)
    return dispatcher


async def ask(message: str | bytes, *, own: bool = True) -> Any:
    peer = Peer(origin=None if own else "https://app.example.com", own=own)
    await make_dispatcher().handle(peer, message)
    answer = peer.outbox.pop()
    assert peer.outbox.pop() is None
    return None if answer is None else json.loads(answer)


async def call(method: str, **params: Any) -> Any:
    return await ask(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))


async def test_a_call_is_answered_with_its_result() -> None:
    assert await call("repeat", text="ab", count=2) == {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {"text": "abab"},
    }


@pytest.mark.parametrize(
    "identity", ["1", '"x"', "null", "-7", "1.5", "1e3", "12345678901234567890123", '"\\u00e9"']
)
async def test_every_legal_id_comes_back_as_it_was_written(identity: str) -> None:
    peer = Peer(origin=None, own=True)
    message = f'{{"jsonrpc":"2.0","id":{identity},"method":"own"}}'
    await make_dispatcher().handle(peer, message)
    answer = peer.outbox.pop()
    assert isinstance(answer, str)
    assert f'"id":{identity},' in answer


@pytest.mark.parametrize("identity", ["true", "[]", "{}"])
async def test_an_id_of_another_kind_is_refused(identity: str) -> None:
    answer = await ask(f'{{"jsonrpc":"2.0","id":{identity},"method":"own"}}')
    assert (answer["error"]["code"], answer["id"]) == (-32600, None)


async def test_a_notification_is_done_and_never_answered() -> None:
    for method in ("own", "busy", "broken", "no.such"):
        assert await ask(f'{{"jsonrpc":"2.0","method":"{method}"}}') is None


@pytest.mark.parametrize(
    ("message", "code", "identity"),
    [
        ("nonsense", -32700, None),
        (b"\xff\xfe", -32700, None),
        ('{"jsonrpc":"2.0","id":1,"method":"own"', -32700, None),
        ('{"jsonrpc":"2.0","id":1,"method":"\\ud800"}', -32700, None),
        ("[]", -32600, None),
        ("null", -32600, None),
        ("{}", -32600, None),
        ('{"jsonrpc":"2.0","id":5,"method":7}', -32600, 5),
        ('{"id":5,"method":"own"}', -32600, 5),
        ('{"jsonrpc":"1.0","id":"q","method":"own"}', -32600, "q"),
    ],
)
async def test_what_is_no_request_is_refused_with_its_number(
    message: str | bytes, code: int, identity: object
) -> None:
    answer = await ask(message)
    assert (answer["error"]["code"], answer["id"]) == (code, identity)
    assert answer["error"]["data"]["code"] == "bad-message"


async def test_an_unknown_method_is_named_cleaned_and_bounded() -> None:
    answer = await call("no\u202esuch" + "x" * 1000)
    assert answer["error"]["code"] == -32601
    assert answer["error"]["data"]["code"] == "method-unknown"
    assert "\u202e" not in answer["error"]["message"]
    assert len(answer["error"]["message"]) < 200


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "text"),
        ({"text": 7}, "text"),
        ({"text": "a", "wrong": 1}, "wrong"),
        ({"text": "a", "count": 10}, "count"),
        ({"text": "a", "count": "1"}, "count"),
        ({"text": "a", "inner": {"size": "x"}}, "inner.size"),
        ({"text": "a", "inner": {}}, "inner.size"),
        ({"text": "a", "password": 7}, "password"),
    ],
)
async def test_wrong_params_are_refused_and_the_field_is_named(
    params: dict[str, Any], field: str
) -> None:
    error = (await call("repeat", **params))["error"]
    assert error["code"] == -32602
    assert error["data"]["code"] == "input"
    assert error["data"]["facts"]["field"] == field
    assert error["message"].startswith(field)


async def test_params_by_position_are_refused() -> None:
    answer = await ask('{"jsonrpc":"2.0","id":1,"method":"repeat","params":["a"]}')
    assert answer["error"]["code"] == -32602


async def test_an_error_of_the_agent_travels_with_its_three_sentences() -> None:
    error = (await call("busy"))["error"]
    assert error["code"] == -32000
    assert error["message"] == "/dev/ttyACM0 is in use by a job."
    assert error["data"] == {
        "code": "port-busy",
        "title": "/dev/ttyACM0 is in use by a job.",
        "meaning": PortBusy.meaning,
        "remedy": PortBusy.remedy,
        "retryable": True,
        "facts": {"port": "/dev/ttyACM0", "holder": "a job"},
    }


async def test_a_defect_is_logged_and_only_its_kind_travels(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = (await call("broken"))["error"]
    assert error["data"]["code"] == "internal"
    assert "a detail" not in json.dumps(error)
    assert "KeyError" in caplog.text


async def test_own_methods_are_closed_to_foreign_pages() -> None:
    answer = await ask('{"jsonrpc":"2.0","id":1,"method":"own"}', own=False)
    assert answer["error"]["data"]["code"] == "not-allowed"


async def test_no_password_is_logged_whatever_goes_wrong(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [
        await call("repeat", text="a", password=MARKER),
        await call("repeat", text=1, password=MARKER),
        await call("repeat", text="a", password=[MARKER]),
        await call("leak", text="a", password=MARKER),
        await call("broken", password=MARKER),
    ]
    assert MARKER not in caplog.text
    assert MARKER not in json.dumps(answers)
    # A secret in a result is a defect, and it does not leave.
    assert answers[3]["error"]["data"]["code"] == "internal"


async def test_what_follows_an_answer_runs_after_it_and_not_after_an_error() -> None:
    order: list[str] = []

    async def subscribe(call: Call, _params: Nothing) -> Nothing:
        call.when_answered(lambda: order.append(str(call.peer.outbox.pop())))
        return Nothing()

    async def fail(call: Call, _params: Nothing) -> Nothing:
        call.when_answered(lambda: order.append("never"))
        raise PortBusy(port="p", holder="h")

    dispatcher = Dispatcher()
    dispatcher.add(Method("subscribe", "", Nothing, Nothing, subscribe))
    dispatcher.add(Method("fail", "", Nothing, Nothing, fail))
    peer = Peer(origin=None, own=True)
    await dispatcher.handle(peer, '{"jsonrpc":"2.0","id":1,"method":"subscribe"}')
    await dispatcher.handle(peer, '{"jsonrpc":"2.0","id":1,"method":"fail"}')
    assert order == ['{"jsonrpc":"2.0","id":1,"result":{}}']


def test_a_name_is_registered_once() -> None:
    dispatcher = make_dispatcher()
    with pytest.raises(ValueError, match="two methods"):
        dispatcher.add(dispatcher.methods[0])


@given(st.one_of(st.text(), st.binary()))
async def test_no_message_whatever_breaks_the_dispatcher(message: str | bytes) -> None:
    if isinstance(message, str):
        message = message.encode("utf-8", "replace").decode()
    answer = await ask(message)
    assert answer is None or answer["error"]["code"] in {-32700, -32600, -32601, -32602}


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=8,
)


@given(JSON, JSON)
async def test_no_params_and_no_id_break_a_method(params: object, identity: object) -> None:
    message = {"jsonrpc": "2.0", "id": identity, "method": "repeat", "params": params}
    answer = await ask(json.dumps(message))
    assert ("result" in answer) != ("error" in answer)


def test_messages_of_the_decoder_become_field_and_problem() -> None:
    assert explain("Expected `str`, got `int` - at `$.a.b`") == (
        "a.b",
        "must be of type str, not int",
    )
    assert explain("Object missing required field `x` - at `$.a`") == ("a.x", "is missing")
    assert explain("Expected `object`, got `array`")[0] == ""


async def test_a_method_outside_what_a_page_was_allowed_does_not_run() -> None:
    message = '{"jsonrpc":"2.0","id":1,"method":"flash"}'
    refused = (await ask(message, own=False))["error"]
    assert refused["code"] == -32000
    assert refused["data"]["code"] == "scope-refused"
    assert (await ask(message))["result"] == {}
