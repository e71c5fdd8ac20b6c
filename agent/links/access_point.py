"""Joining a board's access point, and coming back in every path.

:class:`AccessPoints` performs what :mod:`agent.links.access_point_machine` decides, on whatever
system stands behind it. The person has to be asked first, because the Internet may go away; what
to say is in :mod:`agent.links.access_point_question`.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar, assert_never

from agent.errors import ApLimit, MooringError, WifiFailed, WifiNotBack
from agent.links.access_point_machine import (
    RETURN_PAUSE_S,
    RETURN_TRIES,
    Done,
    Event,
    Excursion,
    Failed,
    Forget,
    GoBack,
    Join,
    Leave,
    Look,
    Pause,
    Remember,
    Seen,
    Stage,
    Stay,
)
from agent.links.access_point_note import WayNote
from agent.links.access_point_wifi import choose

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from agent.links.access_point_machine import Effect
    from agent.links.access_point_wifi import (
        AccessPoint,
        Choice,
        Computer,
        Network,
        WayBack,
        WifiSystem,
    )

T = TypeVar("T")

LOOK_LIMIT_S: Final = 10.0
"""Systems answer within milliseconds; a service that is just starting within seconds."""
SCAN_LIMIT_S: Final = 15.0
"""An adapter needs up to about ten seconds for all channels, more if it is in a network."""
JOIN_LIMIT_S: Final = 45.0
"""Association takes a second or two, the address of a small board's DHCP a few more. NetworkManager
gives up after 25 s of association and 45 s of DHCP; a person may be asked by the system first."""
BACK_LIMIT_S: Final = 45.0
"""The same, for a network with a password and a busy DHCP server; for each try."""
USE_LIMIT_S: Final = 180.0
"""Reading, a scan of the board (20 s), settings, and a second try after the board's own 115 s."""


@dataclass(slots=True)
class Inside:
    """The computer is in the access point; ``lost`` is set when that ends without our doing."""

    ssid: bytes
    adapter: str
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    """To be expected: boards take their access point away when they try the network they got."""


