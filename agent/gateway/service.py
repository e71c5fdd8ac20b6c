"""Boards and jobs on a ThingsBoard server, over the session that ``connection`` keeps.

It follows boards and jobs from the start of the agent, so that what happens without a session is
told later, with its time. What of it is bounded: :mod:`agent.gateway.backlog`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from agent.errors import JournalFailed
from agent.gateway.backlog import Backlog
from agent.gateway.boards import Presence
from agent.gateway.conversation import Conversation
from agent.gateway.jobs import JobValues, is_end
from agent.gateway.rpc import TOO_MANY, Calls
from agent.jobs.job import JobChange
from agent.protocols.thingsboard.gateway import (
    DELETED,
    RENAMED,
    RPC,
    Call,
    Left,
    Unreadable,
    answer,
    parse_message,
    refusal,
)
from agent.protocols.thingsboard.gateway_limits import GatewayPace, parse_limits
from agent.protocols.thingsboard.gateway_pack import OWN, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.catalog import Catalog
    from agent.gateway.boards import Boards
    from agent.gateway.connection import GatewayLink
    from agent.gateway.jobs import Jobs
    from agent.gateway.names import DeviceNames
    from agent.gateway.networks import StoredNetworks
    from agent.settings.config_gateway import GatewayConfig

CALLS_MAX: Final = 16
"""Calls that are worked on at once; of more the server is told so."""
CATCH_UP_MAX: Final = 100
"""Of the newest jobs, how many are looked at for ends that the server does not know."""
FLUSH_S: Final = 1.0
"""For what waits when the agent ends: a few messages, and nobody waits long for an end."""
_ROOM: Final = 200
"""Bytes of an answer beside its content: name of the sub-device, number."""

NUMBERS: Final = "numbers"
"""Key of what is said anew in each session."""

_log = logging.getLogger(__name__)


class GatewayService:
    """See the module. :meth:`begin` once, then :meth:`serve` for each session, then :meth:`close`."""

    def __init__(
        self,
        *,
        boards: Boards,
        jobs: Jobs,
        catalog: Catalog,
        names: DeviceNames,
        networks: StoredNetworks,
        config: Callable[[], GatewayConfig],
        about: Mapping[str, Any],
        wall: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """``about`` is said of the gateway itself; ``wall`` gives Unix seconds."""
        self._jobs = jobs
        self._names = names
        self._config = config
        self._about = about
        self._wall = wall
        self._now = now
        self._talk: Conversation | None = None
        self._numbers: dict[str, int] = {}
        self._pace = GatewayPace()
        self._last_end = 0.0
        self.backlog = Backlog(self._wake, emptied=self._told_all)
        self.presence = Presence(boards, catalog, names, self._boards_changed)
        self._values = JobValues()
        self._calls = Calls(jobs, self.presence, networks, config=config, late=self._tell_own)
        self._answering: set[asyncio.Task[None]] = set()
        self._stack = contextlib.ExitStack()
        self._emptied = asyncio.Event()

    def begin(self) -> None:
        """Follow boards and jobs."""
        self.backlog.lost = self._names.lost
        self._stack.callback(self._jobs.subscribe(self._job_changed))
        self._stack.callback(self.presence.begin())

    async def catch_up(self) -> None:
        """Tell the ends of jobs that the server was not told before the agent ended.

        Also of those that were under way then: they are over, too. At the first start none.
        """
        since = self._names.told
        if not since:
            self._names.note_told(self._wall())
            return
        try:
            jobs = await self._jobs.list(CATCH_UP_MAX)
        except JournalFailed as error:
            _log.warning("ends of earlier jobs cannot be told: %s", error)
            return
        for job in reversed(jobs):
            if job.ended_at is not None and job.ended_at > since and job.state.final:
                self._job_changed(JobChange(job=job.id, state=job.state, snapshot=job))

    def settings_changed(self) -> None:
        """The server may ask for other things now; it is told which."""
        self._wake()

    async def flush(self) -> None:
        """Give the server what waits, within FLUSH_S; what is lost then, the next start tells.

        Ends of jobs are not lost: the journal has them (:meth:`catch_up`).
        """
        self._emptied.clear()
        if self._talk is not None and len(self.backlog):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_S):
                    await self._emptied.wait()
        lost = sum(not (each.key == NUMBERS or is_end(each.sample)) for each in self.backlog)
        if lost:
            _log.warning("the agent ends, and %d values that waited are lost", lost)
        self._names.note_lost(lost)

    async def close(self) -> None:
        """Follow nothing any more."""
        self._stack.close()
        await self._calls.close()

    async def serve(self, link: GatewayLink, said: Mapping[str, Any] | None) -> None:
        """Use a session until it is over; see :data:`agent.gateway.connection.Serve`."""
        limits = parse_limits(said)
        if self._pace.limits != limits:
            self._pace = GatewayPace(limits)
        await link.subscribe(RPC)
        talk = self._talk = Conversation(
            link, self._pace, self.presence, self.backlog, own=self._own, now=self._now
        )
        self._tell_numbers()
        speaking = asyncio.create_task(talk.run(), name="gateway speaks")
        hearing = asyncio.create_task(self._hear(link, talk), name="gateway hears")
        try:
            done, _ = await asyncio.wait({speaking, hearing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._talk = None
            tasks = {speaking, hearing, *self._answering}
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in done:
            task.result()

    # --- what is told ---

    def _own(self) -> dict[str, Any]:
        config = self._config()
        allowed = ("boards", "provision", "configure")
        words = [word for word in allowed if getattr(config, f"allow_{word}")]
        return {**self._about, "allowed_calls": ", ".join(words)}

    def _job_changed(self, change: JobChange) -> None:
        values, key = self._values.of(change)
        if not values:
            return
        job = change.snapshot
        if self._names.known(job.board) is None:
            self.presence.used(job.board)
        name = self._names.known(job.board)
        if name is not None:
            moment = job.ended_at if job.state.final and job.ended_at else self._wall()
            self.backlog.put(Sample(name, round(moment * 1000), values), key)
            if job.state.final:
                self._last_end = max(self._last_end, moment)
                self.presence.learn(name, job.result or {})
        self._tell_numbers()

    def _boards_changed(self) -> None:
        self._tell_numbers()
        self._wake()

    def _tell_numbers(self) -> None:
        numbers = {
            "boards": len(self.presence.present),
            "jobs_running": self._jobs.active,
            "values_lost": self.backlog.lost,
        }
        if numbers != self._numbers:
            self._numbers = numbers
            self.backlog.put(Sample(OWN, round(self._wall() * 1000), numbers), NUMBERS)

    def _told_all(self) -> None:
        self._emptied.set()
        self._names.note_told(self._last_end)

    def _tell_own(self, values: dict[str, Any]) -> None:
        self.backlog.put(Sample(OWN, round(self._wall() * 1000), values))

    def _wake(self) -> None:
        if self._talk is not None:
            self._talk.wake()

    # --- what is heard ---

    async def _hear(self, link: GatewayLink, talk: Conversation) -> None:
        async for topic, payload in link.messages:
            heard = parse_message(topic, payload)
            if isinstance(heard, Left):
                talk.left(heard.device)
            elif isinstance(heard, Unreadable):
                _log.warning("a message on %s cannot be read: %s", topic[:40], heard.detail)
                if heard.call is not None:
                    talk.answer(*answer(heard.call, refusal(400, heard.detail)))
            elif isinstance(heard, Call):
                self._take(heard, talk)

    def _take(self, call: Call, talk: Conversation) -> None:
        if not call.device and call.method in {RENAMED, DELETED}:
            talk.answer(*answer(call, self._notified(call, talk)))
            return
        if call.device and call.device not in self.presence.present:
            talk.answer(*answer(call, refusal(404, "This board is not there.")))
            return
        if len(self._answering) >= CALLS_MAX:
            said = refusal(TOO_MANY, f"{CALLS_MAX} calls are being answered; ask again.")
            talk.answer(*answer(call, said))
            return
        task = asyncio.create_task(self._reply(call, talk), name="gateway answers")
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _reply(self, call: Call, talk: Conversation) -> None:
        said = await self._calls.answer(call, self._pace.limits.payload - _ROOM)
        talk.answer(*answer(call, said))

    def _notified(self, call: Call, talk: Conversation) -> dict[str, Any]:
        """The server tells that somebody has renamed or deleted a sub-device there."""
        if call.method == DELETED:
            if isinstance(call.params, str) and self._names.forget(call.params):
                self.presence.deleted(call.params)
                self.backlog.forget(call.params)
                talk.left(call.params)
            return {"success": True}
        renamed = call.params if isinstance(call.params, dict) else {}
        for old, new in list(renamed.items())[:1]:
            if isinstance(new, str) and self._names.rename(old, new):
                self.presence.renamed(old, new)
                self.backlog.renamed(old, new)
                talk.left(old)
        return {"success": True}
