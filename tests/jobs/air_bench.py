"""The bench with boards in the air: unmodified bleak on a simulated BlueZ, all else as on cables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.boards.ble_advert import SERVICES
from agent.boards.ble_boards import BleBoards
from agent.boards.service import BoardService
from agent.boards.simulated_ports import SimulatedPorts
from agent.links import open_link
from agent.links.ble import SCHEME, open_ble
from agent.links.ble_connect import Patience
from agent.links.ble_gatt import open_gatt
from agent.links.ble_radio import BleRadio
from agent.simulator.timing import VECTOR_TIMING
from tests.air import air
from tests.jobs.bench import SPEED, Bench

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from agent.boards.board import Board
    from agent.catalog import Catalog
    from agent.jobs.job import Job
    from agent.jobs.service import JobService
    from agent.links import Link
    from agent.links.ble_connect import Wanted
    from agent.links.gatt import GattLink
    from agent.simulator.config import BoardConfig, StepFault
    from agent.simulator.device import SimulatedDevice
    from tests.air import Air

SILENCE_S = 1.2
"""A board that is not heard for so long has left; simulated ones advertise ten times a second."""
QUIET_S = 0.4
"""How soon the radio looks what is wrong when it hears nobody; sooner than a link is given up."""
SOON = Patience(attempts=2, attempt_s=1.5, find_s=0.7, pause_s=0.01)
"""For boards that are either there or not."""


def air_boards(catalog: Catalog, ports: Path, radio: BleRadio, **options: Any) -> BoardService:
    """As ``agent/app.py`` makes it, with less patience."""

    async def opener(address: str, baud: int) -> Link:
        if address.startswith(SCHEME):
            return await open_ble(radio, address, patience=SOON)
        return await open_link(address, baud)

    async def gatt_opener(address: str, wanted: Wanted) -> GattLink:
        return await open_gatt(radio, address, wanted, patience=SOON)

    return BoardService(
        catalog,
        [SimulatedPorts(ports)],
        air=BleBoards(radio, silence_s=SILENCE_S),
        opener=opener,
        gatt_opener=gatt_opener,
        **options,
    )


class AirBench(Bench):
    """Somebody looks for boards in the air as long as the agent runs."""

    air: Air

    async def start_air(
        self, boards: Sequence[BoardConfig] | int = 1, *faults: StepFault, **settings: Any
    ) -> list[SimulatedDevice]:
        """Boards fresh from their boxes, with power, around the computer."""
        usual: dict[str, Any] = {
            "speed": SPEED,
            "timing": VECTOR_TIMING,
            "world": self.world,
            "cloud": self.cloud.base_url,
            "faults": faults,
            "folder": self.ports,
            "dtr": True,
        }
        self.air = await self._always.enter_async_context(air(boards, **usual | settings))
        self.devices = self.air.boards
        return self.devices

    async def start_agent(self, **options: Any) -> JobService:
        """See the base class."""
        await super().start_agent(**options)
        # Closed before the boards, which are closed before the radio.
        self._agent.callback(self.boards.attend())
        self.boards.subscribe(lambda _: self.tell())
        return self.jobs

    def make_boards(self) -> BoardService:
        self.radio = BleRadio(SERVICES, quiet_s=QUIET_S, retry_s=QUIET_S)
        self._agent.push_async_callback(self.radio.close)
        return air_boards(self.catalog, self.ports, self.radio)

    async def heard(self, n: int = 0) -> Board:
        """The board of this number, once it is listed in the air."""
        address = self.air.address(n)
        return await self.board_that(
            lambda board: any(port.address == address for port in board.ports)
        )

    async def board_that(self, holds: Callable[[Board], bool]) -> Board:
        """The first board of which this is true."""
        while True:
            news = self._news
            for board in self.boards.list():
                if holds(board):
                    return board
            await news.wait()

    async def no_board_that(self, holds: Callable[[Board], bool]) -> None:
        """Wait until this is true of none."""
        while True:
            news = self._news
            if not any(holds(board) for board in self.boards.list()):
                return
            await news.wait()

    async def job(self, kind: str, n: int = 0, *, attended: bool = True, **request: Any) -> str:
        """Start a job over the air on the board of this number."""
        board = await self.heard(n)
        asked = {"kind": kind, "board": board.id, "via": "ble"} | request
        return await self.jobs.start(asked, attended=attended)

    async def set_up(self, n: int = 0, *, attended: bool = True, **changes: Any) -> str:
        """Provision the board of this number over the air."""
        board = await self.heard(n)
        return await self.provision(board.id, attended=attended, **{"via": "ble"} | changes)

    async def ended(self, job: str) -> Job:
        return await self.jobs.wait(job)
