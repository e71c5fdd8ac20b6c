"""Our packets against engine.io-parser, which the pages' client has: both ways, any text."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.protocols.engineio import (
    Binary,
    Decoded,
    Kind,
    Packet,
    decode_payload,
    encode_payload,
    well_formed,
)
from tests.protocols.node_judge import Child, running

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.needs("socketio")

PACKETS = st.lists(
    st.builds(Packet, st.sampled_from(Kind), st.text(st.characters(), max_size=20)), max_size=6
)
"""With halves of characters."""
FEW = settings(max_examples=40)


@pytest.fixture(scope="module")
def parser() -> Iterator[Child]:
    with running("parsers.js") as child:
        yield child


def named(packets: list[Packet]) -> list[list[str]]:
    return [[packet.kind.name.lower(), packet.data] for packet in packets]


def as_sent(packets: list[Packet]) -> list[Decoded]:
    return [Packet(packet.kind, well_formed(packet.data)) for packet in packets]


def test_it_reads_what_we_write(parser):
    @FEW
    @given(PACKETS)
    def check(packets: list[Packet]) -> None:
        body = base64.b64encode(encode_payload(packets)).decode()
        read = [[kind, data or ""] for kind, data in parser.ask("unpack", body)]
        assert read == [[kind, well_formed(data)] for kind, data in named(packets)]

    check()


def test_we_read_what_it_writes(parser):
    @FEW
    @given(PACKETS)
    def check(packets: list[Packet]) -> None:
        body = base64.b64decode(parser.ask("packTexts", named(packets)))
        assert list(decode_payload(body, 9)) == as_sent(packets)

    check()


def test_we_read_what_it_writes_in_bytes(parser):
    @FEW
    @given(PACKETS.filter(bool))
    def check(packets: list[Packet]) -> None:
        body = base64.b64decode(parser.ask("packBytes", named(packets)))
        assert list(decode_payload(body, 9)) == as_sent(packets)

    check()


def test_binary_data_between_texts_is_seen(parser):
    ping = Packet(Kind.PING, "\N{GRINNING FACE}")
    binary = ["message", {"type": "Buffer", "data": [1, 2, 3]}]
    for operation in ("packTexts", "packBytes"):
        body = base64.b64decode(parser.ask(operation, [*named([ping]), binary, *named([ping])]))
        assert list(decode_payload(body, 9)) == [ping, Binary(Kind.MESSAGE, 3), ping]
