"""GATT links to a simulated Blynk board in this process, and to the vendor's device side as a process."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import BleLost
from agent.protocols.blynk import ble
from tests import system_parts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from agent.simulator.blynk_board import BlynkBoard

JUDGE = Path(__file__).parents[1] / "judges" / "blynk_device.py"


class BoardLink:
    """A :class:`agent.links.gatt.GattLink` to a board that runs beside it."""

    address = "ble://A0:B1:C2:00:00:00"

    def __init__(self, board: BlynkBoard) -> None:
        self._board = board
        self._heard: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.written: list[bytes] = []
        self.closed = False
        board.on_ble = self._heard.put_nowait

    async def subscribe(self, uuids: Sequence[str]) -> None:
        assert list(uuids) == [ble.FROM_BOARD_UUID]

    async def read(self, uuid: str) -> bytes:
        raise AssertionError(uuid)

    async def write(self, uuid: str, value: bytes) -> None:
        assert uuid == ble.TO_BOARD_UUID
        if self.closed:
            raise BleLost(port=self.address)
        self.written.append(value)
        self._board.ble.hear(value)
        self._board.pass_time()

    async def receive(self) -> tuple[str, bytes]:
        value = None if self.closed else await self._heard.get()
        if value is None:
            raise BleLost(port=self.address)
        return ble.FROM_BOARD_UUID, value

    def drop(self) -> None:
        self.closed = True
        self._board.drop_ble()
        self._heard.put_nowait(None)

    async def close(self) -> None:
        self.closed = True


class JudgeLink:
    """The same to the vendor's own code."""

    address = "ble://judge"

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def subscribe(self, uuids: Sequence[str]) -> None:
        assert list(uuids) == [ble.FROM_BOARD_UUID]

    async def read(self, uuid: str) -> bytes:
        raise AssertionError(uuid)

    async def write(self, uuid: str, value: bytes) -> None:
        assert uuid == ble.TO_BOARD_UUID
        await self.tell(value.hex())

    async def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()

    async def receive(self) -> tuple[str, bytes]:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise BleLost(port=self.address)
        return ble.FROM_BOARD_UUID, bytes.fromhex(line.decode())

    async def close(self) -> None:
        pass


@contextlib.asynccontextmanager
async def vendor(*words: str) -> AsyncIterator[JudgeLink]:
    """The vendor's device side; ``network``: it looks for networks of this computer."""
    judge = system_parts.PARTS["blynk"].judge
    assert judge is not None
    process = await asyncio.create_subprocess_exec(
        *(str(judge.python), str(JUDGE), *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield JudgeLink(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
