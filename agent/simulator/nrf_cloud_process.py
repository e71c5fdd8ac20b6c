"""Runs a simulated nRF Cloud as a program: where it is on standard output, commands on its input."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from agent.errors import InputError
from agent.simulator.cloud_process import run_cloud
from agent.simulator.commands import answer_line
from agent.simulator.nrf_cloud import SimulatedNrfCloud
from agent.simulator.nrf_cloud_faults import Act, Fault, Operation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


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
    """See :func:`~agent.simulator.cloud_process.run_cloud`; of ``ports`` only ``http`` is its own.

    Its addresses are for both hosts; ``proxy`` leads the real names to it.
    """
    wanted = dict(ports or {})
    for scheme in wanted:
        if scheme != "http":
            raise InputError(field="--port", problem=f"{scheme} is none of its; http is")
    cloud = SimulatedNrfCloud(port=wanted.get("http", 0), tls=True)
    await run_cloud(
        cloud,
        Commands(cloud),
        lambda: {"api_key": cloud.key.secret.reveal()},
        name="nrf-cloud",
        file=account,
        as_json=as_json,
        until_stdin_closes=until_stdin_closes,
    )