class AccessPoints:
    """To be used in one event loop. ``way_file``: where the way back is remembered.

    ``on_stranded`` is told whenever the computer could not be brought back, whoever else is.
    """

    def __init__(
        self,
        system: WifiSystem,
        way_file: Path,
        on_stranded: Callable[[WifiNotBack], None],
        *,
        return_tries: int = RETURN_TRIES,
        return_pause_s: float = RETURN_PAUSE_S,
        scan_limit_s: float = SCAN_LIMIT_S,
        join_limit_s: float = JOIN_LIMIT_S,
        back_limit_s: float = BACK_LIMIT_S,
    ) -> None:
        self._system = system
        self._note = WayNote(way_file)
        self._on_stranded = on_stranded
        self._tries = return_tries
        self._pause_s = return_pause_s
        self._scan_limit_s = scan_limit_s
        self._join_limit_s = join_limit_s
        self._back_limit_s = back_limit_s

    async def now(self) -> Computer:
        """What the computer is connected to; raises :class:`WifiError`."""
        return await _limited(LOOK_LIMIT_S, self._system.look())

    async def seen(self) -> list[AccessPoint]:
        """Networks that do not ask for a password, the strongest first: boards are among them.

        Raises :class:`WifiError`.
        """
        points = await self._scan(None)
        return sorted((p for p in points if p.ssid and not p.secured), key=lambda p: -p.strength)

    async def plan(self, ssid: bytes) -> tuple[Computer, Choice]:
        """What :meth:`join` would do now, so that the person can be asked; changes nothing.

        Raises :class:`WifiError`, :class:`ApNotHeard` and :class:`ApSecured`.
        """
        computer = await self.now()
        return computer, choose(computer, await self._scan(ssid), ssid)

    @asynccontextmanager
    async def join(self, ssid: bytes, *, limit_s: float = USE_LIMIT_S) -> AsyncIterator[Inside]:
        """Be in the access point ``ssid`` for at most ``limit_s``, and be back afterwards.

        Raises what :meth:`plan` raises, :class:`WifiJoining`, :class:`WifiUnremembered` and
        :class:`ApUnjoined`, all of them with the computer in its network; :class:`ApLimit` in place
        of what was under way; :class:`WifiNotBack` if the computer is not back in the end. A
        cancelled body stays cancelled; it is back then as well.
        """
        with self._note.held():
            await self._restore()
            excursion = self._excursion(ssid, limit_s=limit_s)
            try:
                way = await self._enter(excursion)
                inside = Inside(ssid, way.adapter)
                async with self._watched(way, inside):
                    try:
                        async with asyncio.timeout(limit_s) as limit:
                            yield inside
                    except TimeoutError as error:
                        if not limit.expired():
                            raise
                        raise ApLimit(ssid=way.name, limit_s=limit_s) from error
            except BaseException as error:
                try:
                    await self._leave(excursion)
                except WifiNotBack as stranded:
                    if isinstance(error, Exception) and error is not stranded:
                        raise stranded from error
                raise
            else:
                await self._leave(excursion)

    async def _enter(self, excursion: Excursion) -> WayBack:
        effect = await self._run(excursion, excursion.start(), until=(Stay, GoBack, Forget))
        if isinstance(effect, Stay):
            return effect.way
        await self._finish(excursion, effect)
        raise excursion.error or WifiFailed(detail="it gave no reason")

    async def restore(self) -> Network | None:
        """What a crash left: back into the earlier network, which is the result; None: nothing to do.

        To be called at the start of the agent. Raises :class:`WifiNotBack`; the way back is kept
        then. While another process is in an access point, nothing is done:
        :class:`WifiJoining`.
        """
        if self._note.read() is None:
            return None
        with self._note.held():
            return await self._restore()

    async def close(self) -> None:
        """Let go of the system."""
        await self._system.close()

    async def _restore(self) -> Network | None:
        way = self._note.read()
        if way is None:
            return None
        if way.system != self._system.name:
            self._note.forget()  # Another system of the same home folder; it cannot be in it now.
            return None
        excursion = self._excursion(way=way)
        await self._finish(excursion, excursion.start())
        return way.before

    def _excursion(
        self, ssid: bytes = b"", *, limit_s: float = 0.0, way: WayBack | None = None
    ) -> Excursion:
        return Excursion(
            self._system.name,
            ssid,
            limit_s=limit_s,
            way=way,
            tries=self._tries,
            pause_s=self._pause_s,
        )

    async def _leave(self, excursion: Excursion) -> None:
        if not excursion.ended:
            await self._finish(excursion, excursion.handle(Leave()))

    async def _finish(self, excursion: Excursion, effect: Effect | None) -> None:
        """To the end, also if we are cancelled meanwhile: the cancelling goes on afterwards."""
        task = asyncio.create_task(self._run(excursion, effect), name="back from an access point")
        cancelled: asyncio.CancelledError | None = None
        while not task.done():
            try:
                await asyncio.shield(task)
            except asyncio.CancelledError as error:
                if task.cancelled():
                    raise
                cancelled = error
        await task
        if cancelled is not None:
            raise cancelled
        if excursion.stranded is not None:
            raise excursion.stranded

    async def _run(
        self, excursion: Excursion, effect: Effect | None, until: tuple[type[Effect], ...] = ()
    ) -> Effect | None:
        while effect is not None and not isinstance(effect, until):
            effect = excursion.handle(await self._perform(excursion, effect))
        if excursion.stage is Stage.STRANDED and excursion.stranded:
            self._on_stranded(excursion.stranded)
        return effect

    async def _perform(self, excursion: Excursion, effect: Effect) -> Event:
        try:
            return await self._performed(excursion, effect)
        except MooringError as error:
            return Failed(error)
        except (OSError, EOFError) as error:
            return Failed(WifiFailed(detail=str(error) or type(error).__name__))

    async def _performed(self, excursion: Excursion, effect: Effect) -> Event:
        match effect:
            case Look():
                computer = await self.now()
                points = await self._scan(excursion.ssid)
                return Seen(computer, tuple(points), self._system.mark(excursion.ssid))
            case Remember(way):
                self._note.write(way)
            case Join(way, point, limit_s):
                await _limited(self._join_limit_s, self._system.join(way, point, limit_s))
            case GoBack(way, late):
                await _limited(self._back_limit_s, self._system.go_back(way, late=late))
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case Forget():
                self._note.forget()
            case Stay():
                pass
            case _:
                assert_never(effect)
        return Done()

    async def _scan(self, wanted: bytes | None) -> list[AccessPoint]:
        limit_s = self._scan_limit_s
        return await _limited(limit_s + LOOK_LIMIT_S, self._system.scan(limit_s, wanted))

    @asynccontextmanager
    async def _watched(self, way: WayBack, inside: Inside) -> AsyncIterator[None]:
        async def watch() -> None:
            with contextlib.suppress(MooringError, OSError, EOFError):
                await self._system.lost(way)
            inside.lost.set()

        task = asyncio.create_task(watch(), name="access point lost")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})


async def _limited(limit_s: float, work: Coroutine[Any, Any, T]) -> T:
    try:
        async with asyncio.timeout(limit_s):
            return await work
    except TimeoutError:
        raise WifiFailed(detail=f"no answer within {limit_s:g} s") from None
