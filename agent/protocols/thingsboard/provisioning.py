"""One attempt to provision a device, over any transport: events in, what to do next out.

HTTP and CoAP ask and get an answer. MQTT connects as ``provision``, subscribes, asks, and waits for
a message; its server refuses by closing. Whether an attempt may be made again is decided here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from agent.protocols.thingsboard.replies import (
    Issued,
    NoDecision,
    Refused,
    Reply,
    Unusable,
    parse_reply,
)
from agent.protocols.thingsboard.requests import RESPONSE_TOPIC

ANSWER_LIMIT_S: Final = 10.0
"""From the request to the reply; the server itself gives up after so long."""
TRIES: Final = 10
"""Then a person has to look at the server's limits."""
UNREACHED_TRIES: Final = 3
"""Where nobody answers at all: 1 + 2 s tell a hiccup from a wrong address."""
BACKOFF_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
"""Waits before the next attempt; the last one stays. A blocked address is free after 60 s."""
JITTER: Final = 0.25
"""Part by which a wait is longer at most, so that boards of one bench do not ask in step."""
OTHER_MESSAGES_MAX: Final = 100
"""Messages on other topics before the reply that are passed over."""


class State(Enum):
    """Where an attempt is."""

    CONNECTING = auto()  # nothing was sent that matters
    SUBSCRIBING = auto()  # MQTT only: the session stands
    ASKED = auto()  # the request has left: the device may exist from now on
    OVER = auto()


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Subscribe to this topic and say whether that was granted."""

    topic: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Send the request."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for what comes, at most :data:`ANSWER_LIMIT_S` after the request."""


@dataclass(frozen=True, slots=True)
class NotAsked:
    """The attempt ended before the request was sent; the server knows nothing of it."""

    detail: str
    reached: bool = True
    """Whether there was a server at all, which may only have too much to do."""


@dataclass(frozen=True, slots=True)
class Overloaded:
    """The server asks for patience and has done nothing."""

    detail: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """No decision came: an error of the server, silence, or a close."""

    detail: str
    maybe_done: bool
    """Whether the device may exist now all the same."""


Outcome: TypeAlias = Issued | Refused | Unusable | NotAsked | Overloaded | NotUnderstood


class Attempt:
    """The machine of one attempt; every method returns what to do next.

    After an outcome all further events give the same outcome: a server that answers twice, or
    answers and closes, changes nothing.
    """

    def __init__(self, *, subscribes: bool) -> None:
        """``subscribes``: the reply comes as a message (MQTT)."""
        self._subscribes = subscribes
        self._passed_over = 0
        self._outcome: Outcome | None = None
        self.state = State.CONNECTING

    def connected(self) -> Subscribe | Ask | Outcome:
        """The way to the server stands."""
        if self._outcome is not None:
            return self._outcome
        if self._subscribes:
            self.state = State.SUBSCRIBING
            return Subscribe(RESPONSE_TOPIC)
        self.state = State.ASKED
        return Ask()

    def subscribed(self) -> Ask | Outcome:
        """The subscription was granted."""
        if self._outcome is not None:
            return self._outcome
        self.state = State.ASKED
        return Ask()

    def message(self, topic: str, body: bytes) -> Wait | Outcome:
        """A message came (MQTT)."""
        if self._outcome is not None:
            return self._outcome
        if topic == RESPONSE_TOPIC and self.state is State.ASKED:
            return self._read(body)
        # What comes before the request cannot be its reply, and other topics are not ours.
        self._passed_over += 1
        if self._passed_over > OTHER_MESSAGES_MAX:
            return self.closed("It sends other messages without an end.")
        return Wait()

    def answered(self, body: bytes, *, turned_away: bool = False, said: str = "") -> Outcome:
        """The exchange ended with a body (HTTP, CoAP).

        ``turned_away``: the status blames the request (3xx, 4xx, 4.xx), so nothing was done;
        ``said`` is that status in words.
        """
        return self._outcome or self._read(body, turned_away=turned_away, said=said)

    def refused(self, detail: str) -> Outcome:
        """The request itself was refused with a code (MQTT 5) that says so: nothing was done."""
        return self._end(NotUnderstood(detail, maybe_done=False))

    def overloaded(self, detail: str, after_s: float | None = None) -> Outcome:
        """The server said that it is too much (429, 4.29, busy)."""
        return self._end(Overloaded(detail, after_s))

    def closed(self, detail: str, *, reached: bool = True) -> Outcome:
        """The connection is over, or there never was one (``reached`` False)."""
        if self.state is State.ASKED and reached:
            return self._end(NotUnderstood(detail, maybe_done=True))
        return self._end(NotAsked(detail, reached))

    def silent(self, limit_s: float = ANSWER_LIMIT_S) -> Outcome:
        """No reply within the limit."""
        return self.closed(f"There was no answer within {limit_s:g} s.")

    def _read(self, body: bytes, *, turned_away: bool = False, said: str = "") -> Outcome:
        reply: Reply = parse_reply(body)
        if not isinstance(reply, NoDecision):
            return self._end(reply)
        # An error that the server words itself is one of reading: it had done nothing yet. One
        # without words comes from inside, where the device may have been made; an answer that
        # cannot be read may be the yes.
        worded = reply.detail.startswith("It said:")
        detail = f"{said} {reply.detail}".strip()
        return self._end(NotUnderstood(detail, maybe_done=not (turned_away or worded)))

    def _end(self, outcome: Outcome) -> Outcome:
        if self._outcome is None:
            self._outcome = outcome
            self.state = State.OVER
        return self._outcome


def retry_wait_s(outcome: Outcome, attempts: int, chance: float) -> float | None:
    """Seconds until the next attempt after ``attempts`` of them; None: this outcome counts.

    Only where the server surely did nothing. ``chance`` is a random number from 0 to 1.
    """
    if attempts >= TRIES or not isinstance(outcome, NotAsked | Overloaded):
        return None
    if isinstance(outcome, NotAsked) and not outcome.reached and attempts >= UNREACHED_TRIES:
        return None
    wait_s = BACKOFF_S[min(attempts, len(BACKOFF_S)) - 1]
    if isinstance(outcome, Overloaded) and outcome.after_s is not None:
        if outcome.after_s > BACKOFF_S[-1]:
            return None
        wait_s = max(wait_s, outcome.after_s)
    return wait_s * (1 + JITTER * chance)
