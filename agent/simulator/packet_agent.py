"""What the agents of the firmware have in common: packets in, kept packets out.

An agent keeps every packet it sent until the host's next data packet, and sends all of them again
when the host asks for it with a NACK.
Source: protocol-v2, 1.1 and 1.2; Arduino_NetworkConfigurator ec9ff8e, board configuration protocol.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from agent.protocols.v2.frames import Control, PacketType, encode_frame
from agent.protocols.v2.status import StatusCode
from agent.simulator.board_cbor import Received, Refused, decode, encode_status
from agent.simulator.receiver import Packet, Receiver, Reception

if TYPE_CHECKING:
    from agent.simulator.hardware import Hardware

PACKET_VALIDITY_MS: Final = 30_000
"""How long a sent packet can be asked for again."""


class LinkState(Enum):
    """State of an agent."""

    END = auto()
    """Switched off."""
    INIT = auto()
    """Waits for a host."""
    CONNECTED = auto()
    RECEIVED = auto()
    """Connected, and messages wait to be handled."""


@dataclass
class _Kept:
    data: bytes
    valid_until: float
    sent: bool = False


class PacketAgent(ABC):
    """The firmware's end of one link."""

    def __init__(self, hardware: Hardware, receiver: Receiver) -> None:
        self._hardware = hardware
        self._receiver = receiver
        self._packet = Packet()
        self._kept: list[_Kept] = []
        self._messages: list[bytes] = []
        self.state = LinkState.END

    @property
    @abstractmethod
    def peer_connected(self) -> bool:
        """Whether a host is there."""

    @abstractmethod
    def begin(self) -> None:
        """Switch on, if it is off."""

    @abstractmethod
    def end(self) -> None:
        """Switch off; a link falls."""

    @abstractmethod
    def update(self) -> LinkState:
        """Receive what is there and send what is due: one turn."""

    @abstractmethod
    def disconnect(self) -> None:
        """End the link from this side."""

    @abstractmethod
    def _take(self) -> bytes:
        """What the host wrote."""

    @abstractmethod
    def _write(self, data: bytes) -> None:
        """Send one packet."""

    @abstractmethod
    def _leave(self) -> None:
        """The host sent DISCONNECT."""

    @property
    def message_waiting(self) -> bool:
        """Whether :meth:`next_message` has something to take."""
        return bool(self._messages)

    def wedge(self) -> None:
        """Bring the receiver into the state that only a restart ends."""
        self._receiver.wedge(self._packet)

    def send(self, payload: bytes | None) -> bool:
        """Send a data packet; False for a message that could not be encoded."""
        if payload is None:
            return False
        self._send(PacketType.DATA, payload)
        return True

    def next_message(self) -> Received | None:
        """The oldest message; None if it was no good, which the host is told.

        Raises :class:`~agent.simulator.board_cbor.Halted` where the board stops for good.
        """
        payload = self._messages.pop(0)
        try:
            message = decode(payload, self._hardware.config.adapters)
        except Refused:
            self._hardware.log("BoardConfigurationProtocol::getMsg Invalid message")
            self.send(encode_status(StatusCode.INVALID_PARAMS))
            message = None
        if not self._messages:
            self.state = LinkState.CONNECTED
        self._hardware.active = True
        return message

    def _exchange(self) -> None:
        """Send one packet that is due, and receive what came."""
        self._drop_expired()
        self._transmit_one()
        new_data = False
        for byte in self._take():
            result = self._receive(self._packet, byte)
            if result is Reception.ERROR:
                self._hardware.log("BoardConfigurationProtocol::sendAndReceive Malformed packet")
                self._send(PacketType.CONTROL, bytes((Control.NACK,)))
                # What was good in this buffer waits until the next good data packet.
                return
            if result is Reception.RECEIVED:
                new_data = self._take_packet() or new_data
                self._packet.clear()
        if new_data:
            self.state = LinkState.RECEIVED

    def _receive(self, packet: Packet, byte: int) -> Reception:
        return self._receiver.receive(packet, byte, self._hardware.now)

    def _take_packet(self) -> bool:
        """Act on a whole packet; True for data."""
        if self._packet.type == PacketType.DATA:
            self._messages.append(bytes(self._packet.payload))
            self._kept.clear()
            return True
        control = control_code(self._packet)
        if control is Control.NACK:
            for kept in self._kept:
                kept.sent = False
        elif control is Control.DISCONNECT:
            self._leave()
        return False

    def _send(self, kind: PacketType, payload: bytes) -> None:
        until = self._hardware.now + PACKET_VALIDITY_MS
        self._kept.append(_Kept(encode_frame(kind, payload), until))
        while self.peer_connected and self._transmit_one():
            pass

    def _transmit_one(self) -> bool:
        """Send the oldest kept packet that is not sent; False if all are."""
        for kept in self._kept:
            if not kept.sent:
                kept.sent = True
                self._write(kept.data)
                return True
        return False

    def _drop_expired(self) -> None:
        self._kept = [k for k in self._kept if k.valid_until >= self._hardware.now]

    def _clear(self) -> None:
        self._packet.clear()
        self._kept.clear()
        self._messages.clear()


def control_code(packet: Packet) -> Control | None:
    """The code of a control packet; None for another one."""
    if packet.type != PacketType.CONTROL or len(packet.payload) != 1:
        return None
    code = packet.payload[0]
    return Control(code) if code in set(Control) else None
