"""A simulated nRF Cloud, simulated boards at it, and everything real between them and the jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.clouds.nrf.cloud import NrfCloud
from agent.jobs.nrf.kit import NrfKit
from agent.simulator.nrf_board import SimulatedNrfBoard
from agent.simulator.nrf_cloud import SimulatedNrfCloud
from agent.simulator.nrf_cloud_service import CloudService
from agent.simulator.nrf_config import NrfConfig
from tests.jobs.agent_bench import AgentBench, Hasty, accounts_in

if TYPE_CHECKING:
    from pathlib import Path

    from agent.boards.board import Board
    from agent.catalog import Catalog
    from agent.jobs.service import JobService

SPEED = 200.0
CLOUD_HASTE = 100.0
JOB_HASTE = 20.0
"""Sessions with boards have limits of real time, which those of jobs must not undercut."""
TOKEN_CHARS = 24
"""Of a token: what says which board made it."""


class NrfBench(AgentBench):
    """A cloud, and an agent that has an account there."""

    client: NrfCloud

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        super().__init__(folder, catalog)
        self.cloud = SimulatedNrfCloud()

    async def start(self) -> None:
        await self._always.enter_async_context(self.cloud)

    async def plug(self, *, announced: bool = True, **config: Any) -> SimulatedNrfBoard:
        plugged = SimulatedNrfBoard(
            NrfConfig(**config),
            speed=SPEED,
            tcp=True,
            folder=str(self.ports) if announced else None,
            service=CloudService(self.cloud.state),
        )
        await plugged.start()
        self._always.push_async_callback(plugged.stop)
        return plugged

    async def start_agent(self) -> JobService:
        await self.open_parts()
        clock, url = Hasty(CLOUD_HASTE), self.cloud.base_url
        self.client = NrfCloud(
            accounts=accounts_in(self.folder), provisioning_url=url, devices_url=url, clock=clock
        )
        self._agent.push_async_callback(self.client.close)
        if not (self.folder / "accounts.json").exists():
            await self.client.login({"api_key": self.cloud.key.secret})
        kits = (NrfKit(self.client, self.catalog),)
        return await self.open_jobs(kits=kits, clock=Hasty(JOB_HASTE))

    @property
    def board(self) -> Board:
        return self.only_board()

    async def begin(self, kind: str = "provision", *, attended: bool = True, **given: Any) -> str:
        request = {"kind": kind, "cloud": "nrf"} | given
        request = {field: value for field, value in request.items() if value is not None}
        if "board" not in request:
            request["board"] = self.board.id
        return await self.jobs.start(request, attended=attended)


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
