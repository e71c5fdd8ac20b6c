"""Several simulated boards in one world, and the commands that change them while they run.

A command is one JSON object: ``{"unplug": true}``, ``{"plug": true}``, ``{"press": "reset"}``,
``{"press": "bootloader"}`` (reset twice), ``{"press": "reconfigure", "seconds": 3.5}``,
``{"press": "button"}`` (of an Improv device or an nRF91 board), ``{"fault": "silence"}``,
``{"fault": {"at": "id", "do": "unplug", "back_after": 2}}``, ``{"world": {…}}``,
``{"line": {…}}``, ``{"status": true}``, ``{"stop": true}``.

Over the air: ``{"ble": "off"}``, ``{"range": "out"}``, ``{"rssi": -80}``, ``{"drop": true}``,
``{"address": "new"}`` or an address, and for the computer itself ``{"radio": "off"}``.

``"board"`` (a serial number or an index) chooses one board; without it a command is for all. The
answer is ``{"ok": true, …}`` or ``{"error": {…}}``, with the ``"id"`` of the command if it had one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from agent.errors import InputError
from agent.simulator.ble_bus import PrivateBus
from agent.simulator.commands import answer_line
from agent.simulator.config import (
    FaultAction,
    LineFaults,
    RadioState,
    SimulatorConfig,
    StepFault,
)
from agent.simulator.device import SimulatedDevice
from agent.simulator.improv_board import SimulatedImprovBoard
from agent.simulator.world import change

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.catalog import Catalog
    from agent.simulator.announcement import Announcement
    from agent.simulator.ble_room import Room
    from agent.simulator.events import DeviceEvent
    from agent.simulator.nrf_board import SimulatedNrfBoard

Thing: TypeAlias = "SimulatedDevice | SimulatedImprovBoard | SimulatedNrfBoard"


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the control channel."""

    id: int | str | None = None
    board: int | str | None = None
    unplug: Literal[True] | None = None
    plug: Literal[True] | None = None
    press: Literal["reset", "bootloader", "reconfigure", "button"] | None = None
    seconds: Annotated[float, Meta(gt=0, le=60)] = 3.5
    fault: FaultAction | StepFault | None = None
    world: dict[str, Any] | None = None
    line: LineFaults | None = None
    ble: Literal["off", "on"] | None = None
    range: Literal["out", "in"] | None = None
    rssi: Annotated[int, Meta(ge=-127, le=20)] | None = None
    drop: Literal[True] | None = None
    address: Annotated[str, Meta(pattern="^(new|([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})$")] | None = (
        None
    )
    radio: RadioState | None = None
    status: Literal[True] | None = None
    stop: Literal[True] | None = None


