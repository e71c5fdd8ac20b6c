"""Gives a board its settings, and hears of it from both of its sides: the board's, and its cloud's."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from agent.errors import BlynkTokenUnknown, CloudError
from agent.jobs.blynk.effects import Arrived
from agent.protocols.blynk.arrival import ARRIVAL_LIMIT_S
from agent.protocols.blynk.failures import BY_CODE
from agent.sessions.blynk import CONFIGURE_LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.protocols.blynk.config import BlynkConfig
    from agent.sessions.blynk import BlynkSession, Told
    from agent.settings import Secret

CONFIRM_LIMIT_S: Final = 20.0
"""For the cloud to say what the board has said: it knows within a second, if it can be asked."""
BEFORE_LIMIT_S: Final = 5.0
"""For the cloud to say whether the device is online already; without an answer it is not waited for."""
OLD_NEWS_LIMIT_S: Final = 75.0
"""How long the cloud's “online” may be of the time before the settings: it notices a board that went
after about 100 s, of which 20 s have gone by in the board's network. A board that fails is back in it
before: it tries for 50 s at most, and a scan takes some."""
REFUSED: Final = 703
"""The code of a board whose token is refused."""


class Waits(Protocol):
    """What of the cloud is needed here."""

    async def connected(self, token: Secret) -> bool:
        """Whether the board of this token is online."""

    async def wait_for_board(
        self, token: Secret, *, fresh: bool, heard: asyncio.Event | None = None, limit_s: float
    ) -> float:
        """Seconds until it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things may take; a simulated board that is faster has less."""

    configure_s: float = CONFIGURE_LIMIT_S
    arrival_s: float = ARRIVAL_LIMIT_S
    confirm_s: float = CONFIRM_LIMIT_S
    before_s: float = BEFORE_LIMIT_S
    look_s: float | None = None
    """Between two looks of a session; None: its own."""
    point_follow_s: float = 20.0
    """How long a board that keeps its access point is followed there: the Internet may be away."""
    point_second_s: float = 40.0
    """Before the one look why such a board is not online: by then its 50 s for joining are over."""
    point_look_s: float = 8.0
    """Between two looks for an access point that went with its board's attempt."""
    point_doubt_s: float = OLD_NEWS_LIMIT_S
    point_again_s: float = 60.0
    """How long it is looked for before settings are sent again: a restart of the board, and a scan."""


async def deliver(
    session: BlynkSession,
    cloud: Waits,
    config: BlynkConfig,
    told: Callable[[Told], None],
    *,
    fresh: bool,
    pace: Pace,
) -> Arrived:
    """Whoever says first that the board is online, or why not.

    A device that is online already says nothing about this board until the board has said that it is
    connected: a cloud takes a while to notice that a board went away, also with a new token for it.
    """
    heard = asyncio.Event()

    def hear(news: Told) -> None:
        if news.stage == "connected":
            heard.set()
        told(news)

    before = await _is_online(cloud, config.token, pace.before_s)
    configuring = asyncio.create_task(session.configure(config, hear))

    async def arrive() -> Arrived:
        if before:
            await asyncio.wait({configuring})
        return await await_board(cloud, config.token, fresh=fresh, heard=heard, pace=pace)

    arriving = asyncio.create_task(arrive())
    tasks: set[asyncio.Task[Any]] = {configuring, arriving}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if arriving.done() and arriving.result().state != "unseen":
            return arriving.result()
        outcome = await configuring
        if outcome.state == "failed":
            return Arrived("failed", failure=outcome.failure, joined=outcome.joined)
        limit_s = pace.confirm_s if outcome.state == "connected" else None
        await asyncio.wait({arriving}, timeout=limit_s)
        arrived = arriving.result() if arriving.done() else Arrived("unseen")
        if outcome.state == "connected" and arrived.state == "unseen":
            return Arrived("told", joined=True)
        return arrived._replace(joined=outcome.joined)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def await_board(
    cloud: Waits,
    token: Secret,
    *,
    fresh: bool,
    pace: Pace,
    heard: asyncio.Event | None = None,
) -> Arrived:
    """What the cloud says of a board that has its settings."""
    limit_s = pace.arrival_s
    try:
        seconds = await cloud.wait_for_board(token, fresh=fresh, heard=heard, limit_s=limit_s)
    except BlynkTokenUnknown:
        return Arrived("failed", failure=BY_CODE[REFUSED])
    except CloudError as error:
        detail = str(error.facts.get("detail") or "")
        return Arrived("unseen", seconds=limit_s, detail=detail)
    return Arrived("online", seconds)


async def old_news_over(cloud: Waits, token: Secret, pace: Pace) -> None:
    """Return when the cloud can be believed of a device that was online before its board got settings.

    That is when it has noticed that the board went, or must have.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(pace.point_doubt_s):
            while True:
                with contextlib.suppress(CloudError):
                    if not await cloud.connected(token):
                        return
                await asyncio.sleep(pace.point_look_s)


async def _is_online(cloud: Waits, token: Secret, limit_s: float) -> bool:
    try:
        async with asyncio.timeout(limit_s):
            return await cloud.connected(token)
    except (CloudError, TimeoutError):
        return False
