"""Boards, jobs and a session in a test's hands."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.boards.board import Board, BoardChanges, Port, Provisioning
from agent.errors import CloudAnswer, Unreachable
from agent.jobs.job import Job, JobChange, JobKind, JobState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


def board(board_id: str = "uno_r4_wifi-F412FA65", *, serial: str | None = "F412FA65") -> Board:
    port = Port(kind="serial", address="/dev/ttyACM0", serial_number=serial)
    return Board(
        id=board_id,
        name="Anna's lamp",
        model="uno_r4_wifi",
        fqbn=None,
        ports=[port],
        via="usb",
        provisioning=Provisioning(supported=["2.0"]),
        first_seen=0.0,
    )


class HereBoards:
    """The boards that the test says are there."""

    def __init__(self, *boards: Board) -> None:
        self._boards = {each.id: each for each in boards}
        self._callbacks: list[Callable[[BoardChanges], None]] = []

    def list(self) -> list[Board]:
        return [*self._boards.values()]

    def subscribe(self, callback: Callable[[BoardChanges], None]) -> Callable[[], None]:
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def plug(self, *boards: Board) -> None:
        known = [each for each in boards if each.id in self._boards]
        self._boards |= {each.id: each for each in boards}
        new = [each for each in boards if each not in known]
        self._tell(BoardChanges(appeared=new, changed=known))

    def unplug(self, board_id: str) -> None:
        del self._boards[board_id]
        self._tell(BoardChanges(vanished=[board_id]))

    def _tell(self, changes: BoardChanges) -> None:
        for callback in list(self._callbacks):
            callback(changes)


@dataclass
class HereJobs:
    """Jobs that begin and end as the test says."""

    started: list[dict[str, Any]] = field(default_factory=list)
    failure: Exception | None = None
    gate: Callable[[], Awaitable[object]] | None = None
    owners: dict[str, object] = field(default_factory=dict)
    attended: set[bool] = field(default_factory=set)
    callbacks: list[Callable[[JobChange], None]] = field(default_factory=list)
    ended: list[Job] = field(default_factory=list)

    @property
    def active(self) -> int:
        return len(self.owners)

    async def start(self, request: dict[str, Any], *, attended: bool, owner: object = None) -> str:
        if self.gate is not None:
            await self.gate()
        if self.failure is not None:
            raise self.failure
        self.started.append(request)
        self.attended.add(attended)
        job = str(len(self.started))
        self.owners[job] = owner
        return job

    async def list(self, limit: int) -> list[Job]:
        if self.failure is not None:
            raise self.failure
        return self.ended[:limit]

    def owner_of(self, job: str) -> object:
        return self.owners.get(job)

    def subscribe(self, callback: Callable[[JobChange], None]) -> Callable[[], None]:
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)

    def tell(
        self,
        board_id: str,
        state: JobState = JobState.RUNNING,
        job: str = "1",
        result: dict[str, Any] | None = None,
        ended: float = 5.0,
    ) -> None:
        now = Job(
            id=job,
            kind=JobKind.IDENTIFY,
            board=board_id,
            title="x",
            state=state,
            created_at=1.0,
            ended_at=ended if state.final else None,
            result=result,
        )
        if state.final:
            self.ended.append(now)
        for callback in list(self.callbacks):
            callback(JobChange(job=job, state=state, snapshot=now))


class HereLink:
    """A session: what was said in it, and what the test has the server say."""

    name = "gw-1"

    def __init__(self) -> None:
        self.said: list[tuple[str, Any]] = []
        self.sizes: list[int] = []
        self.subscribed: list[str] = []
        self.refuse: Callable[[str, Any], bool] = lambda _topic, _payload: False
        self.down = False
        self._incoming: asyncio.Queue[tuple[str, bytes] | None] = asyncio.Queue()
        self._changed = asyncio.Condition()

    @property
    def messages(self) -> AsyncIterator[tuple[str, bytes]]:
        return self._messages()

    async def _messages(self) -> AsyncIterator[tuple[str, bytes]]:
        while (message := await self._incoming.get()) is not None:
            yield message

    async def subscribe(self, *filters: str) -> None:
        self.subscribed += filters

    async def publish(self, topic: str, payload: bytes) -> None:
        await asyncio.sleep(0)
        said = json.loads(payload)
        if self.down:
            raise Unreachable(cloud="ThingsBoard", detail="gone", sent=True)
        if self.refuse(topic, said):
            raise CloudAnswer(cloud="ThingsBoard", detail="no")
        async with self._changed:
            self.said.append((topic, said))
            self.sizes.append(len(payload))
            self._changed.notify_all()

    async def close(self) -> None:
        self.end()

    def end(self) -> None:
        self._incoming.put_nowait(None)

    def hear(self, topic: str, said: object) -> None:
        payload = said if isinstance(said, bytes) else json.dumps(said).encode()
        self._incoming.put_nowait((topic, payload))

    def on(self, topic: str) -> list[Any]:
        """What was said on a topic."""
        return [said for where, said in self.said if where == topic]

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: bool(holds()))
