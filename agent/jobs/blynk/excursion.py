"""A stay in a board's own network that outlives the request that began it.

Joining and coming back are one context, so a task of its own is inside it; requests work beside it and
are told when the stay ends without them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from agent.errors import ApLost, MooringError, PortGone
from agent.settings import decode_text

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from agent.jobs.surroundings import AccessPoints
    from agent.links.access_point import Inside

T = TypeVar("T")


class Excursion:
    """One stay: :meth:`enter` once, :meth:`within` as often as needed, :meth:`leave`."""

    def __init__(self, points: AccessPoints, ssid: bytes) -> None:
        self._points = points
        self._ssid = ssid
        self._inside: Inside | None = None
        self._entered = asyncio.Event()
        self._leaving = asyncio.Event()
        self._stay: asyncio.Task[None] | None = None

    async def enter(self) -> None:
        """Be inside; raises what :meth:`agent.links.access_point.AccessPoints.join` raises."""
        stay = self._stay = asyncio.create_task(self._be_inside(), name="in a board's network")
        entering = asyncio.create_task(self._entered.wait())
        tasks: set[asyncio.Task[Any]] = {stay, entering}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            stay.cancel()  # joining is given up; it comes back by itself
            raise
        finally:
            entering.cancel()
        if not self._entered.is_set():
            self._stay = None
            stay.result()

    @property
    def is_inside(self) -> bool:
        """The computer is in the board's network, as far as it has been noticed."""
        stay, inside = self._stay, self._inside
        return (
            stay is not None and not stay.done() and inside is not None and not inside.lost.is_set()
        )

    async def within(self, work: Coroutine[Any, Any, T]) -> T:
        """``work``, unless the stay ends first: then what ended it is raised.

        After its end nothing is begun: at home the board's address is somebody else's.
        """
        stay = self._stay
        if stay is None or not self.is_inside:
            work.close()
            if stay is not None and stay.done():
                stay.result()
            raise self._lost
        task = asyncio.ensure_future(work)
        try:
            tasks: set[asyncio.Future[Any]] = {task, stay}
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            stay.result()
            raise self._lost
        except PortGone:
            if self._inside is not None and self._inside.lost.is_set():
                raise self._lost from None
            raise
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def lost(self) -> None:
        """Return when the access point went without our doing."""
        if self._inside is not None:
            await self._inside.lost.wait()

    async def leave(self) -> None:
        """Be back; raises :class:`WifiNotBack`. Cancelled, it goes on by itself; called again, it waits."""
        self._leaving.set()
        stay = self._stay
        if stay is None:
            return
        await asyncio.shield(asyncio.wait({stay}))
        self._stay = None
        error = stay.exception() if not stay.cancelled() else None
        if isinstance(error, MooringError):
            raise error

    @property
    def _lost(self) -> ApLost:
        return ApLost(ssid=decode_text(self._ssid))

    async def _be_inside(self) -> None:
        async with self._points.join(self._ssid) as inside:
            self._inside = inside
            self._entered.set()
            await self._leaving.wait()
