"""What a command sees of boards as they come and go, on cables and in the air.

The agent looks into the air for as long as a command asks for it, which ends with its connection.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.boards.board import Board, BoardChanges
from agent.boards.find import find_board
from agent.bridge.board_feed import BluetoothState
from agent.cli.client import exit_status_of
from agent.cli.output import seconds_text
from agent.errors import (
    AmbiguousBoard,
    BluetoothNever,
    BoardNotHeard,
    ReportedError,
    UnknownBoard,
)
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent.cli.client import Client
    from agent.cli.output import Output
    from agent.errors import ErrorReport

LISTEN_S: Final = 4.0
"""For a list. Boards advertise some ten times a second; what is lost in a full room or reported late
by the system comes within a few seconds."""
FIND_S: Final = 12.0
"""For one board. Radios that drop repetitions report a board once in a scan of about 10 s."""
STATUS_S: Final = 0.2
"""How often the line that tells what is under way is renewed."""

_IN_THE_AIR: Final = re.compile(
    r"ble-.*|ble://.*|([0-9a-f]{2}:){5}[0-9a-f]{2}|[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}",
    re.IGNORECASE,
)
"""Ids and addresses that only boards in the air have; macOS gives UUIDs in place of addresses."""


async def reach(client: Client, output: Output, wanted: str, via: str | None) -> dict[str, Any]:
    """``board`` and ``via`` for a job; a board in the air is listened for (:func:`hear_board`)."""
    if via is None and means_air(wanted):
        via = "ble"
    board = (await hear_board(client, output, wanted)).id if via == "ble" else wanted
    return {"board": board} if via is None else {"board": board, "via": via}


def means_air(wanted: str) -> bool:
    """Whether ``wanted`` can only name a board in the air."""
    return _IN_THE_AIR.fullmatch(wanted.strip()) is not None


def nearest_first(boards: Iterable[Board]) -> list[Board]:
    """Boards on a cable as they are, then those that are only in the air, the nearest first."""
    return sorted(
        boards, key=lambda board: (1, -(signal(board) or -999)) if airy(board) else (0, 0)
    )


def signal(board: Board) -> int | None:
    """How strong a board is heard (dBm); None: not known."""
    return next((port.rssi_dbm for port in board.ports if port.rssi_dbm is not None), None)


def airy(board: Board) -> bool:
    """Whether a board is only in the air."""
    return bool(board.ports) and all(port.via == "ble" for port in board.ports)


class Lookout:
    """The list of boards as it changes. ``told`` is called with each change, in order."""

    def __init__(
        self,
        client: Client,
        output: Output,
        *,
        told: Callable[[BoardChanges], None] = lambda _: None,
        bluetooth_told: Callable[[BluetoothState], None] = lambda _: None,
    ) -> None:
        self.boards: dict[str, Board] = {}
        self.bluetooth: BluetoothState | None = None
        """None: the agent never uses Bluetooth."""
        self._client = client
        self._output = output
        self._told = told
        self._bluetooth_told = bluetooth_told
        self._begun = 0.0
        self._early: list[Callable[[], None]] | None = []
        self._changed = asyncio.Event()

    @property
    def problem(self) -> ErrorReport | None:
        """What keeps boards in the air from being seen."""
        if self.bluetooth is None:
            return BluetoothNever().report()
        return self.bluetooth.problem

    async def begin(self, *, ble: bool) -> None:
        """Get the list, which is told as a change, and what follows; ``ble``: look into the air."""
        self._client.on("boards.changed", lambda params: self._in_order(self._take, params))
        self._client.on("bluetooth.changed", lambda params: self._in_order(self._hear, params))
        answer = await self._client.call("boards.subscribe", ble=ble)
        self._begun = asyncio.get_running_loop().time()
        self.bluetooth = msgspec.convert(answer["bluetooth"], BluetoothState | None)
        self._take({"appeared": answer["boards"]})
        if self.bluetooth is not None and self.bluetooth.problem is not None:
            self._bluetooth_told(self.bluetooth)
        # What came meanwhile follows the list.
        early, self._early = self._early or [], None
        for each in early:
            each()

    async def wait(self, done: Callable[[], bool], limit_s: float, doing: str) -> bool:
        """Until ``done``, while a line says what is under way.

        False: ``limit_s`` has passed since the beginning.
        """
        clock = asyncio.get_running_loop().time
        gone = asyncio.ensure_future(self._client.wait_gone())
        try:
            while not done():
                passed_s = clock() - self._begun
                if passed_s >= limit_s:
                    return False
                self._output.status(f"… {doing}  {seconds_text(passed_s)}")
                self._changed.clear()
                await self._next(gone, min(STATUS_S, limit_s - passed_s))
        finally:
            gone.cancel()
        return True

    async def _next(self, gone: asyncio.Future[None], limit_s: float) -> None:
        changed = asyncio.ensure_future(self._changed.wait())
        waiting: set[asyncio.Future[Any]] = {gone, changed}
        try:
            await asyncio.wait(waiting, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        if gone.done():
            gone.result()

    def _in_order(self, take: Callable[[Any], None], params: Any) -> None:  # noqa: ANN401 - JSON data
        if self._early is None:
            take(params)
        else:
            self._early.append(lambda: take(params))

    def _take(self, params: Any) -> None:  # noqa: ANN401 - JSON data
        changes = msgspec.convert(params, BoardChanges)
        for board in (*changes.appeared, *changes.changed):
            self.boards[board.id] = board
        for name in changes.vanished:
            self.boards.pop(name, None)
        self._told(changes)
        self._changed.set()

    def _hear(self, params: Any) -> None:  # noqa: ANN401 - JSON data
        self.bluetooth = msgspec.convert(params, BluetoothState)
        self._bluetooth_told(self.bluetooth)
        self._changed.set()


async def hear_board(
    client: Client,
    output: Output,
    wanted: str,
    *,
    listen_s: float = LISTEN_S,
    find_s: float = FIND_S,
) -> Board:
    """The board in the air that ``wanted`` names, once it is heard; its agent goes on listening.

    A whole id or address is enough as soon as it is heard. Several boards may have the same name,
    so a name, or a part of anything, is taken only when all have had the time to be heard.
    Raises what keeps this computer from hearing, BoardNotHeard and AmbiguousBoard.
    """
    lookout = Lookout(client, output)
    await lookout.begin(ble=True)
    shown = clean_text(wanted)

    def heard() -> list[Board]:
        return [
            board for board in lookout.boards.values() if any(p.via == "ble" for p in board.ports)
        ]

    def exactly() -> bool:
        return lookout.problem is not None or any(_is_exactly(board, wanted) for board in heard())

    def at_all() -> bool:
        return lookout.problem is not None or _matches(heard(), wanted)

    doing = f"Listening for {shown}"
    if not await lookout.wait(exactly, listen_s, doing):
        await lookout.wait(at_all, find_s, doing)
    try:
        return find_board(heard(), wanted)
    except UnknownBoard:
        problem = lookout.problem
        if problem is not None:
            raise ReportedError(problem, exit_status_of(problem.code)) from None
        raise BoardNotHeard(wanted=shown, seconds=round(find_s)) from None


def _is_exactly(board: Board, wanted: str) -> bool:
    names = {board.id, *(port.address.removeprefix("ble://") for port in board.ports)}
    folded = wanted.strip().casefold().removeprefix("ble://")
    return folded in {name.casefold() for name in names}


def _matches(boards: list[Board], wanted: str) -> bool:
    try:
        find_board(boards, wanted)
    except UnknownBoard:
        return False
    except AmbiguousBoard:
        return True
    return True
