"""The agents manager: opens a link, hands requests to the parts of the sketch, answers.

The first agent that has a host is the one that is served; the other is off until the link ends.

Two parts of the sketch poll it (claiming handler and configurator), which is why commands that
arrive together may be answered out of order.
Source: protocol-v2, 5 and 7.1; Arduino_NetworkConfigurator ec9ff8e, AgentsManager.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from agent.protocols.v2.messages import CommandCode
from agent.protocols.v2.status import StatusCode
from agent.simulator import board_cbor
from agent.simulator.board_cbor import CommandReceived, Settings, TimestampReceived
from agent.simulator.packet_agent import LinkState
from agent.simulator.receiver import Receiver
from agent.simulator.serial_agent import SerialAgent

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.simulator.hardware import Hardware
    from agent.simulator.packet_agent import PacketAgent

GET_ID_MESSAGES: Final = 3
"""Public key, hardware id and token answer one request."""


class ManagerState(Enum):
    """Where the link is in its life."""

    INIT = auto()
    SEND_INITIAL_STATUS = auto()
    SEND_NETWORK_LIST = auto()
    IN_PROGRESS = auto()


class AgentsManager:
    """One per firmware."""

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware
        receiver = Receiver()
        self._agents: list[PacketAgent] = [SerialAgent(hardware, receiver)]
        self._ble: PacketAgent | None = None
        if hardware.radio is not None:
            from agent.simulator.ble_agent import BleAgent

            self._ble = BleAgent(hardware, receiver, hardware.radio)
            self._agents.insert(0, self._ble)
        self.agent = self._agents[-1]
        """The one that is served, or was served last."""
        self.state = ManagerState.INIT
        self.networks: list[tuple[bytes, int]] = []
        """The last scan's result."""
        self.handlers: dict[CommandCode, Callable[[], None]] = {}
        self.on_settings: Callable[[Settings], None] | None = None
        self.on_timestamp: Callable[[int], None] | None = None
        self._initial_status: int | None = None
        self._pending: CommandCode | None = None
        self._id_messages = 0

    @property
    def in_progress(self) -> bool:
        """Whether a host is connected, or connecting."""
        return self.state is not ManagerState.INIT

    @property
    def request_pending(self) -> bool:
        """Whether a command waits for its answer."""
        return self._pending is not None

    def update(self) -> None:
        """One turn of the manager; one step of the opening, or one message."""
        before = self.state
        if self.state is ManagerState.INIT:
            self._wait_for_host()
        elif self.state is ManagerState.SEND_INITIAL_STATUS:
            if self._initial_status is not None:
                self.agent.send(board_cbor.encode_status(self._initial_status))
            self.state = ManagerState.SEND_NETWORK_LIST
        elif self.state is ManagerState.SEND_NETWORK_LIST:
            # A list that cannot be encoded is tried again in every turn; nothing is read.
            payload = board_cbor.encode_network_list(self.networks)
            if payload is not None:
                self._hardware.reach("list")
                self.agent.send(payload)
                self.state = ManagerState.IN_PROGRESS
        else:
            self._serve()
        if self.state is not before:
            self._hardware.active = True

    def disconnect(self) -> None:
        """End the link from the board's side."""
        if self.in_progress:
            self.agent.disconnect()
            self.state = ManagerState.INIT
            self._begin()
            self._hardware.active = True

    def switch_off_ble(self) -> None:
        """No Bluetooth until the board restarts."""
        if self._ble is not None:
            self._ble.end()
            self._agents.remove(self._ble)
            self._ble = None

    def send_status(self, code: StatusCode) -> None:
        """Report to the host, if one is there, and remember for the next one."""
        if code < 0:
            self._pending = None
        elif code is StatusCode.CONNECTED:
            self._answered(CommandCode.CONNECT)
        elif code is StatusCode.RESET_COMPLETED:
            self._answered(CommandCode.RESET)
        if code < 0 or code is StatusCode.CONNECTED:
            self._initial_status = code
        self._send(board_cbor.encode_status(code))

    def send_networks(self, networks: list[tuple[bytes, int]]) -> None:
        """Keep a scan's result, and send it if a host is there."""
        self._answered(CommandCode.SCAN)
        self.networks = networks
        self._send(board_cbor.encode_network_list(networks))

    def send_answer(self, command: CommandCode, payload: bytes | None) -> None:
        """Send a message that answers ``command``, or one of the three that answer GET_ID."""
        if command is CommandCode.GET_ID and self._pending is command:
            self._id_messages += 1
            if self._id_messages == GET_ID_MESSAGES:
                self._pending = None
        else:
            self._answered(command)
        self._send(payload)

    def _answered(self, command: CommandCode) -> None:
        if self._pending is command:
            self._pending = None

    def _send(self, payload: bytes | None) -> None:
        if self.state is ManagerState.IN_PROGRESS:
            self.agent.send(payload)

    def _begin(self) -> None:
        for agent in self._agents:
            agent.begin()

    def _wait_for_host(self) -> None:
        self._begin()
        for agent in self._agents:
            if agent.update() is LinkState.CONNECTED:
                self.agent = agent
                self.state = ManagerState.SEND_INITIAL_STATUS
                break
        else:
            return
        for other in self._agents:
            if other is not self.agent:
                other.end()

    def _serve(self) -> None:
        state = self.agent.update()
        if state is LinkState.INIT:
            self.state = ManagerState.INIT
            self._begin()
        elif state is LinkState.RECEIVED and self.agent.message_waiting:
            message = self.agent.next_message()
            if isinstance(message, CommandReceived):
                self._handle(message.code)
            elif isinstance(message, Settings) and self.on_settings is not None:
                self._hardware.reach("settings")
                self.on_settings(message)
            elif isinstance(message, TimestampReceived) and self.on_timestamp is not None:
                self.on_timestamp(message.seconds or 0)

    def _handle(self, code: int | None) -> None:
        # These two statuses go straight to the agent: they are neither remembered for the next
        # host nor do they end a pending request.
        if self._pending is not None:
            self._hardware.log("AgentsManagerClass::handleReceivedCommands request in progress")
            self._refuse(StatusCode.OTHER_REQUEST_IN_EXECUTION)
            return
        command = CommandCode(code) if code in set(CommandCode) else None
        handler = self.handlers.get(command) if command is not None else None
        if command is None or handler is None:
            self._refuse(StatusCode.INVALID_REQUEST)
            return
        self._pending = command
        self._id_messages = 0
        handler()

    def _refuse(self, code: StatusCode) -> None:
        self.agent.send(board_cbor.encode_status(code))
