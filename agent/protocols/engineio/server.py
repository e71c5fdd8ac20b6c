"""All clients of one Engine.IO 3 endpoint: which session a request belongs to, or why to none.

No I/O and no clock. A route gives each HTTP request and each WebSocket a number of its own (the
wire), tells what happens on it, performs the effects, and calls :meth:`Server.tick` when
:attr:`Server.next_deadline` has come. Who may talk at all (origin, host) is decided before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.protocols.engineio.effects import (
    Answer,
    Closed,
    Effect,
    HangUp,
    Problem,
    refuse,
)
from agent.protocols.engineio.session import Limits, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

POLLING: Final = "polling"
WEBSOCKET: Final = "websocket"
VERSION: Final = "3"
"""Of the protocol, as ``EIO`` of the query. Clients of version 4 would misread what we send."""
SESSIONS: Final = 200
"""At the same time: several times what a person has pages open, each with a reload or two."""


class Server:
    """The sessions by their ids. Every method gives the effects, in order."""

    def __init__(
        self, make_sid: Callable[[], str], limits: Limits | None = None, sessions: int = SESSIONS
    ) -> None:
        """``make_sid``: a name that cannot be guessed, for it is all that a client shows."""
        self._make_sid = make_sid
        self._limits = limits or Limits()
        self._most = sessions
        self._sessions: dict[str, Session] = {}
        self._wires: dict[int, Session] = {}
        """Polls that wait, WebSockets, and POSTs that are being read."""

    @property
    def sids(self) -> tuple[str, ...]:
        """Clients that are there, those that are closing included."""
        return tuple(self._sessions)

    @property
    def wires(self) -> int:
        """Polls that wait and WebSockets, together."""
        return len(self._wires)

    @property
    def next_deadline(self) -> float | None:
        """When :meth:`tick` is due; it changes with every event."""
        due = (session.next_deadline for session in self._sessions.values())
        return min((each for each in due if each is not None), default=None)

    def waiting(self, sid: str) -> int:
        """Packets that wait to be sent to a client; 0 if it is not there."""
        session = self._sessions.get(sid)
        return session.waiting if session else 0

    def waiting_chars(self, sid: str) -> int:
        """Characters that were said to a client and are not sent yet; 0 if it is not there."""
        session = self._sessions.get(sid)
        return session.waiting_chars if session else 0

    def http(
        self, wire: int, method: str, query: Mapping[str, str], body: bytes, now: float
    ) -> list[Effect]:
        """An HTTP request with its whole body, which need not be read beyond the limit and a byte.

        A POST with many packets has no answer while :meth:`is_posting`: call :meth:`resume` then;
        others may have their turn in between.
        """
        found = self._find(method, POLLING, query)
        if isinstance(found, Problem):
            return [refuse(wire, found)]
        if found is None:
            return self._begin(wire, now, websocket=False)
        self._wires[wire] = found
        if method == "POST":
            return self._after(found.post(wire, body, now))
        return self._after(found.poll(wire, now))

    def is_posting(self, wire: int) -> bool:
        """Whether there is more to be read of a POST."""
        session = self._wires.get(wire)
        return session is not None and session.post_wire == wire

    def resume(self, wire: int, now: float) -> list[Effect]:
        """Go on with a POST."""
        session = self._wires.get(wire)
        return self._after(session.resume(wire, now)) if session else []

    def websocket(self, wire: int, query: Mapping[str, str], now: float) -> list[Effect]:
        """A WebSocket is asked for; Accept or Answer says whether it is taken."""
        found = self._find("GET", WEBSOCKET, query)
        if isinstance(found, Problem):
            return [refuse(wire, found)]
        if found is None:
            return self._begin(wire, now, websocket=True)
        self._wires[wire] = found
        return self._after(found.websocket(wire, now))

    def frame(self, wire: int, data: str | bytes, now: float) -> list[Effect]:
        """A message of a WebSocket."""
        session = self._wires.get(wire)
        return self._after(session.frame(wire, data, now)) if session else []

    def sent(self, wire: int) -> list[Effect]:
        """All that a WebSocket was given by one Frames is sent."""
        session = self._wires.get(wire)
        return self._after(session.sent(wire)) if session else []

    def lost(self, wire: int) -> list[Effect]:
        """A request was given up by its client, or a WebSocket is closed; known or not."""
        session = self._wires.pop(wire, None)
        return self._after(session.lost(wire)) if session else []

    def send(self, sid: str, text: str) -> list[Effect]:
        """Send a message; nothing happens if the client is not there (any more)."""
        session = self._sessions.get(sid)
        return self._after(session.send(text)) if session else []

    def close(self, sid: str, now: float) -> list[Effect]:
        """End one session."""
        session = self._sessions.get(sid)
        return self._after(session.close(now)) if session else []

    def tick(self, now: float) -> list[Effect]:
        """Do what is due."""
        effects: list[Effect] = []
        for session in tuple(self._sessions.values()):
            effects += self._after(session.tick(now))
        return effects

    def _find(
        self, method: str, transport: str, query: Mapping[str, str]
    ) -> Session | Problem | None:
        """The session of a request; None: it begins one."""
        if query.get("transport") not in {POLLING, WEBSOCKET}:
            return Problem.TRANSPORT
        if query.get("EIO", VERSION) != VERSION:
            return Problem.VERSION
        sid = query.get("sid")
        if sid and sid not in self._sessions:
            return Problem.SID
        # A script in place of the answer (`j`) could be read by every page.
        if query["transport"] != transport or "j" in query:
            return Problem.REQUEST
        if sid:
            return self._sessions[sid] if method in {"GET", "POST"} else Problem.REQUEST
        if method != "GET":
            return Problem.METHOD
        return Problem.FULL if len(self._sessions) >= self._most else None

    def _begin(self, wire: int, now: float, *, websocket: bool) -> list[Effect]:
        session = Session(self._make_sid(), self._limits, now)
        self._sessions[session.sid] = session
        self._wires[wire] = session
        return self._after(session.begin(wire, now, websocket=websocket))

    def _after(self, effects: list[Effect]) -> list[Effect]:
        """Forget what the effects end."""
        for effect in effects:
            if isinstance(effect, Answer | HangUp):
                self._wires.pop(effect.wire, None)
            elif isinstance(effect, Closed):
                del self._sessions[effect.sid]
        return effects
