"""Runs a simulated Blynk board as a program: its addresses on standard output, commands on its input."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from agent.errors import MooringError
from agent.simulator.announcement import Announcement, announce, withdraw
from agent.simulator.ble_air import heard
from agent.simulator.ble_bus import PrivateBus
from agent.simulator.blynk_air import BlynkInTheAir
from agent.simulator.blynk_board import BlynkBoard
from agent.simulator.blynk_board_cloud import FarCloud
from agent.simulator.config import RadioState
from agent.simulator.run import run_program
from agent.simulator.world import change

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from agent.simulator.ble_room import Room
    from agent.simulator.blynk_settings import CloudAnswer, EdgentConfig
    from agent.simulator.world import World

VID: Final = 0x10C4
PID: Final = 0xEA60
"""A CP2102, as on many boards with an ESP32."""
CHIP_VID: Final = 0x303A
CHIP_PID: Final = 0x1001
"""The chip's own USB, whose number is the address of the chip."""


class InTheAir(msgspec.Struct, frozen=True, kw_only=True):
    """The board has Bluetooth LE, in a room of its own."""

    usb: bool = False
    """It is on a cable too."""
    radio: RadioState = "on"
    """What the computer's Bluetooth is like."""
    rssi_dbm: int | None = None
    """How strong it arrives; None: as it may be."""
    new_address: bool = False
    """It advertises from an address that is not its own."""


