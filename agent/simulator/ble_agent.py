"""The Bluetooth LE agent: the same packets, in the values of two characteristics.

The subscription to the board's characteristic is what CONNECT is on a serial line; CONNECT and
DISCONNECT packets mean nothing. A frame that is written before it is taken by the turn that
notices the subscription, so that nobody ever learns of the host: only another link helps.
Source: protocol-v2, 3; Arduino_NetworkConfigurator ec9ff8e, BLE agent.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from agent.simulator.ble_air import Advertisement
from agent.simulator.ble_radio import SERVICE_UUID
from agent.simulator.packet_agent import LinkState, PacketAgent

if TYPE_CHECKING:
    from agent.simulator.ble_radio import Radio
    from agent.simulator.hardware import Hardware
    from agent.simulator.receiver import Receiver

COMPANY_ID: Final = 0x09A3
"""Of Arduino, before the board's address in its manufacturer data."""


class _Event(Enum):
    NONE = auto()
    DISCONNECTED = auto()
    SUBSCRIBED = auto()


class BleAgent(PacketAgent):
    """The firmware's end of the link over the air."""

    def __init__(self, hardware: Hardware, receiver: Receiver, radio: Radio) -> None:
        super().__init__(hardware, receiver)
        self._radio = radio
        self._event = _Event.NONE
        radio.on_subscribed = self._subscribed
        radio.on_disconnected = self._disconnected

    @property
    def peer_connected(self) -> bool:
        """Whether a host is there."""
        connected = self.state in {LinkState.CONNECTED, LinkState.RECEIVED}
        return self._radio.subscribed and connected

    def begin(self) -> None:
        """Switch the radio on and advertise."""
        if self.state is LinkState.END:
            config = self._hardware.config
            self._radio.begin(
                Advertisement(
                    name=config.ble_name,
                    services=(SERVICE_UUID,),
                    manufacturer={COMPANY_ID: config.ble_address_bytes},
                )
            )
            self._hardware.active = True
            self.state = LinkState.INIT

    def end(self) -> None:
        """Switch the radio off."""
        if self.state is not LinkState.END:
            self._radio.end()
            self._clear()
            self._hardware.active = True
            self.state = LinkState.END

    def update(self) -> LinkState:
        """Let the radio work, receive what is there and send what is due: one turn."""
        if self.state is LinkState.END:
            return self.state
        self._hardware.active = self._radio.poll() or self._hardware.active
        event, self._event = self._event, _Event.NONE
        if event is _Event.SUBSCRIBED:
            self.state = LinkState.CONNECTED
            self._hardware.reach("connect")
        elif event is _Event.DISCONNECTED:
            self._radio.clear_value()
            self._clear()
            self.state = LinkState.INIT
        if self.state is LinkState.CONNECTED:
            if self._radio.subscribed:
                self._exchange()
            else:
                self.disconnect()
        self._drop_expired()
        return self.state

    def disconnect(self) -> None:
        """Drop the link; the radio advertises again."""
        self._radio.clear_value()
        self._radio.disconnect()
        self._clear()
        self._hardware.active = True
        self.state = LinkState.INIT

    def _take(self) -> bytes:
        return self._radio.take()

    def _write(self, data: bytes) -> None:
        self._hardware.active = True
        while data and (sent := self._radio.indicate(data)):
            data = data[sent:]

    def _leave(self) -> None:
        """The packet means nothing here: who leaves hangs up."""

    def _subscribed(self) -> None:
        self._event = _Event.SUBSCRIBED

    def _disconnected(self) -> None:
        self._event = _Event.DISCONNECTED
