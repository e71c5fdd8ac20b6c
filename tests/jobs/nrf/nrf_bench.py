"""A simulated nRF Cloud, simulated boards at it, and everything real between them and the jobs."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from agent.boards.service import BoardService
from agent.boards.simulated_ports import SimulatedPorts
from agent.clouds.accounts import AccountStore
from agent.clouds.none import NoCloud
from agent.clouds.nrf.cloud import NrfCloud
from agent.flash.flashers import Flashers
from agent.jobs.journal import open_journal
from agent.jobs.nrf.kit import NrfKit
from agent.jobs.service import JobService
from agent.jobs.surroundings import Surroundings
from agent.simulator.nrf_board import SimulatedNrfBoard
from agent.simulator.nrf_cloud import SimulatedNrfCloud
from agent.simulator.nrf_cloud_service import CloudService
from agent.simulator.nrf_config import NrfConfig
from tests.jobs.enrol_bench import NoSketches
from tests.jobs.stores import sketches_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.boards.board import Board
    from agent.catalog import Catalog
    from agent.jobs.job import Job, JobChange
    from agent.jobs.journal import SqliteJournal

SPEED = 200.0
CLOUD_HASTE = 100.0
JOB_HASTE = 20.0
"""Sessions with boards have limits of real time, which those of jobs must not undercut."""
TOKEN_CHARS = 24
"""Of a token: what says which board made it."""


class Hasty:
    """A clock on which pauses are shorter."""

    def __init__(self, haste: float) -> None:
        self._haste = haste

    def monotonic(self) -> float:
        return time.monotonic() * self._haste

    def wall(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._haste)


class NrfBench:
    """The agent may be started again on the same journal."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.folder = folder
        self.catalog = catalog
        (folder / "ports").mkdir()
        self.cloud = SimulatedNrfCloud()
        self.changes: list[JobChange] = []
        self._always = AsyncExitStack()
        self._agent = AsyncExitStack()
        self._changed = asyncio.Event()
        self.boards: BoardService
        self.client: NrfCloud
        self.jobs: JobService
        self.journal: SqliteJournal

    async def start(self) -> None:
        await self._always.enter_async_context(self.cloud)

    async def plug(self, *, announced: bool = True, **config: Any) -> SimulatedNrfBoard:
        plugged = SimulatedNrfBoard(
            NrfConfig(**config),
            speed=SPEED,
            tcp=True,
            folder=str(self.folder / "ports") if announced else None,
            service=CloudService(self.cloud.state),
        )
        await plugged.start()
        self._always.push_async_callback(plugged.stop)
        return plugged

    async def start_agent(self) -> JobService:
        self._agent = AsyncExitStack()
        self.journal = await open_journal(self.folder / "journal.sqlite3")
        self._agent.push_async_callback(self.journal.close)
        self.boards = BoardService(self.catalog, [SimulatedPorts(self.folder / "ports")])
        await self.boards.start()
        self._agent.push_async_callback(self.boards.close)
        store = AccountStore(self.folder / "accounts.json", use_keyring=False)
        clock, url = Hasty(CLOUD_HASTE), self.cloud.base_url
        self.client = NrfCloud(accounts=store, provisioning_url=url, devices_url=url, clock=clock)
        self._agent.push_async_callback(self.client.close)
        if not (self.folder / "accounts.json").exists():
            await self.client.login({"api_key": self.cloud.key.secret})
        surroundings = Surroundings(
            boards=self.boards,
            clouds={"none": NoCloud()},
            journal=self.journal,
            flashers=Flashers(),
            sketches=sketches_in(self.folder, NoSketches()),
            kits=(NrfKit(self.client, self.catalog),),
            clock=Hasty(JOB_HASTE),
        )
        self.jobs = JobService(surroundings, self.catalog)
        self._agent.push_async_callback(self.jobs.close)
        self.jobs.subscribe(self._note)
        await self.jobs.start_up()
        return self.jobs

    async def stop_agent(self) -> None:
        await self._agent.aclose()

    async def stop(self) -> None:
        await self.stop_agent()
        await self._always.aclose()

    @property
    def board(self) -> Board:
        (only,) = self.boards.list()
        return only

    async def begin(self, kind: str = "provision", *, attended: bool = True, **given: Any) -> str:
        request = {"kind": kind, "cloud": "nrf"} | given
        request = {field: value for field, value in request.items() if value is not None}
        if "board" not in request:
            request["board"] = self.board.id
        return await self.jobs.start(request, attended=attended)

    async def until(self, job: str, condition: Callable[[Job], bool]) -> Job:
        """The job once ``condition`` holds; fails if it ends without."""
        while True:
            self._changed.clear()
            now = await self.jobs.get(job)
            if condition(now):
                return now
            assert not now.state.final, now
            await self._changed.wait()

    async def asks(self, job: str) -> Job:
        return await self.until(job, lambda now: now.question is not None)

    async def ended(self, job: str) -> Job:
        return await self.until(job, lambda now: now.state.final)

    def _note(self, change: JobChange) -> None:
        self.changes.append(change)
        self._changed.set()


def leaks(desk: NrfBench, plugged: SimulatedNrfBoard, *texts: str, marker: str = "") -> list[str]:
    """Where a token of the board, the API key or ``marker`` can be read.

    All tokens of a board begin alike.
    """
    accounts = desk.folder / "accounts.json"
    files = [each for each in desk.folder.rglob("*") if each.is_file() and each != accounts]
    kept = [each.read_bytes().decode(errors="replace") for each in files]
    secrets = [plugged.identity.attest()[:TOKEN_CHARS], desk.cloud.key.secret.reveal()]
    secrets += [marker] if marker else []
    told = [*kept, repr(desk.changes), *texts]
    return [text for text in told if any(secret in text for secret in secrets)]
