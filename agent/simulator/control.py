"""Several simulated boards in one world, and the commands that change them while they run.

A command is one JSON object: ``{"unplug": true}``, ``{"plug": true}``, ``{"press": "reset"}``,
``{"press": "bootloader"}`` (reset twice), ``{"press": "reconfigure", "seconds": 3.5}``,
``{"fault": "silence"}``, ``{"fault": {"at": "id", "do": "unplug", "back_after": 2}}``,
``{"world": {…}}``, ``{"line": {…}}``, ``{"status": true}``, ``{"stop": true}``. ``"board"`` (a
serial number or an index) chooses one board; without it a command is for all. The answer is
``{"ok": true, …}`` or ``{"error": {…}}``, with the ``"id"`` of the command if it had one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from agent.errors import InputError, MooringError
from agent.simulator.config import FaultAction, LineFaults, SimulatorConfig, StepFault
from agent.simulator.device import SimulatedDevice
from agent.simulator.world import change

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.catalog import Catalog
    from agent.simulator.events import DeviceEvent, DeviceStatus

LINE_BYTES = 256 * 1024
"""Longest command: a world with some thousand networks."""


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the control channel."""

    id: int | str | None = None
    board: int | str | None = None
    unplug: Literal[True] | None = None
    plug: Literal[True] | None = None
    press: Literal["reset", "bootloader", "reconfigure"] | None = None
    seconds: Annotated[float, Meta(gt=0, le=60)] = 3.5
    fault: FaultAction | StepFault | None = None
    world: dict[str, Any] | None = None
    line: LineFaults | None = None
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
        self._world = config.world
        self.devices = [
            SimulatedDevice(config, catalog, number=number, world=config.world, on_event=on_event)
            for number in range(config.board_count)
        ]

    async def start(self) -> None:
        """Plug all boards in."""
        for device in self.devices:
            await device.start()

    async def stop(self) -> None:
        """Unplug all boards."""
        await asyncio.gather(*(device.stop() for device in self.devices))

    async def handle_line(self, line: bytes) -> dict[str, Any]:
        """Carry out a command; the answer to it. Never raises for what a line contains."""
        said: object = None
        answer: dict[str, Any]
        try:
            said = _decode(line)
            command = _convert(said)
            answer = {"ok": True, **await self._handle(command)}
        except MooringError as error:
            answer = {"error": msgspec.to_builtins(error.report())}
        return {"id": said["id"], **answer} if isinstance(said, dict) and "id" in said else answer

    async def _handle(self, command: Command) -> dict[str, Any]:
        if command.world is not None:
            change(self._world, command.world)
            for device in self.devices:
                device.look_again()
        statuses: list[DeviceStatus] = []
        for device in self._chosen(command.board):
            await self._handle_on(device, command)
            if command.status:
                statuses.append(device.status())
        if command.stop:
            self.stopped.set()
        return {"boards": msgspec.to_builtins(statuses)} if command.status else {}

    async def _handle_on(self, device: SimulatedDevice, command: Command) -> None:
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

    def _chosen(self, board: int | str | None) -> list[SimulatedDevice]:
        if board is None:
            return self.devices
        if isinstance(board, int) and 0 <= board < len(self.devices):
            return [self.devices[board]]
        found = [d for d in self.devices if d.board.serial_number == board]
        if not found:
            raise InputError(field="board", problem="is no board of this simulator")
        return found


def _decode(line: bytes) -> object:
    if len(line) > LINE_BYTES:
        raise InputError(field="command", problem=f"is longer than {LINE_BYTES} bytes")
    try:
        return msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InputError(field="command", problem="is not one JSON object per line") from None


def _convert(said: object) -> Command:
    try:
        return msgspec.convert(said, Command)
    except msgspec.ValidationError as error:
        raise InputError(field="command", problem=str(error)) from None