class Command(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What one line can say; several at once are done in this order."""

    id: Any = None
    world: dict[str, Any] | None = None
    cloud: Literal["ok", "refused", "silent"] | None = None
    """How Blynk answers to its token."""
    button: Literal["down", "up"] | None = None
    leave: bool = False
    """Who had joined its access point goes."""
    range: Literal["out", "in"] | None = None
    """Of a board in the air, like those below."""
    rssi: int | None = None
    drop: bool = False
    """Its link falls."""
    radio: RadioState | None = None
    status: bool = False
    stop: bool = False


class BlynkCommands:
    """Carries commands out, and answers for the cloud."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()
        self.far: FarCloud | None = None
        """A simulated cloud that decides; None: every token is let in."""
        self.board: BlynkBoard | BlynkInTheAir | None = None
        """Whose time passes: in the air alone if it has no cable."""
        self.air: BlynkInTheAir | None = None
        self.room: Room | None = None
        self._cloud: CloudAnswer = "ok"

    def cloud(self, token: str, host: str) -> CloudAnswer:
        """What the board is answered."""
        if self.far is not None and self._cloud == "ok":
            return self.far(token, host)
        return self._cloud

    def leave(self) -> None:
        """The board has no network any more."""
        if self.far is not None:
            self.far.leave()

    def answered(self) -> None:
        """The cloud knows what to say to the board."""
        if self.board is not None:
            self.board.pass_time()
            self.board.device.cloud_answers()
            self.board.pass_time()

    def reconfigure(self) -> None:
        """The cloud wants the board back at its access point."""
        if self.board is not None:
            self.board.device.wait_for_settings()
            self.board.pass_time()

    async def handle_line(self, line: bytes) -> dict[str, Any]:
        """Answer to one line; never raises for what is in it."""
        try:
            command = msgspec.json.decode(line, type=Command)
        except msgspec.MsgspecError as error:
            return {"error": str(error)}
        answer: dict[str, Any] = {} if command.id is None else {"id": command.id}
        try:
            if self.air is not None and self.room is not None:
                await _obey_in_the_air(command, self.air, self.room)
            elif any((command.range, command.rssi, command.drop, command.radio)):
                return answer | {"error": "it is not in the air"}
            return answer | self._obey(command)
        except MooringError as error:
            return answer | {"error": error.report().title}

    def _obey(self, command: Command) -> dict[str, Any]:
        board = self.board
        assert board is not None  # noqa: S101  (commands are read when it runs)
        board.pass_time()
        device = board.device
        if command.world is not None:
            change(device.world, command.world)
        if command.cloud is not None:
            self._cloud = command.cloud
        if command.button is not None:
            (device.press if command.button == "down" else device.release)()
        if command.leave:
            device.leave()
        board.pass_time()
        if command.stop:
            self.stopped.set()
        if not command.status:
            return {"ok": True}
        return {
            "ok": True,
            "state": device.state,
            "last_error": device.last_error,
            "access_point": device.access_point,
            "advertises": self.air is not None and heard(self.air),
            "stored": device.stored is not None,
        }


async def _obey_in_the_air(command: Command, air: BlynkInTheAir, room: Room) -> None:
    if command.range == "out":
        air.go_out_of_range()
    elif command.range == "in":
        air.come_back()
    if command.rssi is not None:
        air.come_back(command.rssi)
    if command.drop:
        air.drop()
    if command.radio is not None:
        await room.set_radio(command.radio)


async def run_blynk(
    config: EdgentConfig,
    world: World,
    *,
    speed: float,
    tcp: bool,
    folder: str | None,
    as_json: bool,
    until_stdin_closes: bool,
    read_commands: bool = True,
    cloud: tuple[str, int] | None = None,
    air: InTheAir | None = None,
) -> None:
    """Run until SIGINT, SIGTERM, the command ``stop``, or (if asked for) the end of the input.

    Prints where it is: its console and its web server, a line each; with ``as_json`` one object.
    ``folder`` is where its console is announced for the agent; ``cloud`` the host and the MQTT port of
    a simulated Blynk.Cloud. A board ``air`` says first in which environment it is heard.
    """
    commands = BlynkCommands()
    if cloud is not None:
        commands.far = FarCloud(
            *cloud,
            config.template_id,
            commands.reconfigure,
            answered=commands.answered,
            version=config.version,
        )
    await run_program(
        _running(commands, config, world, (speed, tcp, folder), air, as_json=as_json),
        commands.handle_line,
        commands.stopped,
        until_stdin_closes=until_stdin_closes,
        read_commands=read_commands,
    )


@contextlib.asynccontextmanager
async def _running(
    commands: BlynkCommands,
    config: EdgentConfig,
    world: World,
    how: tuple[float, bool, str | None],
    air: InTheAir | None,
    *,
    as_json: bool,
) -> AsyncIterator[bytes]:
    """Where the board is, while it runs."""
    speed, tcp, folder = how
    lines: list[str] = []
    where: dict[str, str] = {}
    try:
        async with contextlib.AsyncExitStack() as stack:
            board: BlynkBoard | None = None
            if air is None or air.usb:
                board = BlynkBoard(config, world, speed=speed, tcp=tcp, cloud=commands.cloud)
                commands.board = await stack.enter_async_context(board)
                if folder is not None:
                    stack.enter_context(announced(folder, board, by_chip=air is not None))
                where = {"port": board.port, "http": f"http://127.0.0.1:{board.http_port}"}
            if air is not None:
                room = commands.room = await stack.enter_async_context(_room(air))
                found = BlynkInTheAir(
                    config, world, beside=board, speed=speed, cloud=commands.cloud
                )
                stack.callback(found.close)
                commands.air, commands.board = found, board or found
                _enter(found, room, air)
                where |= {"ble": f"ble://{found.address}"}
                names = room.environment
                said = json.dumps({"environment": names})
                lines += [said] if as_json else [f"{name}={names[name]}" for name in names]
            assert commands.board is not None  # noqa: S101  (one of the two)
            commands.board.device.on_leave = commands.leave
            name = {"name": commands.board.device.name}
            lines += [json.dumps(where | name)] if as_json else where.values()
            yield "\n".join(lines).encode()
    finally:
        if commands.far is not None:
            await commands.far.gone()


def _room(air: InTheAir) -> Room:
    # Elsewhere the library below it is not even installed.
    PrivateBus.require()
    from agent.simulator.ble_room import Room

    return Room(radio=air.radio, varies=air.rssi_dbm is None)


def _enter(board: BlynkInTheAir, room: Room, air: InTheAir) -> None:
    board.rssi_dbm = room.place() if air.rssi_dbm is None else air.rssi_dbm
    if air.new_address:
        board.change_address(room.new_address())
    room.add(board)


@contextlib.contextmanager
def announced(folder: str, board: BlynkBoard, *, by_chip: bool = False) -> Iterator[Announcement]:
    """The port of a board's console, announced as long as the context lasts.

    ``by_chip``: the cable is in the chip's own USB, else in a bridge.
    """
    serial_number = f"{board.device.config.chip:08X}"
    name = f"blynk-{serial_number}-{os.getpid()}"
    Path(folder).mkdir(parents=True, exist_ok=True)
    port = Announcement(
        address=board.port,
        vid=CHIP_VID if by_chip else VID,
        pid=CHIP_PID if by_chip else PID,
        serial_number=board.device.mac if by_chip else serial_number,
        location=f"9-{os.getpid()}.1",
        manufacturer="Espressif" if by_chip else "Silicon Labs",
        product="USB JTAG/serial debug unit" if by_chip else "CP2102 USB to UART Bridge Controller",
        process=os.getpid(),
    )
    path = announce(Path(folder), port, name)
    try:
        yield port
    finally:
        withdraw(path)
