"""``mooring boards``: the boards that are there, on cables and in the air."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from agent.boards.board import Board, BoardChanges, BoardState
from agent.bridge.board_feed import without_signal
from agent.cli.air import LISTEN_S, Lookout, airy, nearest_first, signal
from agent.cli.connect import open_client
from agent.cli.options import json_option
from agent.cli.output import AIR_DBM, bars
from agent.cli.shell import run_command
from agent.cli.wifi_points import hear_points, show_points
from agent.errors import BluetoothNever, ExitStatus, InputError, Paused
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.bridge.board_feed import BluetoothState
    from agent.cli.client import Client
    from agent.cli.output import Output
    from agent.cli.shell import Shell

HEAD: Final[tuple[str, ...]] = ("BOARD", "NAME", "PORT", "SIGNAL", "PROVISIONING", "STATE")
SIGNAL_COLUMN: Final = HEAD.index("SIGNAL")


@click.command()
@json_option
@click.option("--ble", is_flag=True, help="Also listen for boards in the air, for some seconds.")
@click.option("--wifi", is_flag=True, help="Also list Wi-Fi networks that boards have opened.")
@click.option("--watch", is_flag=True, help="Go on and tell what appears, changes and vanishes.")
def boards(*, watch: bool, ble: bool, wifi: bool, as_json: bool) -> None:
    """The boards that are connected, and with --ble those in the air, the nearest first."""

    async def show(shell: Shell) -> ExitStatus:
        if watch and wifi:
            raise InputError(field="--wifi", problem="does not go with --watch")
        async with open_client(shell.output) as client:
            if not as_json and (await client.call("agent.info"))["paused"]:
                shell.output.explain(Paused().report())
            if watch:
                await _Watcher(shell.output, ble=ble).watch(client)
            else:
                await _show(shell.output, client, ble=ble, wifi=wifi)
        return ExitStatus.DONE

    run_command(as_json, show)


async def _show(output: Output, client: Client, *, ble: bool, wifi: bool) -> None:
    more = await hear_points(client, output) if wifi else {}
    if ble:
        await _show_air(output, client, more)
    else:
        found = await client.call("boards.list")
        _show_list(output, msgspec.convert(found["boards"], list[Board]), more)
    if wifi and not output.as_json:
        show_points(output, more["access_points"], more["wifi_problem"])


async def _show_air(output: Output, client: Client, more: dict[str, Any]) -> None:
    """The list after some seconds; what keeps this computer from hearing is no failure."""
    lookout = Lookout(client, output)
    await lookout.begin(ble=True)
    await lookout.wait(
        lambda: lookout.problem is not None, LISTEN_S, "Listening for boards in the air"
    )
    bluetooth = lookout.bluetooth
    listened = lookout.problem is None
    found = list(lookout.boards.values())
    _show_list(output, found, {"bluetooth": bluetooth, **more}, listened=listened)
    if lookout.problem is not None and not output.as_json:
        output.explain(lookout.problem)


def board_row(board: Board) -> tuple[str, ...]:
    """One line of the list of boards."""
    state, rssi_dbm = board.state.value, signal(board)
    return (
        board.id,
        board.name,
        ", ".join(port.address for port in board.ports) or "–",
        "" if rssi_dbm is None else bars(rssi_dbm, AIR_DBM),
        board.provisioning.installed or ", ".join(board.provisioning.supported) or "–",
        f"{state} ({board.holder})" if board.holder else state,
    )


def _show_list(
    output: Output, boards: list[Board], more: dict[str, Any], *, listened: bool = False
) -> None:
    """``listened``: boards in the air could be heard."""
    found = nearest_first(boards)
    if output.as_json:
        output.document({"boards": found, **more})
        return
    head, rows = HEAD, [board_row(board) for board in found]
    if all(signal(board) is None for board in found):
        head, *rows = (_without_column(row) for row in (head, *rows))
    empty = "No board is connected. Plug one in; a charge-only cable carries no data."
    if listened:
        empty = (
            "No board is connected or heard. One in the air pulses its LED while it waits; if it does "
            "not, hold its reconfigure pin or button for 3 seconds."
        )
    output.table(head, rows, empty=empty)
    for board in found:
        if board.state is BoardState.BOOTLOADER:
            hint = f"To give it a sketch: mooring flash {board.id} provisioning"
            output.note(f"{clean_text(board.name)} is in its bootloader. {clean_text(hint)}")
    if any(map(airy, found)):
        output.note("Those in the air are reached with --via ble.", "dim")


def _without_column(row: tuple[str, ...]) -> tuple[str, ...]:
    return row[:SIGNAL_COLUMN] + row[SIGNAL_COLUMN + 1 :]


class _Watcher:
    """Tells all changes until nobody reads them any more; AgentGone if the agent ends first."""

    def __init__(self, output: Output, *, ble: bool) -> None:
        self._output = output
        self._ble = ble
        self._known: dict[str, Board] = {}
        self._nobody_reads = asyncio.Event()

    async def watch(self, client: Client) -> None:
        lookout = Lookout(
            client, self._output, told=self._tell, bluetooth_told=self._tell_bluetooth
        )
        await lookout.begin(ble=self._ble)
        if self._ble and lookout.bluetooth is None:
            self._output.explain(BluetoothNever().report())
        waiting = {
            asyncio.ensure_future(client.wait_gone()),
            asyncio.ensure_future(self._wait_for_no_reader()),
        }
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        for ended in done:
            ended.result()

    async def _wait_for_no_reader(self) -> None:
        await self._nobody_reads.wait()

    def _tell(self, changes: BoardChanges) -> None:
        if self._output.as_json:
            self._output.document(changes)
        else:
            self._tell_person(changes)
        if self._output.reader_gone:
            self._nobody_reads.set()

    def _tell_bluetooth(self, bluetooth: BluetoothState) -> None:
        if not self._ble:
            return
        if self._output.as_json:
            self._output.document({"bluetooth": bluetooth})
        elif bluetooth.problem is not None:
            self._output.explain(bluetooth.problem)
        elif bluetooth.scanning:
            self._output.note("Bluetooth can be used again.")

    def _tell_person(self, changes: BoardChanges) -> None:
        """Lines for what a person wants to know: not that a signal has changed."""
        now = datetime.now(UTC).astimezone().strftime("%H:%M:%S")
        told: Iterable[tuple[str, list[Board]]] = (("+", changes.appeared), ("~", changes.changed))
        for mark, listed in told:
            for board in listed:
                facts = without_signal(board)
                if mark == "+" or self._known.get(board.id) != facts:
                    shown = filter(None, map(clean_text, board_row(board)))
                    self._output.line(f"{now} {mark} " + "  ".join(shown))
                self._known[board.id] = facts
        for gone in changes.vanished:
            self._known.pop(gone, None)
            self._output.line(f"{now} - {clean_text(gone)}")
