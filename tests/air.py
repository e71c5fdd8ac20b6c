"""Simulated boards in the air of a test, met by unmodified bleak: ``async with air(…) as room:``.

The code under test needs nothing but the environment, which points it to a D-Bus of its own with
a stand-in of BlueZ on it; everything runs on the test's own loop. A module that uses it says
``pytestmark = ON_LINUX``.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pytest

from agent.catalog import Catalog
from agent.cli.demo import environment
from agent.simulator.config import BoardConfig, SimulatorConfig, StepFault
from agent.simulator.control import Simulator
from agent.simulator.improv import ImprovConfig
from agent.simulator.improv_board import ImprovBoard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from agent.app import App
    from agent.boards.board import Board
    from agent.simulator.arduino_cloud import SimulatedArduinoCloud
    from agent.simulator.ble_bluez import BluezStandIn
    from agent.simulator.ble_room import Room
    from agent.simulator.config import FaultAction, RadioState
    from agent.simulator.control import Thing
    from agent.simulator.device import SimulatedDevice
    from agent.simulator.events import DeviceEvent, EventName
    from agent.simulator.improv_board import SimulatedImprovBoard

__all__ = [
    "ON_LINUX",
    "AgentInAir",
    "Air",
    "ImprovBoard",
    "ImprovConfig",
    "agent_in_air",
    "air",
    "ble_board",
]

ON_LINUX = [pytest.mark.system("linux"), pytest.mark.needs("dbus")]
"""Other systems can import this module, but have no D-Bus library to run it with."""
WAIT_S = 30.0
USUAL_DBM = -60


def ble_board(serial_number: str = "", **settings: Any) -> BoardConfig:
    """A board with Bluetooth LE, and without a cable unless ``usb=True``."""
    given: dict[str, Any] = {"usb": False, "ble": True, "serial_number": serial_number}
    return BoardConfig(**given | settings)


class Air:
    """What surrounds the computer. ``n`` is a board's place among the boards, then the Improv
    devices, in the order in which they were given."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._events: list[DeviceEvent] = []
        self._happened = asyncio.Condition()
        self._simulator = Simulator(config, Catalog.load(), self._keep)
        self.folder = config.folder
        """Where ports are announced (``ports.simulated``)."""

    @property
    def boards(self) -> list[SimulatedDevice]:
        """The boards."""
        return self._simulator.devices

    @property
    def improv(self) -> list[SimulatedImprovBoard]:
        """The Improv devices."""
        return self._simulator.improv

    @property
    def room(self) -> Room:
        """The bus, and the stand-in on it."""
        assert self._simulator.room is not None
        return self._simulator.room

    @property
    def bluez(self) -> BluezStandIn:
        """``bluez.calls`` were made to it, ``bluez.faults`` happen to the next ones."""
        return self.room.bluez

    async def start(self) -> None:
        await self._simulator.start()

    async def stop(self) -> None:
        await self._simulator.stop()

    # --- what happens to the link ---

    def address(self, n: int = 0) -> str:
        """Where it is now, as a port's address: ``ble://F4:12:FA:…``."""
        return f"ble://{self._in_air(n).address}"

    def drop(self, n: int = 0) -> None:
        """Its link falls; the board goes on."""
        self._in_air(n).drop()

    def go_out_of_range(self, n: int = 0) -> None:
        """Nothing is heard of it any more, and its link falls."""
        self._in_air(n).go_out_of_range()

    def come_back(self, n: int = 0, rssi_dbm: int = USUAL_DBM) -> None:
        """It is heard again, or from another distance."""
        self._in_air(n).come_back(rssi_dbm)

    def change_address(self, n: int = 0, address: str = "") -> str:
        """It advertises from another address, as with private addresses; the new one."""
        new = bytes.fromhex(address.replace(":", "")) if address else self.room.new_address()
        self._in_air(n).change_address(new)
        return self.address(n)

    def switch_ble(self, n: int = 0, *, on: bool) -> None:
        """Its Bluetooth goes off, as at the end of provisioning, or on again."""
        self._in_air(n).switch(on=on)

    def refuse_write(self, n: int = 0, code: int = 0x0E) -> None:
        """The board answers the next write with an ATT error."""
        self.boards[n].air.radio.refuse(code)  # type: ignore[union-attr]  # a board in the air

    # --- what happens to the board ---

    def power_off(self, n: int = 0) -> None:
        """It loses its power; with a cable, the cable too."""
        self._thing(n).unplug()

    async def power_on(self, n: int = 0) -> None:
        """It gets its power again and starts."""
        await self._thing(n).plug()

    async def power_cycle(self, n: int = 0) -> None:
        """Off and on: links fall, memory stays."""
        self.power_off(n)
        await self.power_on(n)

    def press_reset(self, n: int = 0) -> None:
        """Its reset button."""
        self._thing(n).press_reset()

    def press_reconfigure(self, n: int = 0, seconds: float = 3.5) -> None:
        """Hold its reconfigure pin or button: it forgets its network and its BLE comes back."""
        self.boards[n].press_reconfigure(seconds)

    def press_button(self, n: int = 0) -> None:
        """The button of an Improv device that allows settings."""
        thing = self._thing(n)
        assert not hasattr(thing, "press_reconfigure"), "not an Improv device"
        thing.press_button()

    def fault(self, at: str, do: FaultAction, n: int = 0, *, after: int = 0) -> None:
        """Let something happen when the board reaches a step (``MILESTONES``)."""
        self.boards[n].add_fault(StepFault(at=at, do=do, after=after))  # type: ignore[arg-type]  # one of the literals

    # --- what happens to the computer ---

    async def radio(self, state: RadioState) -> None:
        """``on``, ``off``, ``blocked``, ``absent``, ``forbidden`` or ``stopped``."""
        await self.room.set_radio(state)

    def fail(self, method: str, name: str, text: str, *, times: int = 1, after: int = 0) -> None:
        """Answer the next calls of a method of BlueZ with an error."""
        self.bluez.faults.fail(method, name, text, times=times, after=after)

    def hang(self, method: str, *, times: int = 1, after: int = 0) -> None:
        """Never answer the next calls of a method of BlueZ."""
        self.bluez.faults.hang(method, times=times, after=after)

    # --- evidence ---

    async def wait_for(
        self, event: EventName, *, step: str | None = None, n: int | None = None, times: int = 1
    ) -> DeviceEvent:
        """Wait until a board told of it so many times; the last of them."""
        board = None if n is None else self._thing(n).board.serial_number
        async with asyncio.timeout(WAIT_S), self._happened:
            while True:
                found = [
                    each
                    for each in self._events
                    if each.event == event
                    and step in {None, each.step}
                    and board in {None, each.board}
                ]
                if len(found) >= times:
                    return found[times - 1]
                await self._happened.wait()

    def steps(self, n: int = 0) -> list[str]:
        """What a board was told so far, as steps (``MILESTONES``)."""
        board = self._thing(n).board.serial_number
        return [each.step for each in self._events if each.board == board and each.step]

    async def until_linked(self, n: int = 0) -> None:
        """Wait until a computer has a link to it and asked for what it says."""
        await self.wait_for("step", step="connect", n=n)

    def _thing(self, n: int) -> Thing:
        return self._simulator.things[n]

    def _in_air(self, n: int) -> Any:
        in_air = self._thing(n).air
        assert in_air is not None, f"number {n} is not in the air"
        return in_air

    def _keep(self, event: DeviceEvent) -> None:
        self._events.append(event)
        self._told = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        async with self._happened:
            self._happened.notify_all()