class Simulator:
    """All boards of one process."""

    def __init__(
        self,
        config: SimulatorConfig,
        catalog: Catalog,
        on_event: Callable[[DeviceEvent], None] | None = None,
    ) -> None:
        self.stopped = asyncio.Event()
        self.room: Room | None = None
        """Where what is in the air is heard, if something is; only after :meth:`start`."""
        self._config = config
        self._world = config.world
        self.devices = [
            SimulatedDevice(config, catalog, number=number, world=config.world, on_event=on_event)
            for number in range(config.board_count)
        ]
        self.improv = [
            SimulatedImprovBoard(
                board,
                config.world,
                number=number,
                speed=config.speed,
                tcp=config.tcp,
                folder=config.folder,
                location=f"{config.hub}{config.board_count + number + 1}",
                line=config.line,
                seed=config.seed + number,
            )
            for number, board in enumerate(config.improv)
        ]
        self.nrf = _nrf_boards(config)

    @property
    def ports(self) -> list[Announcement]:
        """How the boards are reached, in the order of :attr:`things`."""
        return [each.port for each in self.things]

    @property
    def things(self) -> list[Thing]:
        """The boards, then the Improv devices, then those with a modem."""
        return [*self.devices, *self.improv, *self.nrf]

    def ports_of(self, thing: Thing) -> list[Announcement]:
        """How one of them is reached; boards with a modem have several ports."""
        return next((each.ports for each in self.nrf if each is thing), [thing.port])

    async def start(self) -> None:
        """Plug all boards in; raises ``NoBusError`` where nothing can be in the air."""
        config = self._config
        if config.uses_air:
            # Elsewhere the library below it is not even installed.
            PrivateBus.require()
            from agent.simulator.ble_room import Room

            self.room = Room(
                radio=config.radio,
                varies=config.rssi_dbm is None,
                seed=config.seed,
                forget_after_s=config.forget_after_s,
            )
            await self.room.start()
        for device in self.things:
            await device.start()
            if self.room is not None and device.air is not None:
                strength = config.rssi_dbm
                device.air.rssi_dbm = self.room.place() if strength is None else strength
                if config.new_address:
                    device.air.change_address(self.room.new_address())
                self.room.add(device.air)

    async def stop(self) -> None:
        """Unplug all boards."""
        await asyncio.gather(*(device.stop() for device in self.things))
        if self.room is not None:
            await self.room.stop()

    async def handle_line(self, line: bytes) -> dict[str, Any]:
        """Carry out a command; the answer to it. Never raises for what a line contains."""
        return await answer_line(line, Command, self._handle)

    async def _handle(self, command: Command) -> dict[str, Any]:
        if command.world is not None:
            change(self._world, command.world)
            for device in self.devices:
                device.look_again()
        if command.radio is not None:
            await self._room_of("radio").set_radio(command.radio)
        statuses: list[Any] = []
        for thing in self._chosen(command.board):
            if isinstance(thing, SimulatedDevice):
                await _handle_board(thing, command)
            else:
                await _handle_plain(thing, command)
            self._handle_in_air(thing, command)
            if command.status:
                statuses.append(thing.status())
        if command.stop:
            self.stopped.set()
        return {"boards": msgspec.to_builtins(statuses)} if command.status else {}

    def _handle_in_air(self, thing: Thing, command: Command) -> None:
        wanted = (command.range, command.rssi, command.drop, command.address, command.ble)
        if thing.air is None or wanted == (None,) * len(wanted):
            return
        room, air = self._room_of("ble"), thing.air
        if command.address is not None:
            new = command.address == "new"
            digits = command.address.replace(":", "")
            air.change_address(room.new_address() if new else bytes.fromhex(digits))
        if command.range == "out":
            air.go_out_of_range()
        elif command.range == "in" or command.rssi is not None:
            air.come_back(room.place() if command.rssi is None else command.rssi)
        if command.ble is not None:
            air.switch(on=command.ble == "on")
        if command.drop:
            air.drop()

    def _room_of(self, field: str) -> Room:
        if self.room is None:
            raise InputError(field=field, problem="is for boards in the air, and there are none")
        return self.room

    def _chosen(self, board: int | str | None) -> list[Thing]:
        things = self.things
        if board is None:
            return things
        if isinstance(board, int) and 0 <= board < len(things):
            return [things[board]]
        found = [each for each in things if each.board.serial_number == board]
        if not found:
            raise InputError(field="board", problem="is no board of this simulator")
        return found


async def _handle_board(device: SimulatedDevice, command: Command) -> None:
    if command.line is not None:
        device.set_line(command.line)
    if isinstance(command.fault, StepFault):
        device.add_fault(command.fault)
    elif command.fault is not None:
        device.apply(command.fault)
    if command.unplug:
        device.unplug()
    if command.plug:
        await device.plug()
    if command.press == "reset":
        device.press_reset()
    elif command.press == "bootloader":
        device.press_reset(times=2)
    elif command.press == "reconfigure":
        device.press_reconfigure(command.seconds)


async def _handle_plain(device: SimulatedImprovBoard | SimulatedNrfBoard, command: Command) -> None:
    if command.unplug:
        device.unplug()
    if command.plug:
        await device.plug()
    if command.press == "reset":
        device.press_reset()
    elif command.press == "button":
        device.press_button()


def _nrf_boards(config: SimulatorConfig) -> list[SimulatedNrfBoard]:
    if not config.nrf:
        return []
    # It needs the library for keys from the start, which takes a moment to load.
    from agent.simulator.nrf_board import SimulatedNrfBoard
    from agent.simulator.nrf_visit import VisitedService

    first = config.board_count + len(config.improv) + 1
    return [
        SimulatedNrfBoard(
            board,
            number=number,
            speed=config.speed,
            tcp=config.tcp,
            folder=config.folder,
            location=f"{config.hub}{first + number}",
            service=VisitedService(config.cloud) if config.cloud else None,
        )
        for number, board in enumerate(config.nrf)
    ]
