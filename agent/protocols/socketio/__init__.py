"""The Socket.IO protocol of its 2.x libraries, the server's side. Start at :class:`Server`."""

from agent.protocols.socketio.packets import Kind, Malformed, Packet, decode_packet, encode_packet
from agent.protocols.socketio.server import (
    Connected,
    Disconnected,
    Effect,
    Event,
    Ignored,
    Server,
)

__all__ = [
    "Connected",
    "Disconnected",
    "Effect",
    "Event",
    "Ignored",
    "Kind",
    "Malformed",
    "Packet",
    "Server",
    "decode_packet",
    "encode_packet",
]
