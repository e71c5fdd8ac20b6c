"""``mooring remove``: a device goes for good, from its board, its cloud and the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from agent.boards.board import Board
from agent.boards.find import find_board
from agent.cli.air import reach
from agent.cli.connect import open_client
from agent.cli.family_commands import NRF
from agent.cli.follow import run_job
from agent.cli.inputs import require_yes
from agent.cli.options import json_option
from agent.cli.output import seconds_text
from agent.cli.progress import result_notes
from agent.cli.renew_commands import board_or_device
from agent.cli.shell import run_command
from agent.errors import ExitStatus, UnknownBoard
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from agent.cli.client import Client
    from agent.cli.shell import Shell
    from agent.jobs.job import Job


@click.command()
@click.argument("what", metavar="BOARD|DEVICE")
@click.option("--cloud", required=True, metavar="CLOUD", help="thingsboard, nrf or blynk.")
@click.option(
    "--name",
    metavar="NAME",
    help="The device, where a board is named that does not say which one it is.",
)
@click.option(
    "--yes",
    "confirmed",
    is_flag=True,
    help="Delete it without a question.",
)
@json_option
def remove(*, what: str, cloud: str, name: str | None, confirmed: bool, as_json: bool) -> None:
    """Remove a device for good: its settings on the board, the device with its history, its credentials.

    In this order, so that what knows of the device goes last. What is lost is told first. DEVICE is
    its name in the cloud; its board need not be here then. If it is here, it is erased as well.
    Deleting takes an administrator in the cloud's account; without one you do that part yourself.
    With nrf, DEVICE is a name, a device id or the beginning of one; whoever has the board at hand can
    claim it then.
    """

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        require_yes(shell.attended or confirmed, "a device is deleted with its history")
        return _remove(shell, what, {"cloud": cloud, "name": name, "confirmed": confirmed})

    run_command(as_json, begin)


async def _remove(shell: Shell, what: str, request: dict[str, Any]) -> ExitStatus:
    given = {name: value for name, value in request.items() if value not in (None, False)}
    async with open_client(shell.output) as client:
        if given["cloud"] == NRF:
            way = await board_or_device(client, shell, what)
            return await run_job(shell, client, removed, kind="remove", **(given | way))
        boards = msgspec.convert((await client.call("boards.list"))["boards"], list[Board])
        try:
            board = find_board(boards, what).id
        except UnknownBoard:
            given.setdefault("name", what)
            board = await _board_of(client, boards, given["name"])
        way = await reach(client, shell.output, board, None) if board else {"board": ""}
        return await run_job(shell, client, removed, kind="remove", **way, **given)


async def _board_of(client: Client, boards: list[Board], device: str) -> str:
    """The board here that the vault knows as this device; empty: none."""
    known = {board.id for board in boards}
    for entry in (await client.call("vault.list"))["entries"]:
        if entry["device"] == device and entry["board"] in known and entry["state"] != "earlier":
            board: str = entry["board"]
            return board
    return ""


def removed(job: Job) -> str:
    """What went, and what did not."""
    result = job.result or {}
    name = clean_text(str(result.get("device")))
    parts = {
        "administrator": "deleted in the cloud",
        "person": "deleted in the cloud by you",
        "absent": "not in the cloud any more",
        "team": "no longer claimed by your team, and its device is deleted",
    }
    done = [parts.get(str(result.get("deleted")), "deleted in the cloud")]
    done += ["erased from its board"] if result.get("erased") else []
    count = len(result.get("forgotten", ()))
    done += [f"forgotten by the vault ({count})"] if count else []
    took = seconds_text(result.get("seconds"))
    line = f"{name} is removed{f' ({took})' if took else ''}: {', '.join(done)}"
    return "\n".join([line, *result_notes(result)])
