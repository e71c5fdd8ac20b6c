"""How a simulated nRF91 board visits a simulated provisioning service in another process.

JSON over HTTP stands for CBOR over CoAP; the calls and what they carry are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from agent.simulator.cloud_caller import post, post_patiently
from agent.simulator.nrf_orders import Order, ServiceAwayError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.simulator.nrf_orders import Result

_REFUSED: Final = {401, 403}
PATIENCE_S: Final = 40.0
"""Longer than the service lets a board wait that listens."""


class _Heard(msgspec.Struct):
    command: int


class VisitedService:
    """See :class:`agent.simulator.nrf_firmware.ProvisioningService`; ``base`` is where it is."""

    def __init__(self, base: str) -> None:
        self._base = base

    async def fetch(self, token: str) -> Sequence[Order] | None:
        """See the interface."""
        status, body = await post(self._base, "/p/cmd", b"", token)
        if status in _REFUSED:
            return None
        if status != 200:
            raise ServiceAwayError
        try:
            return msgspec.json.decode(body, type=list[Order])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise ServiceAwayError from None

    async def respond(self, token: str, results: Sequence[Result]) -> None:
        """See the interface."""
        status, _ = await post(self._base, "/p/rsp", msgspec.json.encode(results), token)
        if status not in {200, 204}:
            raise ServiceAwayError

    async def hear(self, token: str, last: int) -> int:
        """See the interface."""
        asked = msgspec.json.encode({"command": last})
        status, body = await post_patiently(self._base, "/p/shadow", asked, token, PATIENCE_S)
        if status != 200:
            raise ServiceAwayError
        try:
            return msgspec.json.decode(body, type=_Heard).command
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise ServiceAwayError from None
