"""Runs a simulated nRF Cloud as a program: where it is on standard output, commands on its input."""

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
from agent.simulator.commands import answer_line
from agent.simulator.nrf_cloud import SimulatedNrfCloud
from agent.simulator.nrf_cloud_faults import Act, Fault, Operation
from agent.simulator.run import WAITING_COMMANDS, Printer, on_signal, read_lines, serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class FaultCommand(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """As :class:`~agent.simulator.nrf_cloud_faults.Fault`."""

    act: Act
    operation: Operation | None = None
    times: int | None = 1
    seconds: float = 0.0
    status: int = 500
    retry_after: str | None = None
    text: str = "{"


class Command(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What one line can say; several at once are done in this order."""

    id: Any = None
    stranger: str | None = None
    """A device id that the identity service does not know from now on."""
    release: str | None = None
    """A device id whose owner unclaims it."""
    fault: FaultCommand | None = None
    clear: bool = False
    """No more faults."""
    down: bool | None = None
    status: bool = False
    stop: bool = False


class Commands:
    """Carries commands out."""

    def __init__(self, cloud: SimulatedNrfCloud) -> None:
        self._cloud = cloud
        self.stopped = asyncio.Event()

    async def handle_line(self, line: bytes) -> dict[str, Any]:
        """Carry out a command; the answer to it. Never raises for what a line contains."""
        return await answer_line(line, Command, self._handle)

    async def _handle(self, command: Command) -> dict[str, Any]:
        cloud = self._cloud
        if command.stranger is not None:
            cloud.state.strangers.add(command.stranger)
        if command.release is not None:
            claimed = cloud.state.claims.get(command.release)
            if claimed is None:
                raise InputError(field="release", problem="nobody has claimed this device")
            cloud.state.unclaim(claimed.team, claimed.id)
        if command.clear:
            cloud.faults.clear()
        if command.fault is not None:
            cloud.faults.add(Fault(**msgspec.structs.asdict(command.fault)))
        if command.down is not None:
            cloud.down = command.down
        if command.stop:
            self.stopped.set()
        return self._status() if command.status else {}

    def _status(self) -> dict[str, Any]:
        """Claims, devices and requests; no credentials."""
        state = self._cloud.state
        return {
            "claims": [
                {
                    "id": claimed.id,
                    "tags": list(claimed.tags),
                    "commands": [
                        [*command.request, command.status] for command in claimed.commands
                    ],
                }
                for claimed in state.claims.values()
            ],
            "devices": [{"id": each.id, "name": each.name} for each in state.devices.values()],
            "requests": [
                {"operation": seen.operation, "status": seen.status}
                for seen in self._cloud.record.requests
            ],
        }


async def run_nrf_cloud(
    *,
    as_json: bool,
    until_stdin_closes: bool,
    ports: Mapping[str, int] | None = None,
    account: Path | None = None,
) -> None:
    """Run until SIGINT, SIGTERM, the command ``stop``, or (if asked for) the end of the input.

    Prints its address (for both hosts), that of the proxy that leads the real names to it, the file
    with its authority, and the file with its API key, which only this user can read; with
    ``as_json`` one object. Raises :class:`InputError` if a port is taken or that file exists.
    """
    wanted = dict(ports or {})
    for scheme in wanted:
        if scheme != "http":
            raise InputError(field="--port", problem=f"{scheme} is none of its; http is")
    printer, loop = Printer(), asyncio.get_running_loop()
    cloud = SimulatedNrfCloud(port=wanted.get("http", 0), tls=True)
    commands = Commands(cloud)
    printer.start(loop, commands.stopped.set)
    lines: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING_COMMANDS)
    for number in (signal.SIGINT, signal.SIGTERM):
        on_signal(loop, number, commands.stopped.set)
    try:
        async with contextlib.AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(cloud)
            except OSError as error:
                raise InputError(field="--port", problem=str(error.strerror or error)) from None
            where = {"http": cloud.base_url, "https": cloud.https_url, "proxy": cloud.proxy.url}
            where |= stack.enter_context(_files(cloud, account))
            text = json.dumps(where) if as_json else "\n".join(where.values())
            printer.print(text.encode())
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
def _files(cloud: SimulatedNrfCloud, account: Path | None) -> Iterator[dict[str, str]]:
    """The authority and the key in files, for as long as the cloud runs."""
    with tempfile.TemporaryDirectory(prefix="mooring-nrf-cloud-") as folder:
        ca = Path(folder) / "ca.pem"
        ca.write_text(cloud.ca, encoding="ascii")
        key = account or Path(folder) / "account.json"
        try:
            handle = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            problem = error.strerror or str(error)
            raise InputError(field="--account", problem=problem) from None
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(msgspec.json.encode({"api_key": cloud.key.secret.reveal()}))
            yield {"ca": str(ca), "account": str(key)}
        finally:
            key.unlink(missing_ok=True)
