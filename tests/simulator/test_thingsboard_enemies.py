"""Whatever clients send, the simulated ThingsBoard neither fails nor keeps anything of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.protocols.coap import messages as coap
from agent.protocols.mqtt import (
    V5,
    V311,
    Acknowledge,
    ConnAck,
    Connect,
    Disconnect,
    PingReq,
    PingResp,
    Publish,
    Subscribe,
    Unsubscribe,
    encode,
)
from agent.protocols.mqtt.packets import Kind
from agent.simulator.thingsboard_coap import CoapCalls
from agent.simulator.thingsboard_credentials import (
    BasicLogin,
    basic_credentials,
    token_credentials,
)
from agent.simulator.thingsboard_session import Surroundings
from tests.simulator.thingsboard_talk import CHECK_KEY, KEY, SECRET, Clock, Desk, make_state

if TYPE_CHECKING:
    from agent.simulator.coap_server import CoapServer
    from agent.simulator.thingsboard_state import ThingsBoardState

EXAMPLES = 60
FIELDS = (
    *("deviceName", "provisionDeviceKey", "provisionDeviceSecret", "credentialsType", "token"),
    *("clientId", "username", "password", "hash", "gateway"),
)
WORDS = (KEY, CHECK_KEY, "pk-off", SECRET, "MQTT_BASIC", "X509_CERTIFICATE", "LWM2M_CREDENTIALS")
NAMES = ("device", "data", "id", "method", "params", "ts", "values", "key", "keys", "probe")
TOPICS = (
    "/provision/request",
    *(f"v1/devices/me/{each}" for each in ("telemetry", "attributes", "claim", "rpc/request/x")),
    *(f"v1/devices/me/{each}/1" for each in ("attributes/request", "rpc/request", "rpc/response")),
    f"v1/devices/me/rpc/response/{10**30}",
    *(f"v1/gateway/{each}" for each in ("connect", "disconnect", "telemetry", "attributes")),
    *(f"v1/gateway/{each}" for each in ("attributes/request", "rpc", "claim", "x")),
)
FILTERS = ("#", "+", "v1/devices/me/rpc/request/+", "/provision/response", *TOPICS)

# Halves of characters, too, which JSON can carry.
texts = st.text(st.characters(exclude_categories=()), max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=8,
)
requests = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(WORDS) | values, max_size=8)
payloads = st.binary(max_size=20) | (values | requests).map(lambda said: json.dumps(said).encode())
ids = st.integers(1, 5)


def publish(topic: str, payload: bytes, qos: int, number: int, dup: bool) -> Publish:
    return Publish(
        topic=topic, payload=payload, qos=qos, packet_id=number if qos else 0, dup=dup and qos > 0
    )


def lists(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, min_size=1, max_size=3).map(tuple)


packets = st.one_of(
    st.builds(publish, st.sampled_from(TOPICS), payloads, st.integers(0, 2), ids, st.booleans()),
    st.builds(
        Subscribe,
        packet_id=ids,
        filters=lists(st.tuples(st.sampled_from(FILTERS), st.integers(0, 2))),
    ),
    st.builds(Unsubscribe, packet_id=ids, filters=lists(st.sampled_from(FILTERS))),
    st.builds(
        Acknowledge,
        kind=st.sampled_from((Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP)),
        packet_id=ids,
    ),
    st.sampled_from((PingReq(), PingResp(), Disconnect(), ConnAck())),
    st.binary(max_size=12),
)
greetings = st.builds(
    Connect,
    username=st.sampled_from(("", "provision", "tok", "gw", "u", "x")),
    client_id=st.sampled_from(("", "provision", "c", "x")),
    password=st.sampled_from((None, b"", b"p", b"\xff")),
)


def populated() -> ThingsBoardState:
    state = make_state()
    create = state.profile_named("create")
    state.add_device("probe", create, token_credentials("tok"))
    state.add_device("gw", create, token_credentials("gw"), gateway=True)
    state.add_device("basic", create, basic_credentials(BasicLogin("c", "u", "p")))
    return state


@settings(max_examples=EXAMPLES)
@given(st.sampled_from((V311, V5)), greetings, st.lists(packets | greetings, max_size=8))
def test_whatever_comes_over_mqtt_there_are_answers_or_an_end(
    version: int, first: Connect, said: list[Any]
) -> None:
    desk = Desk(populated(), version=version)
    for each in (first, *said):
        packet = replace(each, version=version) if isinstance(each, Connect) else each
        desk.session.feed(packet if isinstance(packet, bytes) else encode(packet, version))
        desk.session.tick()
        desk.heard()
    desk.session.lost()
    assert not any(desk.around.state.sessions.values())


class Sent:
    """Takes the datagrams of the server."""

    def __init__(self) -> None:
        self.out: list[bytes] = []

    def sendto(self, data: bytes, _address: object) -> None:
        self.out.append(data)


segments = st.sampled_from((b"api", b"v1", b"provision", b"tok", b"attributes", b"\xff"))
options = st.tuples(
    st.sampled_from((1, 3, 4, 5, 6, 11, 12, 15, 17, 23, 27, 35, 60, 258, 65_000)),
    st.binary(max_size=4) | segments,
)
datagrams = st.builds(
    coap.CoapMessage,
    st.integers(0, 3),
    st.integers(0, 255),
    st.integers(0, 3),
    st.binary(max_size=8),
    st.lists(options, max_size=6).map(tuple),
    payloads,
).map(coap.encode)


@settings(max_examples=EXAMPLES)
@given(st.lists(datagrams | st.binary(max_size=30), max_size=6))
def test_whatever_comes_over_coap_every_answer_is_coap(said: list[bytes]) -> None:
    server: CoapServer = CoapCalls(Surroundings(populated(), Clock())).server()
    sent: Any = Sent()
    server.connection_made(sent)
    for data in said:
        server.datagram_received(data, ("127.0.0.1", 1))
    for answer in sent.out:
        coap.decode(answer)
    assert len(sent.out) <= len(said)
