"""``mooring renew``: new credentials for a board of nRF Cloud or Blynk that is set up."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from agent.boards.board import Board
from agent.boards.find import find_board, is_whole
from agent.cli.air import reach
from agent.cli.connect import open_client
from agent.cli.family_commands import FAMILIES, NRF, check_family_options
from agent.cli.family_told import renewed
from agent.cli.follow import run_job
from agent.cli.inputs import FILE_BYTES, network_options, optional_network
from agent.cli.options import json_option, via_option
from agent.cli.shell import run_command
from agent.cli.target import Target, access_point_option
from agent.errors import AmbiguousBoard, InputError, NrfDeviceAmbiguous, UnknownBoard
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from agent.cli.client import Client
    from agent.cli.shell import Shell
    from agent.errors import ExitStatus


@click.command()
@click.argument("what", metavar="[BOARD|DEVICE]", required=False)
@click.option("--cloud", required=True, metavar="CLOUD", help="nrf or blynk.")
@click.option(
    "--name", metavar="NAME", help="With blynk: the device, if the vault does not know it."
)
@network_options
@access_point_option
@via_option
@click.option(
    "--command",
    "names",
    metavar="NAME",
    multiple=True,
    help="With nrf: what the board is to do, in this order; may be repeated. Default: "
    "cloudAccessKeyGeneration.",
)
@click.option(
    "--commands",
    "file",
    metavar="FILE",
    help="With nrf: commands with their fields as JSON, a list of objects as the service takes them; "
    "- for standard input.",
)
@json_option
def renew(
    *,
    what: str | None,
    cloud: str,
    name: str | None,
    ssid: str | None,
    network_file: str | None,
    password_stdin: bool,
    access_point: str | None,
    via: str | None,
    names: tuple[str, ...],
    file: str | None,
    as_json: bool,
) -> None:
    """Give a board that is set up new credentials.

    A board of nRF Cloud makes a new key for the cloud, or carries out other commands. It is told
    over its cable; DEVICE, its name in nRF Cloud, its device id or the beginning of that, is told over
    the air. A board of Blynk gets a new token for the same device, which is delivered with its network.
    """
    if not (what or access_point):
        raise click.UsageError("Missing argument 'BOARD'.")

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        if cloud not in FAMILIES:
            problem = f"{clean_text(cloud)} is not one of {', '.join(sorted(FAMILIES))}"
            raise InputError(field="--cloud", problem=problem)
        check_family_options(cloud, (), None, access_point, token_stdin=False)
        if (names or file) and cloud != NRF:
            raise InputError(field="--command", problem=f"is used with --cloud {NRF}")
        if names and file:
            raise InputError(field="--commands", problem="has all of them: leave --command out")
        network = optional_network(ssid, network_file, password_stdin=password_stdin)
        commands = list(names) or (None if file is None else _read_commands(file))
        target = Target(what or "", via, access_point, cloud)
        return _renew(shell, target, {"name": name, "network": network, "commands": commands})

    run_command(as_json, begin)


async def _renew(shell: Shell, target: Target, request: dict[str, Any]) -> ExitStatus:
    given = {name: value for name, value in request.items() if value is not None}
    async with open_client(shell.output) as client:
        if target.cloud == NRF:
            way = await board_or_device(client, shell, target.board) | {"cloud": NRF}
        else:
            way = await target.reach(client, shell.output)
        return await run_job(shell, client, renewed, kind="renew", **(given | way))


async def board_or_device(client: Client, shell: Shell, what: str) -> dict[str, Any]:
    """Who a job is for: a board that is here, or a device by its name or id.

    A part of a board's id may be the beginning of another device's: then it is told, and nothing done.
    """
    boards = msgspec.convert((await client.call("boards.list"))["boards"], list[Board])
    device = {"board": "", "name": what}
    try:
        board = find_board(boards, what)
    except UnknownBoard:
        return device
    except AmbiguousBoard:
        if await _meant(client, what, part=False):
            return device
        raise
    if not is_whole(board, what) and (meant := await _meant(client, what, part=True)):
        matches = ", ".join([f"the board {board.id}", *meant])
        raise NrfDeviceAmbiguous(
            cloud="nRF Cloud", wanted=clean_text(what), count=len(meant) + 1, matches=matches
        )
    return await reach(client, shell.output, board.id, None)


async def _meant(client: Client, what: str, *, part: bool) -> list[str]:
    """Devices of nRF Cloud that are called so; with ``part`` also those whose id begins so."""
    folded = what.strip().casefold()
    listed = (await client.call("nrf.devices"))["devices"]
    return [
        clean_text(each["id"])
        for each in listed
        if folded in {each["id"].casefold(), each["name"].casefold(), each["imei"]}
        or (part and each["id"].casefold().startswith(folded))
    ]


def _read_commands(file: str) -> list[Any]:
    """A list of commands; the error never quotes it, as there may be a key in it."""
    shown = "standard input" if file == "-" else clean_text(file)
    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as opened:
            raw = opened.read(FILE_BYTES + 1)
        data = json.loads(raw.decode("utf-8-sig"))
    except OSError as error:
        raise InputError(field=shown, problem=f"cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise InputError(field=shown, problem="is not valid JSON") from None
    if len(raw) > FILE_BYTES or not isinstance(data, list):
        problem = "is too large" if len(raw) > FILE_BYTES else "is not a list of commands"
        raise InputError(field=shown, problem=problem)
    return data
