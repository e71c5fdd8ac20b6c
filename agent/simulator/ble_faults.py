"""What goes wrong between a program and a simulated BlueZ: calls that fail, hang or wait."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.simulator.ble_objects import BluezError

if TYPE_CHECKING:
    from agent.simulator.ble_air import AttError

FOR_EVER: Final = 1_000_000_000
"""``times`` of a fault that stays until :meth:`CallFaults.clear`."""

_ATT_WORDS: Final = {
    0x02: ("NotPermitted", "Read not permitted"),
    0x03: ("NotPermitted", "Write not permitted"),
    0x05: ("NotPermitted", "Not paired"),
    0x06: ("NotSupported", "Operation is not supported"),
    0x07: ("InvalidArguments", "Invalid offset"),
    0x08: ("NotAuthorized", "Operation Not Authorized"),
    0x0C: ("NotPermitted", "Not paired"),
    0x0D: ("InvalidArguments", "Invalid Length"),
    0x0F: ("NotPermitted", "Not paired"),
    0xFD: ("ImproperlyConfigured", "Improperly Configured"),
}
"""BlueZ' names for ATT errors; all others are in the text of ``Failed``.

Source: bleak 3.1.0, backends/bluezdbus/utils.py, and BlueZ, src/gatt-client.c.
"""


def att_error(error: AttError) -> BluezError:
    """How BlueZ reports what a device answered."""
    text = f"Operation failed with ATT error: 0x{error.code:02x}"
    return BluezError(*_ATT_WORDS.get(error.code, ("Failed", text)))


IN_PROGRESS: Final = ("InProgress", "Operation already in progress")
NOT_SUPPORTED: Final = ("NotSupported", "Operation is not supported")
NOT_READY: Final = ("NotReady", "Resource Not Ready")
NOT_CONNECTED: Final = ("Failed", "Not connected")
ABORT_BY_LOCAL: Final = ("Failed", "le-connection-abort-by-local")
"""A link that was made and fell at once, or was not made in time (BlueZ, src/error.h)."""
ACCESS_DENIED: Final = (
    "org.freedesktop.DBus.Error.AccessDenied",
    'Rejected send message, 2 matched rules; type="method_call", destination="org.bluez"',
)
"""What a bus answers in BlueZ' place to a user whom its policy keeps away."""


@dataclass
class _CallFault:
    error: BluezError | None
    """None: no answer at all."""
    times: int
    after: int


class CallFaults:
    """Faults of method calls, by the method's name (``Connect``, ``WriteValue`` …)."""

    def __init__(self) -> None:
        self._faults: dict[str, list[_CallFault]] = {}

    def fail(self, method: str, name: str, text: str, *, times: int = 1, after: int = 0) -> None:
        """Answer calls with an error, after ``after`` that are let pass."""
        self._add(method, _CallFault(BluezError(name, text), times, after))

    def hang(self, method: str, *, times: int = 1, after: int = 0) -> None:
        """Never answer calls."""
        self._add(method, _CallFault(None, times, after))

    def clear(self) -> None:
        """Nothing goes wrong any more; what hangs already hangs on."""
        self._faults.clear()

    async def meet(self, method: str) -> None:
        """Let a call meet its fault, if there is one: raises, or never returns."""
        for fault in self._faults.get(method, ()):
            if fault.after:
                fault.after -= 1
            elif fault.times:
                fault.times -= 1
                if fault.error is not None:
                    raise fault.error
                await asyncio.get_running_loop().create_future()

    def _add(self, method: str, fault: _CallFault) -> None:
        self._faults.setdefault(method, []).append(fault)
