"""Clients of Socket.IO 2.x: names and arguments over the sessions of Engine.IO.

No I/O and no clock; the methods are those of :class:`agent.protocols.engineio.Server`, whose
effects on wires are passed on. Text events of the default namespace are all that is spoken here.
What a client sends beside them is told as :class:`Ignored` and harms neither it nor others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from agent.protocols import engineio
from agent.protocols.engineio.effects import WireEffect
from agent.protocols.socketio.packets import DEFAULT, Kind, Malformed, Packet, decode_packet
from agent.protocols.socketio.packets import encode_packet as encode

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_BINARY = "Binary data is not supported"
NO_NAMESPACE = "Invalid namespace"
"""The reference server's words."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A client is there, and was told so."""

    sid: str


@dataclass(frozen=True, slots=True)
class Event:
    """A client's event. ``id``: it wants :meth:`Server.acknowledge` with this number."""

    sid: str
    name: str
    arguments: tuple[Any, ...]
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """A client sent something that nothing is done with; ``reason`` is ours, for the log."""

    sid: str
    reason: str


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The client is gone; nothing of it follows."""

    sid: str
    reason: engineio.Reason


Effect: TypeAlias = WireEffect | Connected | Event | Ignored | Disconnected


class Server:
    """All clients. Every method gives the effects, in order."""

    def __init__(self, engine: engineio.Server) -> None:
        self._engine = engine
        self._here: dict[str, None] = {}
        """Clients in the order they came. Their sessions may outlive them, to say the last words."""

    @property
    def sids(self) -> tuple[str, ...]:
        """Clients that are there."""
        return tuple(self._here)

    @property
    def next_deadline(self) -> float | None:
        """When :meth:`tick` is due; it changes with every event."""
        return self._engine.next_deadline

    def waiting(self, sid: str) -> int:
        """Packets that wait to be sent to a client; 0 if it is not there."""
        return self._engine.waiting(sid)

    def waiting_chars(self, sid: str) -> int:
        """Characters that were said to a client and are not sent yet; 0 if it is not there."""
        return self._engine.waiting_chars(sid)

    def http(
        self, wire: int, method: str, query: Mapping[str, str], body: bytes, now: float
    ) -> list[Effect]:
        """An HTTP request with its whole body."""
        return self._up(self._engine.http(wire, method, query, body, now), now)

    def is_posting(self, wire: int) -> bool:
        """Whether there is more to be read of a POST: call :meth:`resume`."""
        return self._engine.is_posting(wire)

    def resume(self, wire: int, now: float) -> list[Effect]:
        """Go on with a POST."""
        return self._up(self._engine.resume(wire, now), now)

    def websocket(self, wire: int, query: Mapping[str, str], now: float) -> list[Effect]:
        """A WebSocket is asked for."""
        return self._up(self._engine.websocket(wire, query, now), now)

    def frame(self, wire: int, data: str | bytes, now: float) -> list[Effect]:
        """A message of a WebSocket."""
        return self._up(self._engine.frame(wire, data, now), now)

    def sent(self, wire: int, now: float) -> list[Effect]:
        """All that a WebSocket was given by one Frames is sent."""
        return self._up(self._engine.sent(wire), now)

    def lost(self, wire: int, now: float) -> list[Effect]:
        """A request or a WebSocket is gone."""
        return self._up(self._engine.lost(wire), now)

    def tick(self, now: float) -> list[Effect]:
        """Do what is due."""
        return self._up(self._engine.tick(now), now)

    def emit(self, sid: str, name: str, *arguments: object, now: float) -> list[Effect]:
        """Send an event to one client; nothing happens if it is not there (any more)."""
        return self._say(sid, Packet(Kind.EVENT, [name, *arguments]), now)

    def acknowledge(self, sid: str, number: int, *arguments: object, now: float) -> list[Effect]:
        """Answer an event that asked for it."""
        return self._say(sid, Packet(Kind.ACK, list(arguments), number), now)

    def close(self, sid: str, now: float) -> list[Effect]:
        """End the session of a client, which then comes back by itself if it wants to.

        A DISCONNECT packet would keep the client libraries from that.
        """
        gone = self._gone(sid, engineio.Reason.SERVER)
        return [*gone, *self._up(self._engine.close(sid, now), now)]

    def _say(self, sid: str, packet: Packet, now: float) -> list[Effect]:
        return self._up(self._engine.send(sid, encode(packet)), now)

    def _gone(self, sid: str, reason: engineio.Reason) -> list[Effect]:
        """Tell once that a client is gone."""
        if sid not in self._here:
            return []
        del self._here[sid]
        return [Disconnected(sid, reason)]

    def _up(self, effects: list[engineio.Effect], now: float) -> list[Effect]:
        """Understand what the sessions tell; their effects on wires stay in order."""
        found: list[Effect] = []
        for effect in effects:
            if isinstance(effect, engineio.Opened):
                self._here[effect.sid] = None
                found += self._say(effect.sid, Packet(Kind.CONNECT), now)
                found.append(Connected(effect.sid))
            elif isinstance(effect, engineio.Message):
                # An answer to what stood before it may have ended the session.
                if effect.sid in self._here:
                    found += self._message(effect, now)
            elif isinstance(effect, engineio.BinaryDropped):
                if effect.sid in self._here:
                    found.append(Ignored(effect.sid, f"{effect.size} bytes of binary data"))
            elif isinstance(effect, engineio.Closed):
                found += self._gone(effect.sid, effect.reason)
            else:
                found.append(effect)
        return found

    def _message(self, message: engineio.Message, now: float) -> list[Effect]:
        sid, packet = message.sid, decode_packet(message.text)
        if isinstance(packet, Malformed):
            return [Ignored(sid, packet.reason)]
        if packet.namespace != DEFAULT:
            refused = Packet(Kind.ERROR, NO_NAMESPACE, namespace=packet.namespace)
            said = self._say(sid, refused, now) if packet.kind is Kind.CONNECT else []
            return [*said, Ignored(sid, "another namespace")]
        if packet.kind is Kind.EVENT:
            return [_event(sid, packet)]
        if packet.kind is Kind.DISCONNECT:
            gone = self._gone(sid, engineio.Reason.CLIENT)
            return [*gone, *self._up(self._engine.close(sid, now), now)]
        if packet.kind in {Kind.BINARY_EVENT, Kind.BINARY_ACK}:
            said = self._say(sid, Packet(Kind.ERROR, NO_BINARY), now)
            return [*said, Ignored(sid, "binary data announced")]
        return [Ignored(sid, f"{packet.kind.name} packet")]


def _event(sid: str, packet: Packet) -> Event | Ignored:
    """The event of a packet; names are text, as no other reach us from what we serve."""
    match packet.data:
        case [str() as name, *arguments]:
            return Event(sid, name, tuple(arguments), packet.id)
        case _:
            return Ignored(sid, "event without a name")
