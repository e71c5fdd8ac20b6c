"""A Blynk board in its own network: joined by the computer or by a person, left, and looked for again.

The computer is back in its own network whenever the cloud, or a person, is asked. A board of generation
1 takes its access point away for the attempt; if it comes back, the board failed and says why there.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from agent.errors import ApNotHeard, MooringError, OtherBoard, PortError, PortGone, WifiAbsent
from agent.jobs.blynk.deliver import await_board, old_news_over
from agent.jobs.blynk.effects import Arrived
from agent.jobs.blynk.excursion import Excursion
from agent.links.access_point_manual import ManualJoin, wait_for_board
from agent.protocols.blynk.failures import from_code
from agent.protocols.blynk.leds import watched
from agent.sessions.blynk import Told
from agent.sessions.blynk_http import LOOK_EVERY_S, BlynkHttp
from agent.settings import decode_text

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from agent.jobs.blynk.deliver import Pace, Waits
    from agent.jobs.surroundings import AccessPoints
    from agent.protocols.blynk.config import BlynkConfig
    from agent.protocols.blynk.info import BoardInfo, Scan
    from agent.sessions.blynk import Outcome
    from agent.settings import Secret

T = TypeVar("T")

FIRST_ANSWERS: Final = 4
"""Questions until the first answer: an address that was given just now may take a moment to be used."""
HOME: Final = "Bring this computer back into its own network now."
DOUBT: Final = (
    "The cloud called its device online before, and notices late that a board went: for {seconds} s the "
    "light says more."
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where boards answer in their networks."""

    host: str
    port: int


