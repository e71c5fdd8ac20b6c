"""Our packets against socket.io-parser, which the pages' client has: both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.protocols.socketio import Kind, Packet, decode_packet, encode_packet
from tests.protocols.node_judge import Child, running

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.needs("socketio")

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
EVENTS = st.builds(
    Packet,
    st.sampled_from([Kind.EVENT, Kind.ACK]),
    st.builds(lambda name, rest: [name, *rest], TEXT, st.lists(VALUES, max_size=3)),
    st.none() | st.integers(0, 10**15 - 1),
    st.sampled_from(["/", "/chat"]),
)
FEW = settings(max_examples=40)


@pytest.fixture(scope="module")
def parser() -> Iterator[Child]:
    with running("parsers.js") as child:
        yield child


def as_javascript(packet: Packet) -> dict[str, Any]:
    found = {"type": int(packet.kind.value), "nsp": packet.namespace, "data": packet.data}
    return found if packet.id is None else {**found, "id": packet.id}


def test_it_reads_what_we_write_and_we_read_what_it_writes(parser):
    @FEW
    @given(EVENTS)
    def check(packet: Packet) -> None:
        assert parser.ask("read", encode_packet(packet)) == as_javascript(packet)
        written = parser.ask("write", as_javascript(packet))
        assert written == encode_packet(packet)
        assert decode_packet(written) == packet

    check()


@pytest.mark.parametrize(
    "packet",
    [
        Packet(Kind.CONNECT),
        Packet(Kind.CONNECT, namespace="/chat"),
        Packet(Kind.DISCONNECT),
        Packet(Kind.ERROR, "no"),
        Packet(Kind.ERROR, "Invalid namespace", namespace="/chat"),
    ],
)
def test_what_is_no_event_is_read_as_it_is_meant(parser, packet):
    read = parser.ask("read", encode_packet(packet))
    assert {key: value for key, value in read.items() if value is not None} == {
        key: value for key, value in as_javascript(packet).items() if value is not None
    }
