"""Packets of ours become the same messages in paho's library, and packets of paho's in ours."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.protocols.mqtt import (
    V5,
    V311,
    Acknowledge,
    ConnAck,
    Connect,
    Malformed,
    Packet,
    PacketDecoder,
    Property,
    Publish,
    SubAck,
    Subscribe,
    encode,
)
from agent.protocols.mqtt.packets import Kind
from tests import system_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.protocols.mqtt.properties import Value

pytestmark = [pytest.mark.needs("thingsboard"), pytest.mark.slow, pytest.mark.timeout(90)]

_P = TypeVar("_P", bound=Packet)
ROOT = Path(__file__).parents[3]
LIMIT_S = 30.0
"""An answer over loopback takes a millisecond; a busy machine may take seconds."""

# paho sends no topic with a wildcard, and takes none as empty.
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="+#$"),
    min_size=1,
    max_size=40,
)
PROPERTIES: st.SearchStrategy[dict[int, Value]] = st.fixed_dictionaries(
    {},
    optional={
        Property.PAYLOAD_FORMAT: st.integers(0, 1),
        Property.MESSAGE_EXPIRY_S: st.integers(0, 0xFFFFFFFF),
        Property.CONTENT_TYPE: TEXT,
        Property.RESPONSE_TOPIC: TEXT,
        Property.CORRELATION: st.binary(min_size=1, max_size=40),
        Property.USER: st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=3).map(tuple),
    },
)


class Server:
    """The other end of paho: sends messages and takes them, each QoS to its end."""

    def __init__(self, connection: socket.socket, version: int) -> None:
        self._connection = connection
        self._version = version
        self._decoder = PacketDecoder()
        self._waiting: list[Packet] = []
        connect = self.take(Connect)
        assert connect.version == version
        self.say(ConnAck())
        asked = self.take(Subscribe)
        assert asked.filters == (("#", 2),)
        self.say(SubAck(packet_id=asked.packet_id, codes=(2,)))

    def say(self, packet: Packet) -> None:
        self._connection.sendall(encode(packet, self._version))

    def take(self, kind: type[_P]) -> _P:
        """The next packet of this kind; what belongs to a QoS is answered on the way."""
        while True:
            while not self._waiting:
                data = self._connection.recv(1 << 16)
                assert data, "paho ended the connection"
                for packet in self._decoder.feed(data):
                    assert not isinstance(packet, Malformed), packet
                    self._waiting.append(packet)
            packet = self._waiting.pop(0)
            self._answer(packet)
            if isinstance(packet, kind):
                return packet

    def _answer(self, packet: Packet) -> None:
        if isinstance(packet, Publish) and packet.qos:
            kind = Kind.PUBACK if packet.qos == 1 else Kind.PUBREC
            self.say(Acknowledge(kind=kind, packet_id=packet.packet_id))
        elif isinstance(packet, Acknowledge) and packet.kind in {Kind.PUBREC, Kind.PUBREL}:
            assert packet.code == 0
            self.say(Acknowledge(kind=Kind(packet.kind + 1), packet_id=packet.packet_id))


@pytest.fixture(params=[V311, V5], ids=["3.1.1", "5"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[Server, int]]:
    judge = system_parts.PARTS["thingsboard"].judge
    assert judge is not None
    version: int = request.param
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LIMIT_S)
        port = listener.getsockname()[1]
        script = str(ROOT / "tests" / "judges" / "paho_echo.py")
        environ = {"PATH": os.environ["PATH"]}
        with subprocess.Popen(
            [str(judge.python), script, str(port), str(version)], env=environ
        ) as process:
            connection, _ = listener.accept()
            try:
                with connection:
                    connection.settimeout(LIMIT_S)
                    yield Server(connection, version), version
            finally:
                process.kill()


def test_a_message_comes_back_as_it_was_sent(server):
    peer, version = server
    numbers = iter(range(1, 60_000))

    @settings(max_examples=200)
    @given(TEXT, st.binary(max_size=300), st.integers(0, 2), st.booleans(), PROPERTIES)
    def both_ways(topic, payload, qos, retain, properties):
        said = Publish(
            topic=topic,
            payload=payload,
            qos=qos,
            retain=retain,
            packet_id=next(numbers) if qos else 0,
            properties=properties if version == V5 else {},
        )
        peer.say(said)
        heard = peer.take(Publish)
        assert heard.topic == f"echo/{topic}"
        assert (heard.payload, heard.qos, heard.retain) == (payload, qos, retain)
        assert dict(heard.properties) == dict(said.properties)

    both_ways()
