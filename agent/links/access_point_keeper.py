"""The Wi-Fi of this computer as the agent has it: made when somebody wants it, and never left behind.

Nothing of the system is touched, or even imported, before the first use; except at a start that finds
the note of a way back. A computer that could not be brought back is tried again until it is.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from agent.errors import MooringError, WifiJoining, WifiNever, WifiNotBack

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from agent.errors import ErrorReport
    from agent.links.access_point import AccessPoints, Inside
    from agent.links.access_point_wifi import AccessPoint, Choice, Computer, WifiSystem

RETRY_S: Final = 30.0
"""Between two rounds of a few tries each. What stands in the way takes a person as a rule: an adapter
that was pulled, Wi-Fi that was switched off."""
CLOSE_LIMIT_S: Final = 2.0
"""How long the end of the agent waits for a round that is under way; the next start does it again."""

_log = logging.getLogger(__name__)


def this_system() -> WifiSystem:
    """The Wi-Fi of the operating system."""
    from agent.links.access_point_system import wifi_system

    return wifi_system()


class AccessPointKeeper:
    """To be used in one event loop. ``told``: why the computer is not in its network; None: it is.

    While ``may_join`` says no, everything but the way back raises :class:`WifiNever`.
    """

    def __init__(
        self,
        way_file: Path,
        told: Callable[[ErrorReport | None], None],
        *,
        may_join: Callable[[], bool] = lambda: True,
        make_system: Callable[[], WifiSystem] = this_system,
        retry_s: float = RETRY_S,
        close_limit_s: float = CLOSE_LIMIT_S,
        return_pause_s: float | None = None,
    ) -> None:
        """``return_pause_s``: between two tries of a round; None: as usual."""
        self._way_file = way_file
        self._told = told
        self._may_join = may_join
        self._make_system = make_system
        self._retry_s = retry_s
        self._close_limit_s = close_limit_s
        self._return_pause_s = return_pause_s
        self._made: AccessPoints | None = None
        self._coming_back: asyncio.Task[None] | None = None

    def start(self) -> None:
        """If an earlier run left the computer in a board's network, bring it back in the background."""
        if self._way_file.exists():
            self._come_back(0.0)

    async def now(self) -> Computer:
        """See :class:`agent.links.access_point.AccessPoints`."""
        return await self._allowed().now()

    async def seen(self) -> list[AccessPoint]:
        """See there."""
        return await self._allowed().seen()

    async def plan(self, ssid: bytes) -> tuple[Computer, Choice]:
        """See there."""
        return await self._allowed().plan(ssid)

    def join(
        self, ssid: bytes, *, limit_s: float | None = None
    ) -> AbstractAsyncContextManager[Inside]:
        """See there; None: its own limit."""
        limit = {} if limit_s is None else {"limit_s": limit_s}
        return self._allowed().join(ssid, **limit)

    async def close(self) -> None:
        """Let go of the system; may be called again."""
        task, self._coming_back = self._coming_back, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task}, timeout=self._close_limit_s)
        if self._made is not None:
            await self._made.close()

    def _allowed(self) -> AccessPoints:
        if not self._may_join():
            raise WifiNever
        return self._points

    @property
    def _points(self) -> AccessPoints:
        if self._made is None:
            from agent.links.access_point import AccessPoints
            from agent.links.access_point_machine import RETURN_PAUSE_S

            usual, given = RETURN_PAUSE_S, self._return_pause_s
            self._made = AccessPoints(
                self._make_system(),
                self._way_file,
                self._stranded,
                return_pause_s=usual if given is None else given,
            )
        return self._made

    def _stranded(self, why: WifiNotBack) -> None:
        self._told(why.report())
        self._come_back(self._retry_s)

    def _come_back(self, after_s: float) -> None:
        if self._coming_back is None or self._coming_back.done():
            self._coming_back = asyncio.create_task(self._try(after_s), name="back to its network")

    async def _try(self, pause_s: float) -> None:
        while True:
            await asyncio.sleep(pause_s)
            pause_s = self._retry_s
            try:
                back = await self._points.restore()
            except (WifiNotBack, WifiJoining):
                continue
            except MooringError as error:
                _log.warning("the way back into the earlier network cannot be taken: %s", error)
                return
            if back is not None:
                _log.info("this computer is back in the network that it was in")
            self._told(None)
            return
