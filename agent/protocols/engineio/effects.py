"""What the machines of Engine.IO give out: work for the one who holds the wires, and news.

A **wire** is a number that the caller gives to each HTTP request and each WebSocket. Effects are
performed in their order; those of one WebSocket one after the other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

TEXT: Final = "text/plain; charset=UTF-8"
JSON: Final = "application/json"


class Reason(Enum):
    """Why a session ended."""

    CLIENT = "client closed it"
    SERVER = "we closed it"
    LOST = "connection lost"
    SILENT = "no sign of life"
    """Nothing was heard for the ping interval and the ping timeout together."""
    MALFORMED = "cannot be understood"
    """No packet, or a body that is none: what follows would be misread."""
    TOO_LARGE = "too large"
    """A body or a message above its limit."""
    SLOW = "too slow"
    """What waits for it reached its limit: nothing is dropped in silence."""


class Problem(Enum):
    """Why a request is refused: code and words of the reference server, and the HTTP status."""

    TRANSPORT = (0, "Transport unknown", 400)
    SID = (1, "Session ID unknown", 400)
    METHOD = (2, "Bad handshake method", 400)
    REQUEST = (3, "Bad request", 400)
    VERSION = (5, "Unsupported protocol version", 400)
    TOO_LARGE = (3, "Body too large", 413)
    FULL = (3, "Too many sessions", 503)


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer the HTTP request; a WebSocket that was not accepted yet is refused with it."""

    wire: int
    status: int = 200
    body: bytes = b"ok"
    media_type: str = TEXT


@dataclass(frozen=True, slots=True)
class Accept:
    """Accept the WebSocket."""

    wire: int


@dataclass(frozen=True, slots=True)
class Frames:
    """Send these as text messages, in order, then tell ``sent``: until then nothing more comes."""

    wire: int
    frames: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the WebSocket after what it was given before, or now if that does not move."""

    wire: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A client is there."""

    sid: str


@dataclass(frozen=True, slots=True)
class Message:
    """The client sent this."""

    sid: str
    text: str


@dataclass(frozen=True, slots=True)
class BinaryDropped:
    """The client sent binary data, which is not taken; the session goes on."""

    sid: str
    size: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The client is gone; nothing of it follows."""

    sid: str
    reason: Reason


WireEffect: TypeAlias = Answer | Accept | Frames | HangUp
Effect: TypeAlias = WireEffect | Opened | Message | BinaryDropped | Closed


def refuse(wire: int, problem: Problem) -> Answer:
    """The answer to a request that is not served."""
    code, message, status = problem.value
    body = json.dumps({"code": code, "message": message}).encode()
    return Answer(wire, status, body, JSON)
