"""What a simulated Blynk board asks when it has Internet: the simulated cloud, near or over the wire.

Both are called with the board's token and server, and say what the board learns; the board stays
connected until it comes with another token, leaves or is cut. Neither ever keeps the board waiting: its
console and its other faces go on meanwhile.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from agent.simulator.blynk_board_login import BoardLogin
from agent.simulator.blynk_cloud_state import AUTH_FAILED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.simulator.blynk_cloud import SimulatedBlynkCloud
    from agent.simulator.blynk_settings import CloudAnswer


class NearCloud:
    """A cloud of the same process."""

    def __init__(
        self,
        cloud: SimulatedBlynkCloud,
        template_id: str,
        reconfigure: Callable[[], None] = lambda: None,
    ) -> None:
        """``reconfigure``: the cloud wants the board back at its access point."""
        self._cloud = cloud
        self._template_id = template_id
        self._on_reconfigure = reconfigure

    def __call__(self, token: str, _host: str) -> CloudAnswer:
        """Log in."""
        if self._cloud.down:
            return "silent"
        why = self._cloud.state.log_in(token, self._template_id, self, {})
        return "ok" if not why else "refused" if why == AUTH_FAILED else "silent"

    def leave(self) -> None:
        """The board has no network any more, or is off."""
        self._cloud.logout(self)

    def cut(self) -> None:
        """See :class:`agent.simulator.blynk_cloud_state.Link`."""

    def reconfigure(self) -> None:
        """See :class:`agent.simulator.blynk_cloud_state.Link`."""
        self._on_reconfigure()


class FarCloud:
    """A cloud of another process, over MQTT without TLS on this computer."""

    def __init__(
        self,
        host: str,
        port: int,
        template_id: str,
        reconfigure: Callable[[], None] = lambda: None,
        *,
        answered: Callable[[], None] = lambda: None,
        version: str = "1.0.0",
    ) -> None:
        """As :class:`NearCloud`; ``answered`` is told when a board that asks again learns more."""
        self._template_id = template_id
        self._login = BoardLogin(host, port, reconfigure=reconfigure, version=version)
        self._answered = answered
        self._token = ""
        self._answer: CloudAnswer = "silent"
        self._task: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether the board is logged in."""
        return self._login.connected

    def __call__(self, token: str, _host: str) -> CloudAnswer:
        """What is known by now; a login is under way while that is nothing."""
        if token == self._token:
            if self._login.connected:
                return "ok"
            if self._task is not None and not self._task.done():
                return "silent"
            answer, self._answer = self._answer, "silent"
            if answer == "refused":
                return answer
        self._begin(partial(self._come, token))
        self._token = token
        return "silent"

    def leave(self) -> None:
        """The board has no network any more."""
        if self._token:
            self._token = ""
            self._begin(self._login.close)

    async def gone(self) -> None:
        """The board is off."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._login.close()

    # --- inside ------------------------------------------------------------------------------

    def _begin(self, work: Callable[[], Awaitable[None]]) -> None:
        before = self._task
        if before is not None:
            before.cancel()
        self._task = asyncio.create_task(_after(before, work))

    async def _come(self, token: str) -> None:
        why = await self._login.login(token, self._template_id)
        self._answer = "ok" if not why else "refused" if why == AUTH_FAILED else "silent"
        if self._answer != "silent":
            self._answered()


async def _after(before: asyncio.Task[None] | None, work: Callable[[], Awaitable[None]]) -> None:
    if before is not None:
        await asyncio.wait([before])
    await work()
