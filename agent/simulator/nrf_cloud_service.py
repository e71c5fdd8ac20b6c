"""The device's side of the simulated nRF Cloud: its commands, and what its shadow wants of it.

For :class:`agent.simulator.nrf_firmware.NrfProgram`. In the place of the web token that only the
modem's own firmware makes stands a fresh attestation token: both are signed by the identity key.
Source: cloud-nrf, section 6.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from agent.protocols.nrf.cose import Damaged
from agent.protocols.nrf.token import parse_token
from agent.simulator.nrf_cloud_commands import WrongCommand, device_commands
from agent.simulator.nrf_cloud_state import NotClaimed
from agent.simulator.nrf_identity import genuine
from agent.simulator.nrf_orders import Order, Result, ServiceAwayError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.simulator.nrf_cloud_state import Claimed, Command, NrfCloudState

LIMIT: Final = 5
"""Commands that a device asks for at a time."""
HOLD_S: Final = 25.0
"""How long a device that listens gets no answer while its shadow wants nothing: below what routers forget."""


class CloudService:
    """What a board in the same process asks."""

    def __init__(self, state: NrfCloudState) -> None:
        self._state = state

    async def fetch(self, token: str) -> list[Order] | None:
        """Orders of the next commands; None: nobody has claimed the device, or it proves nothing."""
        claimed = self._claimed(token)
        if claimed is None:
            return None
        orders: list[Order] = []
        for command in self._next(claimed):
            self._state.start(command)
            for part in device_commands(command.request):
                if part.finished:
                    name, parameters = "finished", ""
                elif part.settings is not None:
                    name, parameters = "config", msgspec.json.encode(part.settings).decode()
                else:
                    name, parameters = part.name, part.parameters
                orders.append(Order(command.id, name, parameters, part.ignored))
        return orders

    async def respond(self, token: str, results: Sequence[Result]) -> None:
        """What came of them; what the board did not come to waits again."""
        claimed = self._claimed(token)
        if claimed is None:
            return
        for command in claimed.commands:
            mine = [result for result in results if result.id == command.id]
            if command.status != "IN_PROGRESS":
                continue
            failed = next((result for result in mine if result.error is not None), None)
            if failed is not None:
                self._state.fail(command, failed.text or f"+CME ERROR: {failed.error}")
            elif len(mine) < len(device_commands(command.request)):
                command.status = "PENDING"
            else:
                try:
                    self._state.finish(claimed, command, mine[-1].text)
                except WrongCommand as wrong:
                    self._state.fail(command, str(wrong))

    async def hear(self, token: str, last: int) -> int:
        """What the shadow wants, after at most ``HOLD_S``; ``last`` is confirmed there."""
        device = self._state.devices.get(_device_id(token))
        if device is None:
            raise ServiceAwayError
        if last:
            device.state["reported"]["command"] = [1, last]
        try:
            return await asyncio.wait_for(device.wait_command(), HOLD_S)
        except TimeoutError:
            return 0

    def _claimed(self, token: str) -> Claimed | None:
        try:
            return self._state.apply_rules(_device_id(token))
        except NotClaimed:
            return None

    def _next(self, claimed: Claimed) -> list[Command]:
        waiting = [c for c in claimed.commands if c.status in {"PENDING", "IN_PROGRESS"}]
        failed = any(command.status == "FAILED" for command in claimed.commands)
        return [] if failed else waiting[:LIMIT]


def _device_id(token: str) -> str:
    """Who proves itself with this; empty: nobody."""
    try:
        return parse_token(token).device_id if genuine(token) else ""
    except Damaged:
        return ""