@contextlib.asynccontextmanager
async def air(
    boards: Sequence[BoardConfig] | int = 1,
    improv: Sequence[ImprovConfig | ImprovBoard] = (),
    *,
    folder: Path | str | None = None,
    rssi_dbm: int | None = USUAL_DBM,
    speed: float = 100.0,
    **settings: Any,
) -> AsyncIterator[Air]:
    """A computer's Bluetooth with devices around it, for the code of this test.

    ``boards``: so many without a cable, or what they are: ``BoardConfig(ble=True, usb=True)`` has
    both faces, and announces its port in ``folder``. ``improv``: an ``ImprovConfig`` is in the
    air, an ``ImprovBoard`` where it says. ``settings`` as of ``SimulatorConfig`` (``radio``,
    ``cloud``, ``world``, ``timing``, ``faults``, ``forget_after_s``, ``seed`` …);
    ``rssi_dbm=None`` spreads them in the room, with signals that vary.
    """
    if isinstance(boards, int):
        boards = [ble_board(f"AIR-{number}") for number in range(boards)]
    devices = [
        ImprovBoard(device=each, link="ble") if isinstance(each, ImprovConfig) else each
        for each in improv
    ]
    config = SimulatorConfig(
        boards=tuple(boards),
        count=0,
        improv=tuple(devices),
        folder=str(folder) if folder is not None else None,
        rssi_dbm=rssi_dbm,
        speed=speed,
        **settings,
    )
    from tests.simulator.radios import forget_bleak

    around = Air(config)
    try:
        await around.start()
        with environment(around.room.environment):
            try:
                yield around
            finally:
                await forget_bleak()
    finally:
        await around.stop()


@contextlib.asynccontextmanager
async def agent_in_air(
    home: Path,
    boards: Sequence[BoardConfig] | int = 1,
    improv: Sequence[ImprovConfig | ImprovBoard] = (),
    *,
    scan: Literal["asked", "always", "never"] = "asked",
    **settings: Any,
) -> AsyncIterator[AgentInAir]:
    """A whole agent in such a room, started and signed in to a simulated cloud.

    Everything else as of :func:`air`. ``home``: an empty folder; ports are announced below it.
    """
    from agent.app import build
    from agent.settings.config import ArduinoConfig, BluetoothConfig, Config, PortsConfig
    from agent.settings.paths import find_paths
    from agent.simulator.arduino_cloud import SimulatedArduinoCloud

    ports = home / "ports"
    paths = find_paths({"MOORING_HOME": str(home)})
    paths.make()
    async with contextlib.AsyncExitStack() as stack:
        cloud = await stack.enter_async_context(SimulatedArduinoCloud())
        room = await stack.enter_async_context(
            air(boards, improv, folder=ports, cloud=cloud.base_url, **settings)
        )
        config = Config(
            ports=PortsConfig(system=False, simulated=str(ports)),
            bluetooth=BluetoothConfig(scan=scan),
            arduino=ArduinoConfig(base_url=cloud.base_url, requests_per_s=1000),
        )
        app = build(config, paths)
        stack.push_async_callback(app.close)
        await app.start()
        account = {
            "client_id": cloud.client_id,
            "client_secret": cloud.client_secret.reveal(),
        }
        await app.clouds["arduino"].login(account)
        yield AgentInAir(app, room, cloud)


@dataclass(frozen=True, slots=True)
class AgentInAir:
    """What :func:`agent_in_air` gives."""

    app: App
    air: Air
    cloud: SimulatedArduinoCloud

    async def board(self, n: int = 0) -> Board:
        """A board of the room as the agent sees it, as soon as it is heard or plugged in."""
        done = self.app.boards.attend()
        try:
            async with asyncio.timeout(WAIT_S):
                while True:
                    for board in self.app.boards.list():
                        if self.air.address(n) in {port.address for port in board.ports}:
                            return board
                    await asyncio.sleep(0.02)
        finally:
            done()
