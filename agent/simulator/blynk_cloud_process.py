"""Runs a simulated Blynk.Cloud as a program: addresses on standard output, commands on its input."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from agent.errors import InputError
from agent.simulator.blynk_cloud import SimulatedBlynkCloud
from agent.simulator.blynk_cloud_faults import Act, Fault, Operation
from agent.simulator.cloud_process import run_cloud
from agent.simulator.commands import answer_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


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
    """See :func:`~agent.simulator.cloud_process.run_cloud`; ``ports`` by name of its addresses."""
    server = SimulatedBlynkCloud(ports=ports, tls=True)
    await run_cloud(
        server,
        Commands(server),
        lambda: server.account,
        name="blynk",
        file=account,
        as_json=as_json,
        until_stdin_closes=until_stdin_closes,
    )
