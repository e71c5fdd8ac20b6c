"""Runs a simulated Blynk.Cloud as a program: addresses on standard output, commands on its input."""

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
from agent.simulator.blynk_cloud import SimulatedBlynkCloud
from agent.simulator.blynk_cloud_faults import Act, Fault, Operation
from agent.simulator.commands import answer_line
from agent.simulator.run import WAITING_COMMANDS, Printer, on_signal, read_lines, serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class FaultCommand(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """As :class:`~agent.simulator.blynk_cloud_faults.Fault`."""

    act: Act
    operation: Operation | None = None
    path: str = ""
    times: int | None = 1
    status: int = 500
    retry_after: str | None = None
    text: str = "{"


class Command(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What one line can say; several at once are done in this order."""

    id: Any = None
    prepare: str | None = None
    """Template id of a device with a QR code, whose text is the answer."""
    delete: int | None = None
    """Id of a device."""
    plan: bool | None = None
    """Whether the organisation's plan has the platform interface."""
    permissions: list[str] | None = None
    """All that the client may do."""
    lifetime_s: float | None = None
    """Of the next tokens of the client."""
    rate_per_min: int | None = None
    fault: FaultCommand | None = None
    clear: bool = False
    """No more faults."""
    clock_ahead_s: float | None = None
    down: bool | None = None
    status: bool = False
    stop: bool = False


class Commands:
    """Carries commands out."""

    def __init__(self, server: SimulatedBlynkCloud) -> None:
        self._server = server
        self.stopped = asyncio.Event()

    async def handle_line(self, line: bytes) -> dict[str, Any]:
        """Carry out a command; the answer to it. Never raises for what a line contains."""
        return await answer_line(line, Command, self._handle)

    async def _handle(self, command: Command) -> dict[str, Any]:
        server = self._server
        answer = self._devices(command)
        if command.plan is not None:
            server.platform.plan = command.plan
        if command.permissions is not None:
            server.client.permissions = set(command.permissions)
        if command.lifetime_s is not None:
            server.clients.lifetime_s = command.lifetime_s
        if command.rate_per_min is not None:
            server.around.rate_per_min = command.rate_per_min
        if command.clear:
            server.faults.clear()
        if command.fault is not None:
            server.faults.add(Fault(**msgspec.structs.asdict(command.fault)))
        if command.clock_ahead_s is not None:
            server.clock_ahead_s = command.clock_ahead_s
        if command.down is not None:
            server.down = command.down
        if command.status:
            answer |= self._status()
        if command.stop:
            self.stopped.set()
        return answer

    def _devices(self, command: Command) -> dict[str, Any]:
        state, answer = self._server.state, {}
        if command.prepare is not None:
            if command.prepare not in state.templates:
                raise InputError(field="prepare", problem="is no template")
            prepared = state.prepare(command.prepare)
            answer["code"] = f"{prepared.token}+{prepared.org_id}"
        if command.delete is not None:
            device = state.devices.get(command.delete)
            if device is None:
                raise InputError(field="delete", problem="is no device")
            state.delete(device)
        return answer

    def _status(self) -> dict[str, Any]:
        server = self._server
        devices = [
            {
                "id": device.id,
                "name": device.name,
                "template": device.template_id,
                "activated": device.activated_at > 0,
                "connected": bool(device.links),
            }
            for device in server.state.devices.values()
        ]
        requests = [
            {"operation": seen.operation, "what": seen.what, "outcome": seen.outcome}
            for seen in server.record.requests
        ]
        return {"devices": devices, "requests": requests}


async def run_blynk_cloud(
    *,
    as_json: bool,
    until_stdin_closes: bool,
    ports: Mapping[str, int] | None = None,
    account: Path | None = None,
) -> None:
    """Run until SIGINT, SIGTERM, the command ``stop``, or (if asked for) the end of the input.

    Prints where it is: a URL per line, then the file with its authority and the file with its
    account, which only this user can read; with ``as_json`` one object. Raises :class:`InputError`
    if a port is taken or the file for the account exists.
    """
    printer, loop = Printer(), asyncio.get_running_loop()
    server = SimulatedBlynkCloud(ports=ports, tls=True)
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
            said = json.dumps(where) if as_json else "\n".join(where.values())
            printer.print(said.encode())
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


@contextlib.contextmanager
def _files(server: SimulatedBlynkCloud, account: Path | None) -> Iterator[dict[str, str]]:
    """The authority and the account in files, for as long as the server runs."""
    with tempfile.TemporaryDirectory(prefix="mooring-blynk-") as folder:
        ca = Path(folder) / "ca.pem"
        ca.write_text(server.ca, encoding="ascii")
        file = account or Path(folder) / "account.json"
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            problem = error.strerror or str(error)
            raise InputError(field="--account", problem=problem) from None
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(msgspec.json.encode(server.account))
            yield {"ca": str(ca), "account": str(file)}
        finally:
            file.unlink(missing_ok=True)
