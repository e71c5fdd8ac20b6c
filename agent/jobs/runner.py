"""Runs one machine: performs its effects, feeds it their results, keeps and publishes the job.

One task per job and one queue of events. Requests run as child tasks, so that a machine can
abandon them; reports are carried out in the order in which the machine gave them.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import TYPE_CHECKING, Any

from agent.errors import (
    InternalError,
    JournalFailed,
    MooringError,
    PortGone,
    RateExceeded,
    UnknownBoard,
)
from agent.jobs import effects
from agent.jobs.facts import Fact
from agent.jobs.job import Job, JobChange
from agent.jobs.progress import apply
from agent.jobs.reach import is_away

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from agent.boards.board import BoardChanges
    from agent.jobs.machine import Machine
    from agent.jobs.performer import Performer
    from agent.jobs.surroundings import Surroundings

EVENTS_MAX = 256
"""Events that may wait for a machine. Each request, each timer and the session has at most one on
its way, so this is never reached."""

OFFERS_MAX = 16
"""Of these, how many may wait before a cancel or an answer is refused: whoever sends more while
one is written to the journal (some milliseconds) floods."""

_log = logging.getLogger(__name__)


class Runner:
    """One job from its first effect to its end."""

    def __init__(
        self,
        job: Job,
        machine: Machine,
        performer: Performer,
        surroundings: Surroundings,
        publish: Callable[[JobChange], None],
        *,
        board: str | None = None,
        conclude: Callable[[effects.Finish], effects.Finish] = lambda finish: finish,
        release: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """``board`` is the id that the board has now, where that is another one than the job's.

        ``conclude`` may reword the end; ``release`` gives the board back before it is told.
        """
        self.job = job
        """The job as it is now."""
        self._machine = machine
        self._performer = performer
        self._board = board or job.board
        self._boards = surroundings.boards
        self._journal = surroundings.journal
        self._clock = surroundings.clock
        self._publish = publish
        self._conclude = conclude
        self._release = release
        self._events: asyncio.Queue[tuple[effects.Event, Callable[[], bool]]] = asyncio.Queue(
            EVENTS_MAX
        )
        self._requests: list[tuple[effects.Request, asyncio.Task[Any]]] = []
        """Stay here until their answer is delivered or they are abandoned."""
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._leaving: list[tuple[effects.Request, asyncio.Task[Any]]] = []
        self._unsaved = False
        self._newest: effects.Advanced | None = None
        """How far a request is, while that waits for its turn."""
        performer.on_advance = self._advanced

    def post(self, event: effects.Event, valid: Callable[[], bool] = lambda: True) -> None:
        """Give the machine an event, unless it is no longer ``valid`` when its turn comes."""
        self._events.put_nowait((event, valid))

    def offer(self, event: effects.Event, valid: Callable[[], bool] = lambda: True) -> None:
        """As :meth:`post`, for what comes from outside; :class:`RateExceeded` if it is a flood."""
        if self._events.qsize() >= OFFERS_MAX:
            raise RateExceeded(what="cancels and answers of one job", limit=OFFERS_MAX)
        self.post(event, valid)

    async def run(self) -> Job:
        """Run to the end and return the job; cleans up on cancellation, too."""
        unsubscribe = self._boards.subscribe(self._boards_changed)
        try:
            await self._carry_out(self._machine.start(self._clock.wall()))
            while not self._machine.finished:
                event, valid = await self._events.get()
                if isinstance(event, effects.Advanced):
                    event, self._newest = self._newest or event, None
                if valid():
                    await self._carry_out(self._machine.handle(event, self._clock.wall()))
            return self.job
        finally:
            unsubscribe()
            await self._let_go()

    async def _let_go(self) -> None:
        timers = list(self._timers.values())
        for task in (*timers, *(task for _, task in self._requests)):
            task.cancel()
        await asyncio.gather(*timers, return_exceptions=True)
        await _let_go([*self._requests, *self._leaving])
        await self._performer.close()

    # Effects ---------------------------------------------------------------------------------

    async def _carry_out(self, wanted: Sequence[effects.Effect]) -> None:
        blocked: JournalFailed | None = None
        for effect in wanted:
            match effect:
                case effects.Request() if blocked:
                    # What was to be written down first is not: so it is not done either.
                    self.post(effects.Failed(effect, blocked))
                case effects.Request():
                    await self._save()
                    await self._start(effect)
                case effects.Record(kind=kind, data=data):
                    blocked = await self._record(kind, data) or blocked
                case effects.Abandon(request=request):
                    self._abandon(request)
                case effects.Timer(id=name, seconds=seconds):
                    self._start_timer(name, seconds)
                case effects.StopTimer(id=name):
                    self._stop_timer(name)
                case effects.Learn():
                    self._learn(effect)
                case effects.Finish():
                    # The journal has the end, and the board is free, before anybody hears of it.
                    ended = self._conclude(effect)
                    self.job = apply(self.job, ended, self._clock.wall())
                    self._unsaved = True
                    await self._save()
                    if self._release:
                        await self._release()
                    self._announce(ended)
                case _:
                    self.job = apply(self.job, effect, self._clock.wall())
                    self._unsaved = self._unsaved or not isinstance(effect, effects.StepProgress)
                    self._announce(effect)
        await self._save()

    async def _start(self, request: effects.Request) -> None:
        await _let_go(self._leaving)
        self._leaving.clear()
        entry = (request, asyncio.create_task(self._performer.perform(request)))
        self._requests.append(entry)
        entry[1].add_done_callback(lambda _: self._answer(entry))

    def _answer(self, entry: tuple[effects.Request, asyncio.Task[Any]]) -> None:
        request, task = entry
        if task.cancelled():
            return
        error = task.exception()
        event = (
            effects.Failed(request, known_error(error))
            if error
            else effects.Done(request, task.result())
        )
        self.post(event, lambda: self._delivered(entry))

    def _advanced(self, event: effects.Advanced) -> None:
        """Only one waits at a time, and that is the newest."""
        waits, self._newest = self._newest is not None, event
        if not waits:
            self.post(event)

    def _delivered(self, entry: tuple[effects.Request, asyncio.Task[Any]]) -> bool:
        if entry not in self._requests:
            return False
        self._requests.remove(entry)
        return True

    def _abandon(self, request: effects.Request) -> None:
        for entry in self._requests:
            if entry[0] == request:
                self._requests.remove(entry)
                entry[1].cancel()
                self._leaving.append(entry)
                return

    def _start_timer(self, name: str, seconds: float) -> None:
        self._stop_timer(name)
        timer = asyncio.create_task(self._clock.sleep(seconds))
        self._timers[name] = timer

        def fired(_: asyncio.Task[None]) -> None:
            if not timer.cancelled():
                self.post(effects.TimerFired(name), lambda: self._timers.get(name) is timer)

        timer.add_done_callback(fired)

    def _stop_timer(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def _learn(self, effect: effects.Learn) -> None:
        try:
            self._boards.learn(
                self._board,
                name=effect.name,
                uhwid=effect.uhwid,
                installed=effect.installed,
                ble_address=effect.ble_address,
                ble_off=effect.ble_off,
            )
        except UnknownBoard as error:
            _log.info("Job %s: %s", self.job.id, error)

    def _boards_changed(self, changes: BoardChanges) -> None:
        session = self._performer.session
        if session is not None and is_away(self._board, changes):
            lost = effects.SessionLost(PortGone(port=self.job.board_name or self.job.board))
            self.post(lost, lambda: self._performer.session is session)

    # Journal and subscribers -----------------------------------------------------------------

    async def _record(self, kind: str, data: dict[str, Any]) -> JournalFailed | None:
        await self._save()
        try:
            fact = Fact(kind=kind, data=data, at=self._clock.wall())
            await self._journal.record(self.job.id, fact)
        except JournalFailed as error:
            _log.error("Job %s: %s", self.job.id, error)
            return error
        return None

    async def _save(self) -> None:
        """Keep the snapshot if it changed. A job goes on without; only facts are indispensable."""
        if self._unsaved:
            self._unsaved = False
            try:
                await self._journal.save(self.job)
            except JournalFailed as error:
                _log.warning("Job %s: %s", self.job.id, error)

    def _announce(self, effect: effects.Effect) -> None:
        step = getattr(effect, "id", None)
        question = self.job.question
        if question and isinstance(effect, effects.Ask):
            step = question.step
        self._publish(
            JobChange(
                job=self.job.id,
                state=self.job.state,
                step=step,
                progress=getattr(effect, "progress", None),
                message=getattr(effect, "message", ""),
                error=self.job.error,
                snapshot=self.job,
            )
        )


def known_error(error: BaseException) -> MooringError:
    """``error`` as people may see it; a defect is logged with its place, not with its text.

    The text of an unknown exception may carry anything, a password among it.
    """
    if isinstance(error, MooringError):
        return error
    kind = type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{f.filename}:{f.lineno} {f.name}" for f in reversed(frames))
    _log.error("Defect: %s at %s", kind, places)
    return InternalError(kind=kind)


async def _let_go(abandoned: Sequence[tuple[effects.Request, asyncio.Task[Any]]]) -> None:
    """Wait until requests that were cancelled have ended, each for as long as it may take."""
    if abandoned:
        limit_s = max(request.let_go_s for request, _ in abandoned)
        await asyncio.wait({task for _, task in abandoned}, timeout=limit_s)
