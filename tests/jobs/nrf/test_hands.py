"""Hands for boards of nRF Cloud: one session for the whole job, and what they refuse."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from agent.clouds.accounts import AccountStore
from agent.clouds.nrf.cloud import NrfCloud
from agent.errors import InternalError, PortGone
from agent.jobs.kit import Hold, KitEffect
from agent.jobs.nrf import effects as fx
from agent.jobs.nrf.hands import NrfHands
from agent.protocols.nrf.commands import POLL_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.jobs.nrf.nrf_bench import NrfBench


class Unknown(KitEffect):
    """Of another kit."""


@asynccontextmanager
async def hands(
    desk: NrfBench, said: list[str], cloud: NrfCloud | None = None
) -> AsyncIterator[NrfHands]:
    """For the only board."""
    board = desk.board
    surroundings: Any = None
    async with desk.boards.lease(board.id, "a test") as lease:
        hold = Hold(
            surroundings=surroundings,
            board=board.id,
            lease=lease,
            job="1",
            deliver=None,
            advanced=lambda _request, _done, _of, words: said.append(words),
        )
        made = NrfHands(hold, cloud or desk.client)
        try:
            yield made
        finally:
            await made.close()


async def test_the_port_that_answers_is_kept_until_it_is_closed(desk: NrfBench) -> None:
    plugged = await desk.plug()
    await desk.start_agent()
    async with hands(desk, []) as made:
        with pytest.raises(PortGone):
            await made.perform(fx.ReadToken())
        modem = await made.perform(fx.OpenModem())
        assert modem.port == plugged.port.address
        token = await made.perform(fx.ReadToken())
        assert token.device_id == str(plugged.identity.device_id)
        assert (await made.perform(fx.OpenModem())).port == modem.port
        await made.close()
        with pytest.raises(PortGone):
            await made.perform(fx.TriggerByCable())


async def test_what_the_log_says_is_told_as_sentences(desk: NrfBench) -> None:
    await desk.plug()
    await desk.start_agent()
    said: list[str] = []
    async with hands(desk, said) as made:
        await made.perform(fx.OpenModem())
        token = await made.perform(fx.ReadToken())
        await made.perform(fx.EnsureRule("nrf-cloud-onboarding"))
        assert await made.perform(fx.TryClaim(token, ())) is None
        await made.perform(fx.ClaimBoard(token, ("nrf-cloud-onboarding",)))
        await made.perform(fx.TriggerByCable())
        await made.perform(fx.FollowLog())
    assert "The board does what the service asked for" in said
    assert "" not in said


class Standing:
    """A clock on which no long pause ever ends."""

    def __init__(self) -> None:
        self._none = asyncio.Event()

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        if seconds >= POLL_S[0]:
            await self._none.wait()


async def test_what_the_board_has_done_is_looked_for_when_its_log_says_so(desk: NrfBench) -> None:
    await desk.plug()
    await desk.start_agent()
    url, accounts = desk.cloud.base_url, AccountStore(desk.folder / "a.json", use_keyring=False)
    standing = NrfCloud(accounts=accounts, provisioning_url=url, devices_url=url, clock=Standing())
    await standing.login({"api_key": desk.cloud.key.secret})
    async with hands(desk, [], standing) as made:
        await made.perform(fx.OpenModem())
        token = await made.perform(fx.ReadToken())
        await made.perform(fx.EnsureRule("nrf-cloud-onboarding"))
        await made.perform(fx.ClaimBoard(token, ("nrf-cloud-onboarding",)))
        watching = asyncio.create_task(made.perform(fx.WatchCommands(token.device_id, frozenset())))
        await made.perform(fx.TriggerByCable())
        await made.perform(fx.FollowLog())
        assert {each.status for each in await watching} == {"SUCCEEDED"}
    await standing.close()


async def test_a_board_that_restarts_prints_its_token_for_who_listens(desk: NrfBench) -> None:
    plugged = await desk.plug()
    await desk.start_agent()
    async with hands(desk, []) as made:
        await made.perform(fx.OpenModem())
        plugged.press_reset()
        token = await made.perform(fx.CatchToken(15.0))
        assert token.device_id == str(plugged.identity.device_id)


async def test_what_is_none_of_theirs_is_a_defect(desk: NrfBench) -> None:
    await desk.plug()
    await desk.start_agent()
    async with hands(desk, []) as made:
        with pytest.raises(InternalError):
            await made.perform(Unknown())
    nothing: Any = None
    hold = Hold(
        surroundings=nothing,
        board="",
        lease=None,
        job="1",
        deliver=None,
        advanced=lambda *_: None,
    )
    with pytest.raises(PortGone):
        await NrfHands(hold, desk.client).perform(fx.OpenModem())
