"""The Bluetooth LE side of a simulated Improv device: characteristics and their notifications.

No radio and no Bluetooth stack: whoever has one (a stand-in for BlueZ, a GATT server) reads,
writes and subscribes here. The time is the firmware's.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final

from agent.protocols.improv import gatt
from agent.protocols.improv.messages import (
    Command,
    CurrentState,
    Error,
    ErrorState,
    RpcResult,
    State,
)

if TYPE_CHECKING:
    from agent.simulator.improv import ImprovFirmware

MTU: Final = 23
"""Before anything larger is agreed."""
ATT_HEAD_BYTES: Final = 3
SERVICE_ENDS_MS: Final = 1_000.0
"""After it has joined (ESPHome, esp32_improv, "end-service")."""
UUIDS: Final = (
    gatt.STATE_UUID,
    gatt.ERROR_UUID,
    gatt.RPC_COMMAND_UUID,
    gatt.RPC_RESULT_UUID,
    gatt.CAPABILITIES_UUID,
)


class ImprovGatt:
    """The service of one device. ``speed``: board seconds in a second of who uses it.

    The second that is left after joining is one of theirs: a result has to be fetched in it.
    """

    def __init__(self, firmware: ImprovFirmware, *, mtu: int = MTU, speed: float = 1.0) -> None:
        self.firmware = firmware
        self.mtu = mtu
        self.subscribed: set[str] = set()
        self._values: dict[str, bytes] = dict.fromkeys(UUIDS, b"")
        self._notifications: deque[tuple[str, bytes]] = deque()
        self._written = b""
        self._ends_at = math.inf
        self._lasts_ms = SERVICE_ENDS_MS * speed
        self._take()

    @property
    def ended(self) -> bool:
        """The service is stopped: the device drops its link and advertises no more."""
        return self.firmware.now >= self._ends_at

    @property
    def next_wake(self) -> float:
        """When :meth:`run` has something to do, in ms of board time."""
        return min(self.firmware.next_wake, self._ends_at if not self.ended else math.inf)

    @property
    def service_data(self) -> bytes:
        """What it advertises under :data:`gatt.SERVICE_DATA_UUID`."""
        firmware = self.firmware
        return gatt.encode_service_data(gatt.ServiceData(firmware.state, firmware.capabilities))

    def run(self, until: float) -> None:
        """Let the time pass."""
        self.firmware.run(until)
        self._take()

    def read(self, uuid: str) -> bytes:
        """The whole value."""
        match uuid:
            case gatt.STATE_UUID:
                return bytes((self.firmware.state,))
            case gatt.ERROR_UUID:
                return bytes((self.firmware.error,))
            case gatt.CAPABILITIES_UUID:
                return bytes((self.firmware.capabilities,))
        return self._values[uuid]

    def write(self, uuid: str, value: bytes) -> None:
        """A write, or a part of one: what comes in several is put together as it comes."""
        if uuid != gatt.RPC_COMMAND_UUID:
            return
        self._written += value
        if not gatt.is_whole(self._written):
            return
        rpc, self._written = gatt.parse_command(self._written), b""
        # Each command, so that the same error twice is notified twice.
        self.firmware.error = Error.NONE
        self._notify(gatt.ERROR_UUID, bytes((Error.NONE,)))
        if rpc is not None and rpc.command == Command.IDENTIFY:
            self.firmware.identify()
        else:
            self.firmware.command(rpc)
        self._take()

    def disconnected(self) -> None:
        """The client is gone: half a command and what was not fetched go with it."""
        self._written = b""
        self.subscribed.clear()
        self._notifications.clear()

    def take_notifications(self) -> list[tuple[str, bytes]]:
        """Characteristic and value, cut at the MTU as a radio stack cuts them."""
        notifications = list(self._notifications)
        self._notifications.clear()
        return [(uuid, value[: self.mtu - ATT_HEAD_BYTES]) for uuid, value in notifications]

    # --- inside ------------------------------------------------------------------------------

    def _take(self) -> None:
        networks: list[bytes] = []
        for part in self.firmware.take():
            match part:
                case CurrentState(value):
                    self._notify(gatt.STATE_UUID, bytes((value,)))
                    if value == State.PROVISIONED:
                        self._ends_at = self.firmware.now + self._lasts_ms
                case ErrorState(value):
                    self._notify(gatt.ERROR_UUID, bytes((value,)))
                case RpcResult(Command.WIFI_NETWORKS, strings) if strings:
                    # Here one result carries all; the empty one behind the last is its sign.
                    if sum(len(string) + 1 for string in (*networks, *strings)) <= gatt.LIST_LIMIT:
                        networks += strings
                case RpcResult(Command.WIFI_NETWORKS):
                    self._send(RpcResult(Command.WIFI_NETWORKS, tuple(networks)))
                case RpcResult():
                    self._send(part)

    def _send(self, result: RpcResult) -> None:
        self._notify(gatt.RPC_RESULT_UUID, gatt.encode_result_value(result))

    def _notify(self, uuid: str, value: bytes) -> None:
        # State and error are notified when they change (esp32_improv, set_state and set_error).
        if uuid != gatt.RPC_RESULT_UUID and self._values[uuid] == value:
            return
        self._values[uuid] = value
        if uuid in self.subscribed:
            self._notifications.append((uuid, value))
