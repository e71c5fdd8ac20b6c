"""The claiming handler: who the board is, and wiping it.

Source: protocol-v2, 7.3; ArduinoIoTCloud 2ff76b9, Provisioning_2.0/ClaimingHandler.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from agent.protocols.v2.messages import CommandCode, Tag
from agent.protocols.v2.status import StatusCode
from agent.simulator import board_cbor
from agent.simulator.secure_element import IDENTITY_SLOT
from agent.simulator.world import SecureElement

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.simulator.agents import AgentsManager
    from agent.simulator.hardware import Hardware, Steps

_LOG_NAMES = {
    CommandCode.GET_ID: "Get ID",
    CommandCode.RESET: "Reset stored credentials",
    CommandCode.GET_BLE_ADDRESS: "Get BLE MAC address",
    CommandCode.GET_SKETCH_VERSION: "Get provisioning sketch version",
}


class ClaimingHandler:
    """Claiming handler of the provisioning sketch; polled with :meth:`poll`."""

    def __init__(
        self, hardware: Hardware, agents: AgentsManager, wipe: Callable[[], Steps[bool]]
    ) -> None:
        self._hardware = hardware
        self._agents = agents
        self._wipe = wipe
        self._timestamp = 0
        self._event: CommandCode | None = None
        self._begun = False

    def begin(self) -> None:
        """Take part: register for the commands that are answered here."""
        self._begun = True
        for command in _LOG_NAMES:
            self._agents.handlers[command] = partial(self._request, command)
        self._agents.on_timestamp = self._take_timestamp

    def poll(self) -> Steps[None]:
        """One turn."""
        if not self._begun:
            return
        self._agents.update()
        event, self._event = self._event, None
        if event is not None:
            self._hardware.active = True
        if event is CommandCode.GET_ID:
            yield from self._send_identity()
        elif event is CommandCode.RESET:
            wiped = yield from self._wipe()
            if wiped:
                self._hardware.reach("reset")
            self._agents.send_status(StatusCode.RESET_COMPLETED if wiped else StatusCode.ERROR)
        elif event is CommandCode.GET_BLE_ADDRESS:
            address = self._hardware.config.ble_address_bytes
            self._agents.send_answer(event, board_cbor.encode_ble_address(address))
        elif event is CommandCode.GET_SKETCH_VERSION:
            self._hardware.reach("version")
            version = self._hardware.config.sketch_version
            answer = board_cbor.encode_version(Tag.SKETCH_VERSION, version)
            self._agents.send_answer(event, answer)

    def _request(self, command: CommandCode) -> None:
        self._hardware.log(f"CH {_LOG_NAMES[command]} request received")
        self._event = command

    def _take_timestamp(self, seconds: int) -> None:
        self._timestamp = seconds

    def _send_identity(self) -> Steps[None]:
        hardware, element = self._hardware, self._hardware.memory.element
        if self._timestamp == 0:
            hardware.log("CH::getIdReqHandler Error: timestamp not provided")
            self._agents.send_status(StatusCode.PARAMS_NOT_FOUND)
            return
        if hardware.world.secure_element is SecureElement.NO_KEY:
            hardware.log("CH::getIdReqHandler Error: token not created")
            self._agents.send_status(StatusCode.ERROR)
            return
        if not element.has_key(IDENTITY_SLOT):
            element.generate(IDENTITY_SLOT)
        uhwid = hardware.config.uhwid_bytes
        token = element.token(uhwid, self._timestamp)
        yield hardware.timing.sign
        hardware.reach("id")
        command = CommandCode.GET_ID
        public_key = board_cbor.encode_public_key(element.public_key_pem())
        self._agents.send_answer(command, public_key)
        self._agents.send_answer(command, board_cbor.encode_uhwid(uhwid))
        self._agents.send_answer(command, board_cbor.encode_token(token))
        self._timestamp = 0
