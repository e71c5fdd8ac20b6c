"""What a route of the interface is asked, and what it answers: HTTP without the wire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of somebody who may ask; the whole body is there."""

    method: str
    """``HEAD`` too: the body of its answer is not sent."""
    path: str
    body: bytes
    origin: str | None
    """Whose page it is; None: a program of this user, or the agent's own page."""
    may: Callable[[str], bool]
    """Whether the one who asks has a scope: ``boards``, ``serial``, ``flash``."""
    host: str = ""
    """The ``Host`` that was asked, which is one of this agent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes = b""
    media_type: str = JSON


Route: TypeAlias = Callable[[Asked], Awaitable[Answer]]

NOT_FOUND: Final = Answer(404, b"404 page not found", TEXT)
