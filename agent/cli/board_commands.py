"""Commands that look at boards: ``boards``, ``identify``, ``networks``."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from agent.boards.board import Board, BoardChanges, BoardState
from agent.cli.connect import open_client
from agent.cli.follow import read_with_job
from agent.cli.options import board_argument, json_option
from agent.cli.shell import run_command
from agent.errors import ExitStatus
from agent.sessions.session import BoardFacts, NetworkOption
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.cli.client import Client
    from agent.cli.output import Output
    from agent.cli.shell import Shell

HEAD: Final = ("BOARD", "NAME", "PORT", "PROVISIONING", "STATE")
BARS: Final = ((-50, "▂▄▆█"), (-60, "▂▄▆"), (-70, "▂▄"), (-200, "▂"))
"""Signal from which a network shows so many bars (dBm)."""


@click.command()
@json_option
@click.option("--watch", is_flag=True, help="Go on and tell what appears, changes and vanishes.")
def boards(*, watch: bool, as_json: bool) -> None:
    """The boards that are connected."""

    async def show(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            if watch:
                await _watch(shell.output, client)
                return ExitStatus.DONE
            found = await client.call("boards.list")
            _show_list(shell.output, msgspec.convert(found["boards"], list[Board]))
        return ExitStatus.DONE

    run_command(as_json, show)


@click.command()
@board_argument
@json_option
def identify(*, board: str, as_json: bool) -> None:
    """What a board is: model, unique id, versions. Changes nothing on it."""

    async def show(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            job = await read_with_job(shell, client, kind="identify", board=board)
            listed = msgspec.convert((await client.call("boards.list"))["boards"], list[Board])
        known = next((each for each in listed if each.id == job.board), None)
        if shell.output.as_json:
            # Facts of the board itself count more than what the list says.
            shell.output.document(_about(job.board, known) | (job.result or {}))
        else:
            facts = msgspec.convert(job.result, BoardFacts)
            _show_rows(shell.output, _about(job.board, known), facts)
        return ExitStatus.DONE

    run_command(as_json, show)


@click.command()
@board_argument
@json_option
def networks(*, board: str, as_json: bool) -> None:
    """The Wi-Fi networks that a board sees, strongest first."""

    async def show(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            job = await read_with_job(shell, client, kind="networks", board=board)
        if shell.output.as_json:
            shell.output.document(job.result)
            return ExitStatus.DONE
        found = msgspec.convert((job.result or {})["networks"], list[NetworkOption])
        shell.output.table(
            ("NETWORK", "SIGNAL", "DBM"),
            [
                (network.ssid or "(hidden)", bars(network.rssi_dbm), str(network.rssi_dbm))
                for network in found
            ],
            empty="The board sees no network.",
        )
        return ExitStatus.DONE

    run_command(as_json, show)


def bars(rssi_dbm: int) -> str:
    """Signal as one to four bars."""
    return next((shown for floor, shown in BARS if rssi_dbm >= floor), "")


def board_row(board: Board) -> tuple[str, ...]:
    """One line of the list of boards."""
    state = board.state.value
    return (
        board.id,
        board.name,
        ", ".join(port.address for port in board.ports) or "–",
        board.provisioning.installed or ", ".join(board.provisioning.supported) or "–",
        f"{state} ({board.holder})" if board.holder else state,
    )


async def _watch(output: Output, client: Client) -> None:
    """Tell all changes until nobody reads them any more; AgentGone if the agent ends first."""
    nobody_reads = asyncio.Event()
    early: list[BoardChanges] = []
    listing = True

    def tell(changes: BoardChanges) -> None:
        _show_changes(output, changes)
        if output.reader_gone:
            nobody_reads.set()

    def note(params: object) -> None:
        changes = msgspec.convert(params, BoardChanges)
        if listing:
            # The list that these changes follow has not been shown yet.
            early.append(changes)
        else:
            tell(changes)

    client.on("boards.changed", note)
    listed = (await client.call("boards.subscribe"))["boards"]
    listing = False
    for changes in (BoardChanges(appeared=msgspec.convert(listed, list[Board])), *early):
        tell(changes)
    waiting = {
        asyncio.ensure_future(client.wait_gone()),
        asyncio.ensure_future(nobody_reads.wait()),
    }
    try:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
    for ended in done:
        ended.result()


def _show_list(output: Output, found: list[Board]) -> None:
    if output.as_json:
        output.document({"boards": found})
        return
    output.table(
        HEAD,
        map(board_row, found),
        empty="No board is connected. Plug one in; a charge-only cable carries no data.",
    )
    for board in found:
        if board.state is BoardState.BOOTLOADER:
            hint = f"To give it a sketch: mooring flash {board.id} provisioning"
            output.note(f"{clean_text(board.name)} is in its bootloader. {clean_text(hint)}")


def _show_changes(output: Output, changes: BoardChanges) -> None:
    if output.as_json:
        output.document(changes)
        return
    now = datetime.now(UTC).astimezone().strftime("%H:%M:%S")
    told: Iterable[tuple[str, list[Board]]] = (("+", changes.appeared), ("~", changes.changed))
    for mark, listed in told:
        for board in listed:
            output.line(f"{now} {mark} " + "  ".join(clean_text(cell) for cell in board_row(board)))
    for gone in changes.vanished:
        output.line(f"{now} - {clean_text(gone)}")


def _about(board_id: str, board: Board | None) -> dict[str, Any]:
    """What the list of boards knows; only the id if the board has been unplugged meanwhile."""
    if board is None:
        return {"board": board_id}
    return {
        "board": board.id,
        "name": board.name,
        "model": board.model,
        "fqbn": board.fqbn,
        "port": board.ports[0].address if board.ports else None,
    }


def _show_rows(output: Output, about: dict[str, Any], facts: BoardFacts) -> None:
    rows = {
        **about,
        "provisioning": facts.protocol,
        "sketch": "an application sketch" if facts.application_sketch else facts.sketch_version,
        "Wi-Fi firmware": facts.wifi_firmware,
        "library": facts.library_version,
        "Bluetooth address": facts.ble_address,
        "unique id": facts.uhwid,
        "state": "may be online" if facts.online else None,
        # A board with 1.0 never tells.
        "networks seen": None if facts.protocol == "1.0" else len(facts.networks),
    }
    width = max(map(len, rows))
    for label, value in rows.items():
        if value is not None:
            output.line(f"{label:{width}}  {clean_text(str(value))}")
