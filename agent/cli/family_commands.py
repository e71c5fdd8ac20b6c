"""``provision`` with nRF Cloud and Blynk, whose boards are families of their own; and ``renew``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec

from agent.boards.board import Board
from agent.boards.find import find_board
from agent.cli.air import reach
from agent.cli.connect import open_client
from agent.cli.family_told import provisioned, renewed
from agent.cli.follow import run_job
from agent.cli.inputs import FILE_BYTES, ask_secret, can_ask
from agent.cli.nrf_devices import find_device
from agent.cli.options import json_option
from agent.cli.shell import run_command
from agent.cli.target import access_point_option
from agent.errors import InputError, UnknownBoard
from agent.jobs.request import TOKEN_CHARS
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from agent.cli.client import Client
    from agent.cli.shell import Shell
    from agent.errors import ExitStatus

NRF: Final = "nrf"
BLYNK: Final = "blynk"
FAMILIES: Final = frozenset({NRF, BLYNK})
"""Clouds whose boards are set up in a way of their own."""
_ONLY: Final = {
    "--tag": {NRF},
    "--token-stdin": FAMILIES,
    "--template": {BLYNK},
    "--access-point": {BLYNK},
}

F = TypeVar("F", bound="Callable[..., Any]")


def family_options(command: F) -> F:
    """``--tag``, ``--token-stdin``, ``--template`` and ``--access-point``."""
    for option in reversed(
        (
            click.option(
                "--tag",
                "tags",
                metavar="TAG",
                multiple=True,
                help="With nrf: a tag of the claim, whose rules apply to the board; may be "
                "repeated. Default: nrf-cloud-onboarding.",
            ),
            click.option(
                "--token-stdin",
                is_flag=True,
                help="Take the token from standard input, behind the password if that is there "
                "too: with nrf the attestation token of a board that is elsewhere, with blynk the "
                "device's token as its page shows it.",
            ),
            click.option("--template", metavar="ID", help="With blynk: the template of the board."),
            access_point_option,
        )
    ):
        command = option(command)
    return command


def check_family_options(
    cloud: str,
    tags: Sequence[str],
    template: str | None,
    access_point: str | None,
    *,
    token_stdin: bool,
) -> None:
    """Raise :class:`InputError` for one that the cloud has not."""
    given = (
        ("--tag", tags),
        ("--token-stdin", token_stdin),
        ("--template", template),
        ("--access-point", access_point),
    )
    for option, value in given:
        if value and cloud not in _ONLY[option]:
            clouds = " or ".join(sorted(_ONLY[option]))
            raise InputError(field=option, problem=f"is used with --cloud {clouds}")


def read_token(cloud: str, board: str, *, token_stdin: bool) -> Secret | None:
    """The token, if it is given; a board of nRF Cloud that is elsewhere has nothing but its token.

    Runs before anything else, without a loop.
    """
    if token_stdin:
        data = sys.stdin.buffer.read(TOKEN_CHARS * 4) if sys.stdin else b""
        try:
            text = data.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise InputError(field="token", problem="is not valid text (UTF-8)") from None
        if not text:
            raise InputError(field="token", problem="is not given: standard input is empty")
        return Secret(text)
    if cloud == NRF and not board:
        if not can_ask():
            problem = "is missing; without it give the board's token with --token-stdin"
            raise InputError(field="BOARD", problem=problem)
        return ask_secret("Attestation token of the board: ")
    return None


async def provision_family(
    shell: Shell, wanted: str, via: str | None, request: dict[str, Any]
) -> ExitStatus:
    """Run the job; what is not given is empty or None."""
    given = {name: value for name, value in request.items() if value not in (None, False, "", ())}
    async with open_client(shell.output) as client:
        way = await _way(client, shell, wanted, via)
        return await run_job(shell, client, provisioned, kind="provision", **way, **given)


async def _way(client: Client, shell: Shell, wanted: str, via: str | None) -> dict[str, Any]:
    if wanted or via:
        return await reach(client, shell.output, wanted, via)
    return {"board": ""}


@click.command()
@click.argument("what", metavar="BOARD|DEVICE")
@click.option("--cloud", required=True, metavar="CLOUD", help="nrf or blynk.")
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
    *, what: str, cloud: str, names: tuple[str, ...], file: str | None, as_json: bool
) -> None:
    """Give a board that is set up new credentials.

    A board of nRF Cloud makes a new key for the cloud, or carries out other commands. It is told
    over its cable; DEVICE, a device id or the beginning of one, is told over the air. A board of
    Blynk gets a new token for the same device.
    """

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        if cloud not in FAMILIES:
            problem = f"{clean_text(cloud)} is not one of {', '.join(sorted(FAMILIES))}"
            raise InputError(field="--cloud", problem=problem)
        if names and file:
            raise InputError(field="--commands", problem="has all of them: leave --command out")
        commands = list(names) or (None if file is None else _read_commands(file))
        return _renew(shell, what, cloud, commands)

    run_command(as_json, begin)


async def _renew(shell: Shell, what: str, cloud: str, commands: list[Any] | None) -> ExitStatus:
    given: dict[str, Any] = {"cloud": cloud}
    if commands is not None:
        given["commands"] = commands
    async with open_client(shell.output) as client:
        way = await board_or_device(client, shell, what, cloud)
        return await run_job(shell, client, renewed, kind="renew", **way, **given)


async def board_or_device(client: Client, shell: Shell, what: str, cloud: str) -> dict[str, Any]:
    """Who a job is for: a board that is here, or a device by its name or id."""
    boards = msgspec.convert((await client.call("boards.list"))["boards"], list[Board])
    try:
        board = find_board(boards, what).id
    except UnknownBoard:
        name = await find_device(client, what) if cloud == NRF else what
        return {"board": "", "name": name}
    return await reach(client, shell.output, board, None)


def _read_commands(file: str) -> list[Any]:
    """A list of commands; the error never quotes it, as there may be a key in it."""
    from pathlib import Path

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
