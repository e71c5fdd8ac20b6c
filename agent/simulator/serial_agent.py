"""The serial agent: one link between a host and the firmware.

Source: protocol-v2, 1.1 and 1.2; Arduino_NetworkConfigurator ec9ff8e, serial agent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.protocols.v2.frames import Control, PacketType
from agent.simulator.packet_agent import LinkState, PacketAgent, control_code
from agent.simulator.receiver import Packet, Receiver, Reception

if TYPE_CHECKING:
    from agent.simulator.hardware import Hardware


class SerialAgent(PacketAgent):
    """The firmware's end of the serial link."""

    def __init__(self, hardware: Hardware, receiver: Receiver) -> None:
        super().__init__(hardware, receiver)
        # The agent and the protocol below it each have a packet: what one of them received
        # of a packet is not seen by the other.
        self._connect_packet = Packet()
        self._disconnect = False

    @property
    def peer_connected(self) -> bool:
        """Whether a host is there."""
        connected = self.state in {LinkState.CONNECTED, LinkState.RECEIVED}
        return self._hardware.port_open and connected

    def wedge(self) -> None:
        """Bring the receiver into the state that only a restart ends."""
        super().wedge()
        self._connect_packet.clear()

    def begin(self) -> None:
        """Wait for a host."""
        if self.state is LinkState.END:
            self.state = LinkState.INIT

    def end(self) -> None:
        """Read nothing any more: what comes waits in the port's buffer."""
        if self.peer_connected:
            self.disconnect()
        self._clear()
        self.state = LinkState.END

    def update(self) -> LinkState:
        """Receive what is there and send what is due: one turn."""
        if self.state is LinkState.END:
            return self.state
        if self.state is LinkState.INIT:
            self._wait_for_connect()
        elif self.peer_connected:
            self._exchange()
        else:
            self._clear()
            self.state = LinkState.INIT
            self._hardware.active = True
        if self._disconnect:
            self._disconnect = False
            self._clear()
            self.state = LinkState.INIT
        self._drop_expired()
        return self.state

    def disconnect(self) -> None:
        """End the link from this side."""
        self._send(PacketType.CONTROL, bytes((Control.DISCONNECT,)))
        self._clear()
        self.state = LinkState.INIT

    def _wait_for_connect(self) -> None:
        if not self._hardware.port_open:
            return
        for byte in self._take():
            result = self._receive(self._connect_packet, byte)
            if result is Reception.RECEIVED:
                if control_code(self._connect_packet) is Control.CONNECT:
                    self.state = LinkState.CONNECTED
                    self._hardware.reach("connect")
                self._connect_packet.clear()
            elif result is Reception.ERROR:
                self._hardware.log("SerialAgentClass::handleInit Error receiving packet")
                return

    def _take(self) -> bytes:
        return self._hardware.take()

    def _write(self, data: bytes) -> None:
        self._hardware.write(data)

    def _leave(self) -> None:
        self._disconnect = True
