"""The device's side of the simulated provisioning service: in this process, or over HTTP.

For :class:`agent.simulator.nrf_firmware.NrfProgram`. In the place of the web token that only the
modem's own firmware makes stands a fresh attestation token: both are signed by the identity key.
Source: cloud-nrf, section 6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from agent.protocols.nrf.cose import Damaged
from agent.protocols.nrf.token import parse_token
from agent.simulator.cloud_caller import post
from agent.simulator.nrf_cloud_commands import WrongCommand, device_commands
from agent.simulator.nrf_cloud_state import NotClaimed
from agent.simulator.nrf_firmware import Order, Result
from agent.simulator.nrf_identity import genuine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.simulator.nrf_cloud_state import Claimed, Command, NrfCloudState

LIMIT: Final = 5
"""Commands that a device asks for at a time."""


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

    def _claimed(self, token: str) -> Claimed | None:
        try:
            if not genuine(token):
                return None
            return self._state.apply_rules(parse_token(token).device_id)
        except (Damaged, NotClaimed):
            return None

    def _next(self, claimed: Claimed) -> list[Command]:
        waiting = [c for c in claimed.commands if c.status in {"PENDING", "IN_PROGRESS"}]
        failed = any(command.status == "FAILED" for command in claimed.commands)
        return [] if failed else waiting[:LIMIT]


class HttpService:
    """The same for a board in another process, over the calls of ``nrf_cloud_board``."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    async def fetch(self, token: str) -> list[Order] | None:
        """See :class:`CloudService`; nothing to do where nobody answers."""
        status, body = await post(self._base_url, "/p/cmd", b"", token)
        if status == 200:
            return msgspec.json.decode(body, type=list[Order])
        return [] if status is None else None

    async def respond(self, token: str, results: Sequence[Result]) -> None:
        """See :class:`CloudService`."""
        await post(self._base_url, "/p/rsp", msgspec.json.encode(results), token)
