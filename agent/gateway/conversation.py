"""What is said in one session, in which order, and no faster than the server allows.

First answers, then who is there, then what is known of them, then values, and who has left last:
by its last values a device would be there again. One message at a time: the server has each
before the next one goes out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from agent.errors import CloudAnswer, CloudError
from agent.protocols.thingsboard import gateway
from agent.protocols.thingsboard.gateway_pack import (
    OWN,
    attributes,
    own_attributes,
    split_sample,
    telemetry_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.gateway.backlog import Backlog, Waiting
    from agent.gateway.boards import Presence
    from agent.gateway.connection import GatewayLink
    from agent.protocols.thingsboard.gateway_limits import GatewayPace
    from agent.protocols.thingsboard.gateway_pack import Message

ANSWERS_MAX: Final = 64
"""Answers that wait; the server gave up on the oldest of more than that long ago."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A message that may be sent, and what is so once the server has it."""

    topic: str
    payload: bytes
    points: Mapping[str, int]
    done: Callable[[], object]
    refused: Callable[[], object]
    """The server has read it and said no."""
    failed: Callable[[], object] = lambda: None
    """The session ended before the server had it, as far as is known."""


_Next: TypeAlias = "tuple[_Step | None, float]"
"""A message that may go out now; or none, and the seconds until there may be one."""


NOTHING: Final[_Next] = (None, math.inf)


