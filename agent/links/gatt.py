"""The interface of a link to a device whose protocol uses several GATT characteristics.

A :class:`~agent.links.link.Link` is a byte pipe; such a device has values that are read, written
and notified one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class GattLink(Protocol):
    """An open Bluetooth LE connection. It knows nothing of what values mean.

    Errors are those of ``agent.errors``: :class:`PortGone` when the connection ended. Operations
    may overlap; the link does one after the other.
    """

    @property
    def address(self) -> str:
        """``ble://`` and what the system connects to."""

    async def subscribe(self, uuids: Sequence[str]) -> None:
        """Let :meth:`receive` return what these characteristics notify from now on."""

    async def read(self, uuid: str) -> bytes:
        """The whole value, however long; empty if the device has no such characteristic."""

    async def write(self, uuid: str, value: bytes) -> None:
        """Write the whole value, confirmed; the system splits it if it is longer than the MTU."""

    async def receive(self) -> tuple[str, bytes]:
        """Wait for a notification: characteristic (lower case) and value, maybe cut at the MTU.

        :class:`PortGone` when the connection ended; what came before is handed out first.
        """

    async def close(self) -> None:
        """End the connection. May be called more than once; never raises."""
