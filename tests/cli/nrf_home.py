"""A computer with an account of a simulated nRF Cloud and boards with an nRF91."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.clouds.accounts import AccountStore
from agent.clouds.nrf.cloud import NrfCloud
from agent.simulator.nrf_board import SimulatedNrfBoard
from agent.simulator.nrf_cloud import SimulatedNrfCloud
from agent.simulator.nrf_cloud_service import CloudService
from tests.cli.home import Home

if TYPE_CHECKING:
    from pathlib import Path

    from agent.simulator.nrf_config import NrfConfig

SPEED = 100.0
"""Of the boards."""


class NrfHome(Home):
    """See the base class."""

    def __init__(self, folder: Path, *boards: NrfConfig, tls: bool = False) -> None:
        super().__init__(folder)
        self.cloud = SimulatedNrfCloud(tls=tls)
        service = CloudService(self.cloud.state)
        self.boards = [
            SimulatedNrfBoard(
                each,
                number=number,
                speed=SPEED,
                folder=str(self.ports),
                location=f"9-{80 + number}",
                service=service,
            )
            for number, each in enumerate(boards)
        ]

    async def prepare(self) -> str:
        """See the base class."""
        await self.running.enter_async_context(self.cloud)
        for board in self.boards:
            await board.start()
            self.running.push_async_callback(board.stop)
        self.paths.make()
        accounts = AccountStore(self.paths.accounts_file, use_keyring=False)
        url = self.cloud.base_url
        client = NrfCloud(accounts=accounts, provisioning_url=url, devices_url=url)
        try:
            await client.login({"api_key": self.cloud.key.secret})
        finally:
            await client.close()
        return f'[nrf]\nprovisioning_url = "{url}"\ndevices_url = "{url}"\n'

    def device(self, number: int) -> str:
        """The device id of a board."""
        return str(self.boards[number].identity.device_id)