class Conversation:
    """One session. :meth:`wake` it when there is something new to say."""

    def __init__(
        self,
        link: GatewayLink,
        pace: GatewayPace,
        presence: Presence,
        backlog: Backlog,
        *,
        own: Callable[[], Mapping[str, Any]],
        now: Callable[[], float],
    ) -> None:
        """``own`` gives the gateway's own attributes; ``now`` is a clock for waits (seconds)."""
        self._link = link
        self._pace = pace
        self._presence = presence
        self._backlog = backlog
        self._own = own
        self._now = now
        self._news = asyncio.Event()
        self._answers: deque[tuple[str, bytes]] = deque(maxlen=ANSWERS_MAX)
        self._connected: set[str] = set()
        self._refused: set[str] = set()
        """Devices that the server does not take; they are not tried again in this session."""
        self._told: dict[str, dict[str, Any]] = {}

    def wake(self) -> None:
        """Something has changed."""
        self._news.set()

    def answer(self, topic: str, payload: bytes) -> None:
        """An answer to a call; before everything else."""
        self._answers.append((topic, payload))
        self._news.set()

    def left(self, device: str) -> None:
        """The server has ended its session of a device; it is said anew if it is there."""
        self._connected.discard(device)
        self._told.pop(device, None)
        self._news.set()

    async def run(self) -> None:
        """Say everything, for ever. Raises :class:`CloudError` when the session is over."""
        while True:
            self._news.clear()
            step, wait_s = self._next()
            if step is None:
                await self._sleep(wait_s)
                continue
            try:
                await self._link.publish(step.topic, step.payload)
            except CloudAnswer as refused:
                _log.warning("the server does not take a message on %s: %s", step.topic, refused)
                step.refused()
            except CloudError:
                step.failed()
                raise
            else:
                step.done()
            finally:
                # It may have come through where nobody said so.
                self._pace.sent(self._now(), step.points)

    async def _sleep(self, seconds: float) -> None:
        """Until then, or until there is something new, which may go before."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds if seconds < math.inf else None):
                await self._news.wait()

    def _next(self) -> _Next:
        now, soonest = self._now(), math.inf
        for look in (
            self._answer,
            self._connect,
            self._own_attributes,
            self._attributes,
            self._own_telemetry,
            self._telemetry,
            self._disconnect,
        ):
            step, wait_s = look(now)
            if step is not None and wait_s <= 0:
                return step, 0.0
            soonest = min(soonest, wait_s)
        return None, soonest

    def _when(self, now: float, step: _Step) -> _Next:
        return step, self._pace.wait_s(now, step.points)

    def _answer(self, now: float) -> _Next:
        if not self._answers:
            return NOTHING
        first = self._answers[0]

        def out() -> None:
            # It may be gone: of too many the oldest are dropped.
            if self._answers and self._answers[0] is first:
                self._answers.popleft()

        topic, payload = first
        points = {OWN: 0}
        return self._when(
            now, _Step(topic=topic, payload=payload, points=points, done=out, refused=out)
        )

    # --- who is there ---

    def _connect(self, now: float) -> _Next:
        there = self._presence.present
        missing = [each for each in there if each not in self._connected | self._refused]
        name, wait_s = self._soonest(now, missing)
        if not name:
            return NOTHING
        step = _Step(
            topic=gateway.CONNECT,
            payload=gateway.connect(name, self._presence.kind(name)),
            points={name: 0},
            done=lambda: self._connected.add(name),
            refused=lambda: self._refused.add(name),
        )
        return step, wait_s

    def _disconnect(self, now: float) -> _Next:
        there = self._presence.present
        gone = [each for each in self._connected if each not in there]
        name, wait_s = self._soonest(now, gone)
        if not name:
            return NOTHING

        def left() -> None:
            self._connected.discard(name)
            self._told.pop(name, None)

        step = _Step(
            topic=gateway.DISCONNECT,
            payload=gateway.disconnect(name),
            points={name: 0},
            done=left,
            refused=left,
        )
        return step, wait_s

    def _soonest(self, now: float, names: Sequence[str]) -> tuple[str, float]:
        """The device that has to wait the least, the first of several."""
        waits = ((self._pace.wait_s(now, {name: 0}), number) for number, name in enumerate(names))
        wait_s, number = min(waits, default=(math.inf, 0))
        return (names[number], wait_s) if names else ("", wait_s)

    # --- what is known of them ---

    def _own_attributes(self, now: float) -> _Next:
        unsaid = self._unsaid(OWN, self._own())
        if not unsaid:
            return NOTHING

        def told() -> None:
            self._told.setdefault(OWN, {}).update(unsaid)

        step = _Step(
            topic=gateway.OWN_ATTRIBUTES,
            payload=own_attributes(unsaid),
            points={OWN: len(unsaid)},
            done=told,
            refused=told,
        )
        return self._when(now, step)

    def _attributes(self, now: float) -> _Next:
        changes = {
            name: unsaid
            for name in self._presence.present
            if name in self._connected
            and (unsaid := self._unsaid(name, self._presence.attributes(name)))
        }
        ready = {n: v for n, v in changes.items() if self._pace.device_wait_s(now, n, len(v)) <= 0}
        if not changes:
            return NOTHING
        room, size = self._pace.points_at_once, self._pace.limits.payload
        message, said = attributes((ready or changes).items(), room, size)

        def told() -> None:
            for name, keys in said.items():
                known = self._told.setdefault(name, {})
                known.update({key: changes[name][key] for key in keys})

        if not message.parts:  # what fits into no message is not tried again
            told()
            return self._attributes(now)
        step = _Step(
            topic=message.topic,
            payload=message.payload(),
            points=message.points,
            done=told,
            refused=told,
        )
        return self._when(now, step)

    def _unsaid(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        told = self._told.get(name, {})
        return {key: value for key, value in values.items() if told.get(key) != value}

    # --- values ---

    def _own_telemetry(self, now: float) -> _Next:
        return self._values(now, [each for each in self._backlog if each.sample.device == OWN])

    def _telemetry(self, now: float) -> _Next:
        return self._values(now, [each for each in self._backlog if each.sample.device != OWN])

    def _values(self, now: float, queue: Sequence[Waiting]) -> _Next:
        """The oldest that may go out now, as many as fit into one message."""
        if not queue:
            return NOTHING
        message = telemetry_of(queue[0].sample.device)
        taken: list[Waiting] = []
        held: set[str] = set()
        soonest = math.inf
        for each in queue:
            name = each.sample.device
            if name in self._refused:
                self._backlog.lose(each)
                continue
            # One that may have ended a session goes alone.
            if name in held or (taken and each.tries):
                continue
            waiting = self._whole(each)
            if waiting is None:
                continue
            part, count = waiting.sample.encoded(), len(waiting.sample.values)
            if message.grown(name, part) > self._pace.limits.payload:
                break
            wait_s = self._may_add(now, message, name, count)
            if wait_s > 0:
                held.add(name)
                soonest = min(soonest, wait_s)
                continue
            message.add(name, part, count)
            taken.append(waiting)
            if waiting.tries:
                break
        if not taken:
            return None, soonest

        def done() -> None:
            for each in taken:
                self._backlog.done(each)
            self._connected.update(name for name in message.points if name != OWN)

        def refused() -> None:
            # Which of them it was, the next messages show.
            for each in taken:
                if len(taken) == 1:
                    self._backlog.lose(each)
                else:
                    self._backlog.tried(each)

        def failed() -> None:
            for each in taken:
                self._backlog.tried(each)

        step = _Step(
            topic=message.topic,
            payload=message.payload(),
            points=message.points,
            done=done,
            refused=refused,
            failed=failed,
        )
        return step, 0.0

    def _may_add(self, now: float, message: Message, name: str, count: int) -> float:
        """Seconds until a message with so many more values of this device may go out."""
        mine = message.points.get(name, 0) + count
        everybody = sum(message.points.values()) + count
        if message.points and max(mine, everybody) > self._pace.points_at_once:
            return math.inf  # with this message never, with the next one perhaps at once
        return max(
            self._pace.device_wait_s(now, name, mine), self._pace.whole_wait_s(now, everybody)
        )

    def _whole(self, waiting: Waiting) -> Waiting | None:
        """Itself, or what of it fits into a message; None: nothing does."""
        sample, room = waiting.sample, self._pace.points_at_once
        parts = split_sample(sample, room, self._pace.limits.payload)
        if len(parts) == 1 and parts[0] is sample:
            return waiting
        return self._backlog.split(waiting, parts)
