"""Commands to a simulated ThingsBoard that runs as a program: one JSON object per line."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from agent.errors import InputError
from agent.simulator.commands import answer_line
from agent.simulator.thingsboard import NotConnectedError
from agent.simulator.thingsboard_devices import TooManyDevicesError
from agent.simulator.thingsboard_faults import Act, Carrier, Fault, Operation
from agent.simulator.thingsboard_tls import ServerCertificate

if TYPE_CHECKING:
    from agent.simulator.thingsboard import SimulatedThingsBoard
    from agent.simulator.thingsboard_devices import Device, Json


class FaultCommand(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """As :class:`~agent.simulator.thingsboard_faults.Fault`."""

    act: Act
    operation: Operation | None = None
    carrier: Carrier | None = None
    times: int | None = 1
    seconds: float = 0.0
    status: int = 500
    retry_after: str | None = None
    text: str = "{"


class CallCommand(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Ask a device."""

    device: str
    method: str
    params: Any = None
    seconds: float = 10.0


class Command(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What one line can say; several at once are done in this order."""

    id: Any = None
    prepare: str | None = None
    """Name of a device that waits for its board, in the profile that checks."""
    forget: str | None = None
    """Name of a device whose mark of provisioning is cleared."""
    delete: str | None = None
    shared: dict[str, dict[str, Any]] | None = None
    """Shared attributes by device."""
    fault: FaultCommand | None = None
    clear: bool = False
    """No more faults."""
    certificate: ServerCertificate | None = None
    clock_ahead_s: float | None = None
    down: bool | None = None
    call: CallCommand | None = None
    status: bool = False
    stop: bool = False


class Commands:
    """Carries commands out."""

    def __init__(self, server: SimulatedThingsBoard) -> None:
        self._server = server
        self.stopped = asyncio.Event()

    async def handle_line(self, line: bytes) -> dict[str, Any]:
        """Carry out a command; the answer to it. Never raises for what a line contains."""
        return await answer_line(line, Command, self._handle)

    async def _handle(self, command: Command) -> dict[str, Any]:
        server = self._server
        self._devices(command)
        if command.clear:
            server.faults.clear()
        if command.fault is not None:
            server.faults.add(Fault(**msgspec.structs.asdict(command.fault)))
        if command.certificate is not None:
            if server.certificates is None:
                raise InputError(field="certificate", problem="is of no use without TLS")
            server.certificates.kind = command.certificate
        if command.clock_ahead_s is not None:
            server.clock_ahead_s = command.clock_ahead_s
        if command.down is not None:
            server.down = command.down
        answer: dict[str, Any] = {}
        if command.call is not None:
            answer["answer"] = await self._call(command.call)
        if command.status:
            answer |= self._status()
        if command.stop:
            self.stopped.set()
        return answer

    def _devices(self, command: Command) -> None:
        if command.prepare is not None:
            try:
                self._server.prepare(command.prepare)
            except (ValueError, TooManyDevicesError) as error:
                raise InputError(field="prepare", problem=str(error) or "is too many") from None
        if command.forget is not None:
            device = self._device("forget", command.forget)
            self._server.state.delete_attributes(device, "SERVER_SCOPE", ["provisionState"])
        if command.delete is not None:
            self._server.state.delete(self._device("delete", command.delete))
        for name, values in (command.shared or {}).items():
            self._server.state.set_shared(self._device("shared", name), values)

    async def _call(self, call: CallCommand) -> Json:
        self._device("call.device", call.device)
        try:
            return await self._server.call(
                call.device, call.method, call.params, limit_s=call.seconds
            )
        except NotConnectedError:
            raise InputError(field="call.device", problem="is not connected") from None
        except TimeoutError:
            raise InputError(field="call", problem=f"got no answer in {call.seconds} s") from None

    def _device(self, field: str, name: str) -> Device:
        device = self._server.state.devices.get(name)
        if device is None:
            raise InputError(field=field, problem=f"there is no device {name!r}")
        return device

    def _status(self) -> dict[str, Any]:
        """Devices and requests; no credentials."""
        state = self._server.state
        return {
            "devices": [
                {
                    "name": device.name,
                    "profile": device.profile.name,
                    "gateway": device.gateway,
                    "parent": device.parent or None,
                    "credentials": device.credentials.kind.value,
                    "connected": bool(state.sessions.get(device.id)),
                    "last_seen": device.last_seen,
                    "attributes": device.attributes,
                    "telemetry": len(device.telemetry),
                }
                for device in state.devices.values()
            ],
            "requests": [
                {"carrier": seen.carrier, "operation": seen.operation, "outcome": seen.outcome}
                for seen in self._server.record.requests
            ],
        }
