"""Runs a simulated ThingsBoard as a program: addresses on standard output, commands on its input."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from agent.errors import InputError
from agent.simulator.run import WAITING_COMMANDS, Printer, on_signal, read_lines, serve
from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.thingsboard_commands import Commands

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


async def run_thingsboard(
    *,
    as_json: bool,
    until_stdin_closes: bool,
    ports: Mapping[str, int] | None = None,
    account: Path | None = None,
) -> None:
    """Run until SIGINT, SIGTERM, the command ``stop``, or (if asked for) the end of the input.

    Prints where it is: a URL per line, then the file with its authority and the file with its
    accounts, which only this user can read; with ``as_json`` one object. Raises
    :class:`InputError` if a port is taken or the file for the accounts exists.
    """
    printer, loop = Printer(), asyncio.get_running_loop()
    server = SimulatedThingsBoard(ports=ports)
    commands = Commands(server)
    printer.start(loop, commands.stopped.set)
    lines: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING_COMMANDS)
    for number in (signal.SIGINT, signal.SIGTERM):
        on_signal(loop, number, commands.stopped.set)
    try:
        async with contextlib.AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(server)
            except OSError as error:
                raise InputError(field="--port", problem=str(error.strerror or error)) from None
            where: dict[str, str] = dict(server.addresses)
            where |= stack.enter_context(_files(server, account))
            printer.print(json.dumps(where).encode() if as_json else _lines(where))
            read_lines(loop, lines)
            await serve(
                commands.stopped,
                commands.handle_line,
                lines,
                printer.print,
                until_stdin_closes=until_stdin_closes,
            )
    finally:
        await asyncio.to_thread(printer.finish)


def _lines(where: Mapping[str, str]) -> bytes:
    return "\n".join(where.values()).encode()


@contextlib.contextmanager
def _files(server: SimulatedThingsBoard, account: Path | None) -> Iterator[dict[str, str]]:
    """The authority and the accounts in files, for as long as the server runs."""
    with tempfile.TemporaryDirectory(prefix="mooring-thingsboard-") as folder:
        ca = Path(folder) / "ca.pem"
        ca.write_text(server.ca, encoding="ascii")
        accounts = account or Path(folder) / "account.json"
        try:
            handle = os.open(accounts, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            problem = error.strerror or str(error)
            raise InputError(field="--account", problem=problem) from None
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(msgspec.json.encode(account_of(server)))
            yield {"ca": str(ca), "account": str(accounts)}
        finally:
            accounts.unlink(missing_ok=True)


def account_of(server: SimulatedThingsBoard) -> dict[str, Any]:
    """What a person needs to use it, in clear."""
    return {
        "profiles": [
            {
                "name": profile.name,
                "strategy": profile.strategy.value,
                "provision_key": profile.key,
                "provision_secret": profile.secret.reveal(),
            }
            for profile in (server.create, server.check)
        ],
        "administrator": {
            "username": server.administrator.name,
            "password": server.administrator.password.reveal(),
        },
    }
