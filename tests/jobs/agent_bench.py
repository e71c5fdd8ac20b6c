"""An agent for tests of jobs: everything real from the boards' ports to the journal, in one folder."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from agent.boards.service import BoardService
from agent.boards.simulated_ports import SimulatedPorts
from agent.clouds.accounts import AccountStore
from agent.clouds.none import NoCloud
from agent.clouds.vault import Vault
from agent.clouds.vault_file import VaultFolder
from agent.clouds.vault_key import VaultKeys
from agent.flash.flashers import Flashers
from agent.jobs.journal import open_journal
from agent.jobs.service import JobService
from agent.jobs.surroundings import Surroundings
from tests.jobs.stores import sketches_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.boards.board import Board
    from agent.catalog import Catalog
    from agent.jobs.job import Job, JobChange
    from agent.jobs.journal import SqliteJournal


class Hasty:
    """A clock on which pauses are so many times shorter."""

    def __init__(self, haste: float) -> None:
        self._haste = haste

    def monotonic(self) -> float:
        return time.monotonic() * self._haste

    def wall(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._haste)


def accounts_in(folder: Path) -> AccountStore:
    """Accounts in a file."""
    return AccountStore(folder / "accounts.json", use_keyring=False)


def vault_in(folder: Path) -> Vault:
    """A vault whose key is beside it."""
    return Vault(VaultFolder(folder / "vault"), VaultKeys(folder / "keys", use_keyring=False))


class AgentBench:
    """The agent may be started again on the same folder: what is kept, and the same boards."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.folder = folder
        self.catalog = catalog
        self.ports = folder / "ports"
        self.ports.mkdir()
        self.changes: list[JobChange] = []
        self.boards: BoardService
        self.jobs: JobService
        self.journal: SqliteJournal
        self._always = AsyncExitStack()
        self._agent = AsyncExitStack()
        self._news = asyncio.Event()

    async def open_parts(self) -> None:
        """Journal and boards, first of all."""
        self._agent = AsyncExitStack()
        self.journal = await open_journal(self.folder / "journal.sqlite3")
        self._agent.push_async_callback(self.journal.close)
        self.boards = self.make_boards()
        await self.boards.start()
        self._agent.push_async_callback(self.boards.close)

    def make_boards(self) -> BoardService:
        """Simulated boards at ports."""
        return BoardService(self.catalog, [SimulatedPorts(self.ports)])

    async def open_jobs(self, **given: Any) -> JobService:
        """Jobs with these surroundings, once what an earlier agent left is taken up."""
        usual: dict[str, Any] = {
            "boards": self.boards,
            "clouds": {"none": NoCloud()},
            "journal": self.journal,
            "flashers": Flashers(),
        }
        if "sketches" not in given:
            usual["sketches"] = sketches_in(self.folder)
        self.jobs = JobService(Surroundings(**usual | given), self.catalog)
        self._agent.push_async_callback(self.jobs.close)
        self.jobs.subscribe(self._note)
        await self.jobs.start_up()
        return self.jobs

    async def stop_agent(self) -> None:
        await self._agent.aclose()

    async def stop(self) -> None:
        await self.stop_agent()
        await self._always.aclose()

    def only_board(self) -> Board:
        """The one that is listed."""
        (only,) = self.boards.list()
        return only

    async def until(self, job: str, condition: Callable[[Job], Any], *, ended: bool = False) -> Job:
        """The job once ``condition`` holds; fails if it ends without, unless it may have ``ended``."""
        while True:
            news = self._news
            now = await self.jobs.get(job)
            if condition(now):
                return now
            assert ended or not now.state.final, now
            await news.wait()

    async def asks(self, job: str, *, after: int = 0) -> Job:
        """The job once it asks something; ``after``: the question with this number."""
        return await self.until(
            job, lambda now: now.question is not None and now.question.id > after
        )

    async def ended(self, job: str) -> Job:
        """The job once it has ended, also one that an earlier agent began."""
        return await self.until(job, lambda now: now.state.final)

    def tell(self) -> None:
        """Whoever waits looks again; each wait has an event of its own, which nobody takes back."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _note(self, change: JobChange) -> None:
        self.changes.append(change)
        self.tell()
