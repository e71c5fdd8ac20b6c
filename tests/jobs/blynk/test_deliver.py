"""Whoever says first that a board is online, its own side or the cloud: all orders of events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.errors import BlynkNotArrived, BlynkTokenUnknown, MooringError, PortGone, Unreachable
from agent.jobs.blynk.deliver import Pace, await_board, deliver
from agent.protocols.blynk.config import BlynkConfig
from agent.protocols.blynk.failures import BY_CODE
from agent.sessions.blynk import Outcome, Told
from tests.jobs.blynk.samples import HOME, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.jobs.blynk.effects import Arrived
    from agent.settings import Secret

CONFIG = BlynkConfig(token=TOKEN, wifi=HOME)
LATE = BlynkNotArrived(cloud="b", server="s", seconds=120, detail="")


class Board:
    """A session whose end is decided here."""

    def __init__(self) -> None:
        self.ends: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.begun = asyncio.Event()
        self.stopped = False
        self.tell: Callable[[Told], None] = lambda _: None

    async def configure(self, config: BlynkConfig, told: Callable[[Told], None]) -> Outcome:
        assert config is CONFIG
        self.tell = told
        self.begun.set()
        try:
            return await self.ends
        except asyncio.CancelledError:
            self.stopped = True
            raise


class Cloud:
    """A cloud whose answer is decided here."""

    def __init__(self, *, before: bool | MooringError | None = False) -> None:
        self.before = before
        self.answers: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.asked = asyncio.Event()
        self.heard: asyncio.Event | None = None

    async def connected(self, token: Secret) -> bool:
        assert token == TOKEN
        if isinstance(self.before, MooringError):
            raise self.before
        if self.before is None:
            await asyncio.Event().wait()
        return self.before is True

    async def wait_for_board(
        self,
        token: Secret,
        *,
        fresh: bool,
        heard: asyncio.Event | None = None,
        limit_s: float,
    ) -> float:
        del token, fresh, limit_s
        self.heard = heard
        self.asked.set()
        return await self.answers


class Scene:
    """One delivery on its way."""

    def __init__(self, cloud: Cloud | None = None, *, fresh: bool = True) -> None:
        self.board, self.cloud = Board(), cloud or Cloud()
        self.news: list[str] = []
        pace = Pace(confirm_s=0.02, before_s=0.02)
        self.task: asyncio.Task[Arrived] = asyncio.create_task(
            deliver(
                self.board,  # type: ignore[arg-type]  # all that is used of a session
                self.cloud,
                CONFIG,
                lambda told: self.news.append(told.stage),
                fresh=fresh,
                pace=pace,
            )
        )


async def test_the_cloud_says_so_and_the_board_is_not_listened_to_any_more() -> None:
    scene = Scene()
    await scene.cloud.asked.wait()
    scene.cloud.answers.set_result(3.5)
    arrived = await scene.task
    assert (arrived.state, arrived.seconds, scene.board.stopped) == ("online", 3.5, True)


async def test_what_the_board_says_wakes_whoever_asks_the_cloud() -> None:
    scene = Scene()
    await scene.cloud.asked.wait()
    await scene.board.begun.wait()
    scene.board.tell(Told("connected"))
    assert scene.cloud.heard is not None
    assert scene.cloud.heard.is_set()
    scene.board.ends.set_result(Outcome("connected", joined=True))
    scene.cloud.answers.set_result(1.0)
    assert (await scene.task).state == "online"
    assert scene.news == ["connected"]


async def test_a_failure_ends_it_at_once() -> None:
    scene = Scene()
    scene.board.ends.set_result(Outcome("failed", BY_CODE[722]))
    arrived = await scene.task
    assert (arrived.state, arrived.failure) == ("failed", BY_CODE[722])
    assert scene.cloud.answers.cancelled()


@pytest.mark.parametrize("ends", [LATE, None])
async def test_a_board_that_is_connected_is_believed_if_the_cloud_cannot_say_so(
    ends: MooringError | None,
) -> None:
    scene = Scene()
    await scene.cloud.asked.wait()
    scene.board.ends.set_result(Outcome("connected", joined=True))
    if ends is not None:
        scene.cloud.answers.set_exception(ends)
    assert (await scene.task).state == "told"


async def test_where_neither_knows_the_cloud_is_waited_for() -> None:
    scene = Scene()
    await scene.cloud.asked.wait()
    scene.cloud.answers.set_exception(LATE)
    scene.board.ends.set_result(Outcome("unknown", joined=True))
    arrived = await scene.task
    assert (arrived.state, arrived.joined) == ("unseen", True)


async def test_a_token_that_the_cloud_does_not_know_is_as_if_the_board_had_said_so() -> None:
    scene = Scene()
    await scene.cloud.asked.wait()
    scene.cloud.answers.set_exception(BlynkTokenUnknown(cloud="b", server="s"))
    arrived = await scene.task
    assert (arrived.state, arrived.failure) == ("failed", BY_CODE[703])


async def test_a_board_that_goes_away_is_told() -> None:
    scene = Scene()
    scene.board.ends.set_exception(PortGone(port="x"))
    with pytest.raises(PortGone):
        await scene.task
    assert scene.cloud.answers.cancelled() or not scene.cloud.asked.is_set()


@pytest.mark.parametrize("fresh", [False, True])
async def test_a_cloud_in_which_the_device_is_online_already_is_asked_after_the_board(
    *, fresh: bool
) -> None:
    scene = Scene(Cloud(before=True), fresh=fresh)
    await scene.board.begun.wait()
    assert not scene.cloud.asked.is_set()
    scene.board.ends.set_result(Outcome("connected", joined=True))
    await scene.cloud.asked.wait()
    scene.cloud.answers.set_result(0.0)
    assert (await scene.task).state == "online"
    down = Scene(Cloud(before=Unreachable(cloud="b", detail="x")), fresh=False)
    await down.cloud.asked.wait()
    down.cloud.answers.set_result(2.0)
    assert (await down.task).state == "online"


async def test_a_cloud_that_does_not_say_what_is_online_keeps_no_board_waiting() -> None:
    scene = Scene(Cloud(before=None))
    await scene.board.begun.wait()
    scene.board.ends.set_result(Outcome("failed", BY_CODE[722]))
    assert (await scene.task).failure == BY_CODE[722]


async def test_who_stops_lets_go_of_both() -> None:
    scene = Scene()
    await scene.cloud.asked.wait()
    await scene.board.begun.wait()
    scene.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scene.task
    assert scene.board.stopped
    assert scene.cloud.answers.cancelled()


async def test_a_cloud_that_cannot_be_asked_has_seen_nothing() -> None:
    cloud = Cloud()
    cloud.answers.set_exception(Unreachable(cloud="b", detail="no route"))
    arrived = await await_board(cloud, TOKEN, fresh=True, pace=Pace(arrival_s=7))
    assert (arrived.state, arrived.seconds, arrived.detail) == ("unseen", 7, "no route")
