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
from agent.simulator.blynk_board import BlynkBoard
from agent.simulator.blynk_board_cloud import FarCloud
from agent.simulator.run import run_program
from agent.simulator.world import change

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from agent.simulator.blynk_settings import CloudAnswer, EdgentConfig
    from agent.simulator.world import World

VID: Final = 0x10C4
PID: Final = 0xEA60
"""A CP2102, as on many boards with an ESP32."""


class Command(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What one line can say; several at once are done in this order."""

    id: Any = None
    world: dict[str, Any] | None = None
    cloud: Literal["ok", "refused", "silent"] | None = None
    """How Blynk answers to its token."""
    button: Literal["down", "up"] | None = None
    leave: bool = False
    """Who had joined its access point goes."""
    status: bool = False
    stop: bool = False


class BlynkCommands:
    """Carries commands out, and answers for the cloud."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()
        self.far: FarCloud | None = None
        """A simulated cloud that decides; None: every token is let in."""
        self.board: BlynkBoard | None = None
        self._cloud: CloudAnswer = "ok"

    def cloud(self, token: str, host: str) -> CloudAnswer:
        """What the board is answered."""
        if self.far is not None and self._cloud == "ok":
            return self.far(token, host)
        return self._cloud

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
            "stored": device.stored is not None,
        }


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
) -> None:
    """Run until SIGINT, SIGTERM, the command ``stop``, or (if asked for) the end of the input.

    Prints where it is: its console and its web server, a line each; with ``as_json`` one object.
    ``folder`` is where its console is announced for the agent; ``cloud`` the host and the MQTT port of
    a simulated Blynk.Cloud.
    """
    commands = BlynkCommands()
    if cloud is not None:
        commands.far = FarCloud(*cloud, config.template_id, commands.reconfigure)
    board = BlynkBoard(config, world, speed=speed, tcp=tcp, cloud=commands.cloud)
    await run_program(
        _running(commands, board, folder, as_json=as_json),
        commands.handle_line,
        commands.stopped,
        until_stdin_closes=until_stdin_closes,
        read_commands=read_commands,
    )


@contextlib.asynccontextmanager
async def _running(
    commands: BlynkCommands, board: BlynkBoard, folder: str | None, *, as_json: bool
) -> AsyncIterator[bytes]:
    """Where the board is, while it runs."""
    try:
        async with board:
            commands.board = board
            with _announced(folder, board):
                where = {"port": board.port, "http": f"http://127.0.0.1:{board.http_port}"}
                said = json.dumps(where | {"name": board.device.name})
                yield (said if as_json else "\n".join(where.values())).encode()
    finally:
        if commands.far is not None:
            await commands.far.gone()


@contextlib.contextmanager
def _announced(folder: str | None, board: BlynkBoard) -> Iterator[None]:
    if folder is None:
        yield
        return
    serial_number = f"{board.device.config.chip:08X}"
    Path(folder).mkdir(parents=True, exist_ok=True)
    port = Announcement(
        address=board.port,
        vid=VID,
        pid=PID,
        serial_number=serial_number,
        location=f"9-{os.getpid()}.1",
        manufacturer="Silicon Labs",
        product="CP2102 USB to UART Bridge Controller",
        process=os.getpid(),
    )
    path = announce(Path(folder), port, f"blynk-{serial_number}-{os.getpid()}")
    try:
        yield
    finally:
        withdraw(path)
