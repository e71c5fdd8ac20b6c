"""The two carriers of Improv Wi-Fi over links: packets on a byte pipe, or GATT characteristics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from agent.links.ble_connect import Wanted
from agent.protocols.improv import gatt
from agent.protocols.improv.messages import Capability
from agent.protocols.improv.packets import PacketDecoder, encode_message

if TYPE_CHECKING:
    from agent.links.gatt import GattLink
    from agent.links.link import Link
    from agent.protocols.improv.host import Carrier
    from agent.protocols.improv.messages import Rpc
    from agent.protocols.improv.packets import Piece


IMPROV: Final = Wanted(
    service=gatt.SERVICE_UUID, to_board=gatt.RPC_COMMAND_UUID, from_board=gatt.RPC_RESULT_UUID
)
"""What a link for Improv needs of a device."""


class Wire(Protocol):
    """What carries messages to a device and back; errors are those of the link."""

    @property
    def carrier(self) -> Carrier:
        """Which of the two."""

    @property
    def address(self) -> str:
        """The port."""

    async def open(self) -> list[Piece]:
        """Begin to listen; what the device says at once."""

    async def read_state(self) -> list[Piece]:
        """The state as it is now, where it can be read; else nothing, and a command asks for it."""

    def can(self, capability: Capability) -> bool:
        """Whether the device may be asked for this."""

    async def send(self, rpc: Rpc) -> None:
        """Hand a command to the device."""

    async def receive(self) -> list[Piece]:
        """Wait for messages, or for text between them; may return none."""

    def release(self) -> list[Piece]:
        """The line is silent: give up a message whose end does not come."""

    async def close(self) -> None:
        """Release the port; never raises."""


class SerialWire:
    """Packets between lines of text on a :class:`~agent.links.link.Link`."""

    carrier: Carrier = "serial"

    def __init__(self, link: Link) -> None:
        self._link = link
        self._decoder = PacketDecoder()

    @property
    def address(self) -> str:
        """The port."""
        return self._link.address

    async def open(self) -> list[Piece]:
        """Nothing: a device speaks when it is asked."""
        return []

    async def read_state(self) -> list[Piece]:
        """Nothing: it is asked for."""
        return []

    def can(self, capability: Capability) -> bool:
        """Devices on a serial port do not say: whatever they do not know they refuse."""
        return capability is not Capability.IDENTIFY

    async def send(self, rpc: Rpc) -> None:
        """One packet with one call."""
        await self._link.write(encode_message(rpc))

    async def receive(self) -> list[Piece]:
        """What the next bytes complete."""
        return self._decoder.feed(await self._link.receive())

    def release(self) -> list[Piece]:
        """See :meth:`PacketDecoder.release`."""
        return self._decoder.release()

    async def close(self) -> None:
        """Close the link."""
        await self._link.close()


class GattWire:
    """Characteristics of a :class:`~agent.links.gatt.GattLink`."""

    carrier: Carrier = "ble"

    def __init__(self, link: GattLink) -> None:
        self._link = link
        self._capabilities = Capability(0)
        self._read_again: bytes | None = None

    @property
    def address(self) -> str:
        """The port."""
        return self._link.address

    async def open(self) -> list[Piece]:
        """Subscribe before anything is read, so that no change is missed; then the state."""
        await self._link.subscribe(gatt.NOTIFYING_UUIDS)
        self._capabilities = gatt.parse_capabilities(await self._link.read(gatt.CAPABILITIES_UUID))
        return await self.read_state()

    async def read_state(self) -> list[Piece]:
        """Read the characteristic."""
        return [gatt.parse_value(gatt.STATE_UUID, await self._link.read(gatt.STATE_UUID))]

    def can(self, capability: Capability) -> bool:
        """As its characteristic says."""
        return capability in self._capabilities

    async def send(self, rpc: Rpc) -> None:
        """One value, confirmed."""
        await self._link.write(gatt.RPC_COMMAND_UUID, gatt.encode_command(rpc))

    async def receive(self) -> list[Piece]:
        """The message of the next notification; read once more if it was cut at the MTU."""
        uuid, value = await self._link.receive()
        if uuid == gatt.RPC_RESULT_UUID:
            if not gatt.is_whole(value):
                value = self._read_again = await self._link.read(uuid)
            elif value == self._read_again:
                # BlueZ notifies what was read; a real notification would have been cut again.
                self._read_again = None
                return []
        return [gatt.parse_value(uuid, value)]

    def release(self) -> list[Piece]:
        """Nothing: values come whole."""
        return []

    async def close(self) -> None:
        """Close the link."""
        await self._link.close()
