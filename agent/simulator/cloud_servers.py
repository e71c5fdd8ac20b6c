"""What simulated clouds with several servers share: a clock of their own, and certificates for TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.simulator.loopback_servers import LoopbackServers
from agent.simulator.thingsboard_tls import HOSTS, Certificates

if TYPE_CHECKING:
    from collections.abc import Callable


class CloudServers(LoopbackServers):
    """Servers of a cloud; ``clock_ahead_s`` moves its clock."""

    def __init__(
        self, now: Callable[[], float], *, tls: bool, names: tuple[str, ...] = HOSTS
    ) -> None:
        """``now`` gives Unix seconds; ``names`` are the hosts of its certificate."""
        super().__init__()
        self._clock = now
        self.clock_ahead_s = 0.0
        self.certificates = Certificates(self.now, names) if tls else None

    def now(self) -> float:
        """Unix seconds of its clock."""
        return self._clock() + self.clock_ahead_s

    @property
    def ca(self) -> str:
        """PEM of the authority behind its certificates; empty without TLS."""
        return self.certificates.ca_pem if self.certificates is not None else ""

    async def _start(self) -> None:
        if self.certificates is not None:
            self._running.callback(self.certificates.close)
        await super()._start()