class Point:
    """One board; it is :class:`agent.sessions.blynk.BlynkSession` as far as it is needed here."""

    way: Final = "http"

    def __init__(
        self, points: AccessPoints | None, ssid: bytes, place: Place, pace: Pace, *, by_hand: bool
    ) -> None:
        self._points = points
        self._ssid = ssid
        self._place = place
        self._pace = pace
        self._by_hand = by_hand
        self._stay: Excursion | None = None
        self._session = BlynkHttp(
            place.host,
            place.port,
            configure_limit_s=pace.point_follow_s,
            look_every_s=LOOK_EVERY_S if pace.look_s is None else pace.look_s,
        )
        self._board: BoardInfo | None = None

    async def open(self, *, again_s: float = 0.0) -> BoardInfo:
        """Be in the board's network, and read it. ``again_s``: how long it may still be unheard."""
        if self._by_hand:
            await self._wait_by_hand()
        else:
            await self._enter(again_s)
        board = await self._within_info()
        if not self._is_ours(board):
            raise OtherBoard(expected=decode_text(self._ssid), found=board.name)
        self._board = board
        return board

    async def scan(self) -> Scan:
        """The networks that the board sees."""
        return await self._inside(self._session.scan())

    async def reset(self) -> None:
        """Let the board forget its settings."""
        await self._be_there()
        await self._inside(self._session.reset())

    async def give_up(self) -> None:
        """Nothing: a board makes one attempt with what it got here."""

    async def leave(self) -> None:
        """Be back in the computer's own network; raises :class:`WifiNotBack`."""
        if self._stay is not None:
            await self._stay.leave()

    async def close(self) -> None:
        """The same, whatever happens."""
        with contextlib.suppress(MooringError):
            await self.leave()

    async def deliver(
        self,
        cloud: Waits,
        config: BlynkConfig,
        told: Callable[[Told], None],
        *,
        fresh: bool,
        was_online: bool,
    ) -> Arrived:
        """Give it these settings, be back, and hear what the cloud or else the board says."""
        await self._be_there()
        meanwhile = self._meanwhile(was_online=was_online)

        def hear(news: Told) -> None:
            told(Told("sent", meanwhile) if news.stage == "sent" else news)

        outcome = await self._configure(config, hear)
        await self.leave()
        if outcome.state == "failed":
            return Arrived("failed", failure=outcome.failure, joined=outcome.joined)
        told(Told("joining", meanwhile))
        return await self.follow(cloud, config.token, fresh=fresh, was_online=was_online)

    async def follow(
        self, cloud: Waits, token: Secret, *, fresh: bool, was_online: bool = False
    ) -> Arrived:
        """What becomes of a board that has its settings.

        ``was_online``: its device may have been called so before. Here no board says that it is
        connected, so its cloud is believed only when that must be over.
        """

        async def arrive() -> Arrived:
            if was_online:
                await old_news_over(cloud, token, self._pace)
            return await await_board(cloud, token, fresh=fresh, pace=self._pace)

        arriving = asyncio.create_task(arrive())
        coming_back = asyncio.create_task(self._comes_back())
        try:
            await asyncio.wait({arriving, coming_back}, return_when=asyncio.FIRST_COMPLETED)
            if not arriving.done():
                reason = await self._reason(new=not self._is_first_generation)
                if reason is not None and not _is_seen(arriving):
                    return reason
                await asyncio.wait({arriving})
            if _is_seen(arriving):
                return arriving.result()
            return await self._reason() or arriving.result()
        finally:
            for task in (arriving, coming_back):
                task.cancel()
            await asyncio.gather(arriving, coming_back, return_exceptions=True)

    # --- inside ------------------------------------------------------------------------------

    async def _be_there(self) -> None:
        """Before anything is sent: at home, its address is somebody else's, who is told no password."""
        if self._stay is None or not self._stay.is_inside:
            await self.open(again_s=self._pace.point_again_s)

    async def _enter(self, again_s: float) -> None:
        if self._points is None:
            raise WifiAbsent(detail="This system has none that Mooring knows.")
        await self.close()
        loop = asyncio.get_running_loop()
        end = loop.time() + again_s
        while True:
            # Known from its beginning: who stops while it begins waits for its end, too.
            self._stay = Excursion(self._points, self._ssid)
            try:
                await self._stay.enter()
            except ApNotHeard:
                if loop.time() >= end:
                    raise
                await asyncio.sleep(self._pace.point_look_s)
            else:
                return

    async def _wait_by_hand(self) -> None:
        async def probe() -> bool:
            try:
                board = await self._session.info()
            except PortError as error:
                raise OSError from error
            except MooringError:
                return False
            return self._is_ours(board)

        machine = ManualJoin(self._ssid, address=self._place.host)
        await wait_for_board(machine, probe, lambda _: None)

    async def _within_info(self) -> BoardInfo:
        for _ in range(FIRST_ANSWERS - 1):
            with contextlib.suppress(PortGone):
                return await self._inside(self._session.info())
        return await self._inside(self._session.info())

    async def _configure(self, config: BlynkConfig, told: Callable[[Told], None]) -> Outcome:
        return await self._inside(self._session.configure(config, told))

    async def _inside(self, work: Coroutine[Any, Any, T]) -> T:
        return await (work if self._stay is None else self._stay.within(work))

    def _is_ours(self, board: BoardInfo) -> bool:
        """A board says the name of its network; another at the same address is not told ours."""
        return board.name in {"", decode_text(self._ssid)}

    async def _comes_back(self) -> None:
        """Return when a look into the board's network is worth it: it may have failed.

        Generation 1 takes its access point away for the attempt. That of generation 2 stays, so one look
        is taken when the time that a board has for joining is over.
        """
        gone = not self._is_first_generation
        if gone:
            await asyncio.sleep(self._pace.point_second_s)
        while self._points is not None and not self._by_hand:
            await asyncio.sleep(self._pace.point_look_s)
            with contextlib.suppress(MooringError):
                heard = any(each.ssid == self._ssid for each in await self._points.seen())
                if heard and gone:
                    return
                gone = gone or not heard
        await asyncio.Event().wait()

    @property
    def _is_first_generation(self) -> bool:
        return self._board is not None and self._board.generation == 1

    def _meanwhile(self, *, was_online: bool) -> str:
        """What a person can do while nobody tells how it goes."""
        generation = self._board.generation if self._board is not None else 1
        parts = [HOME] if self._by_hand else []
        parts.append(watched(generation))
        if was_online:
            parts.append(DOUBT.format(seconds=round(self._pace.point_doubt_s)))
        return " ".join(parts)

    async def _reason(self, *, new: bool = False) -> Arrived | None:
        """What the board says of its attempt, if it can be reached again.

        ``new``: only what it did not say before, as it may still be trying.
        """
        before = self._board.last_error if new and self._board is not None else 0
        try:
            if not self._by_hand:
                await self._enter(0.0)
            board = await self._within_info()
        except MooringError:
            return None
        finally:
            await self.close()
        failure = from_code(board.last_error) if self._is_ours(board) else None
        if failure is None or failure.code == before:
            return None
        self._board = board
        return Arrived("failed", failure=failure, joined=failure.part == "cloud")


def _is_seen(arriving: asyncio.Task[Arrived]) -> bool:
    return arriving.done() and arriving.result().state != "unseen"
