"""Engine.IO protocol 3, the server's side: HTTP polls and a WebSocket as one line of messages.

Start at :class:`Server`. What the messages mean is in :mod:`agent.protocols.socketio`.
"""

from agent.protocols.engineio.effects import (
    Accept,
    Answer,
    BinaryDropped,
    Closed,
    Effect,
    Frames,
    HangUp,
    Message,
    Opened,
    Problem,
    Reason,
    WireEffect,
)
from agent.protocols.engineio.packets import (
    Binary,
    Decoded,
    Kind,
    Malformed,
    Packet,
    decode_binary,
    decode_packet,
    decode_payload,
    encode_packet,
    encode_payload,
    utf16_units,
    well_formed,
)
from agent.protocols.engineio.server import Server
from agent.protocols.engineio.session import Limits, Session, State

__all__ = [
    "Accept",
    "Answer",
    "Binary",
    "BinaryDropped",
    "Closed",
    "Decoded",
    "Effect",
    "Frames",
    "HangUp",
    "Kind",
    "Limits",
    "Malformed",
    "Message",
    "Opened",
    "Packet",
    "Problem",
    "Reason",
    "Server",
    "Session",
    "State",
    "WireEffect",
    "decode_binary",
    "decode_packet",
    "decode_payload",
    "encode_packet",
    "encode_payload",
    "utf16_units",
    "well_formed",
]
