"""What a simulated Blynk board asks when it has Internet: the simulated cloud, near or over the wire.

Both are called with the board's token and server, and say what the board learns; the board stays
connected until it comes with another token or is cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Final

from agent.protocols.blynk.mqtt_login import LoggedIn, Login, TokenRefused
from agent.protocols.mqtt import V5, Disconnect, encode
from agent.settings import Secret
from agent.simulator.blynk_board_login import BoardLogin
from agent.simulator.blynk_cloud_state import AUTH_FAILED

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.protocols.blynk.mqtt_login import Outcome
    from agent.simulator.blynk_cloud import SimulatedBlynkCloud
    from agent.simulator.blynk_settings import CloudAnswer

TRY_S: Final = 2.0
"""On loopback an answer takes a millisecond; the board stands still meanwhile."""
READ_BYTES: Final = 4096


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

    def gone(self) -> None:
        """The board is off."""
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
    ) -> None:
        """As :class:`NearCloud`."""
        self._where = (host, port)
        self._template_id = template_id
        self._login = BoardLogin(host, port, reconfigure=reconfigure)
        self._token = ""
        self._coming: asyncio.Task[str] | None = None

    @property
    def connected(self) -> bool:
        """Whether the connection that stays is there."""
        return self._login.connected

    def __call__(self, token: str, _host: str) -> CloudAnswer:
        """Log in; a connection that stays follows at once."""
        if token == self._token and self._login.connected:
            return "ok"
        try:
            outcome = _try(self._where, token)
        except OSError:
            return "silent"
        if isinstance(outcome, LoggedIn):
            self._token = token
            if self._coming is not None:
                self._coming.cancel()
            self._coming = asyncio.create_task(self._login.login(token, self._template_id))
            return "ok"
        return "refused" if isinstance(outcome, TokenRefused) else "silent"

    async def gone(self) -> None:
        """The board is off."""
        if self._coming is not None:
            self._coming.cancel()
            await asyncio.wait([self._coming])
        await self._login.close()


def _try(where: tuple[str, int], token: str) -> Outcome:
    login = Login(Secret(token), "simulated-board")
    with socket.create_connection(where, TRY_S) as link:
        link.sendall(login.hello())
        outcome: Outcome | None = None
        while outcome is None:
            data = link.recv(READ_BYTES)
            outcome = login.feed(data) if data else login.closed()
        with contextlib.suppress(OSError):
            link.sendall(encode(Disconnect(), V5))
    return outcome
