"""The wire of a session: one conversation at a time, and the log beside it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from agent.errors import PortGone
from agent.links.open import open_link
from agent.protocols.nrf import at
from agent.protocols.nrf.logs import Progress, Seen
from agent.sessions.nrf import BAUD
from agent.sessions.nrf_wire import EVENTS, NrfWire
from tests.sessions.nrf_boards import board, talking


async def test_conversations_that_begin_at_once_do_not_mix():
    async with talking(firmware="tracker", claimed=True) as (plugged, opened):
        models = [opened.ask("AT+CGMM", limit_s=30.0) for _ in range(5)]
        numbers = [opened.ask("AT+CGSN", limit_s=30.0) for _ in range(5)]
        answers = await asyncio.gather(*models, *numbers)
        assert [answer.lines for answer in answers] == [("nRF9151-LACA",)] * 5 + [
            (plugged.identity.imei,)
        ] * 5


async def test_what_the_log_says_during_a_conversation_is_kept_for_who_follows_it():
    async with talking(firmware="tracker", claimed=True) as (plugged, opened):
        await opened.ask("AT+CGMM")
        opened.wire.forget()
        plugged.program.say_log("wrn", "cloud", "Provisioning failed, device not claimed")
        await opened.ask("AT+CGMM")
        loop = asyncio.get_running_loop()
        assert await opened.wire.listen(loop.time() + 10) == [Progress(Seen.NOT_CLAIMED)]
        assert await opened.wire.listen(loop.time()) == []


async def test_events_that_nobody_takes_are_bounded():
    async with talking(firmware="tracker", claimed=True) as (plugged, opened):
        for _ in range(EVENTS + 50):
            plugged.program.say_log("inf", "cloud", "Connected to Cloud")
        await opened.ask("AT+CGMM")
        assert len(opened.wire.heard()) <= EVENTS


async def test_a_conversation_that_is_given_up_leaves_the_wire_usable():
    async with talking(firmware="at") as (plugged, opened):
        plugged.program.deaf = True
        asking = asyncio.ensure_future(opened.ask("AT+CGMM", limit_s=30.0))
        while not plugged.received.endswith(b"AT+CGMM\r\n"):
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        plugged.program.deaf = False
        assert (await opened.ask("AT+CGMM")).lines == ("nRF9151-LACA",)


async def test_a_closed_wire_says_that_the_port_is_gone():
    async with board(firmware="at") as plugged:
        wire = NrfWire(await open_link(plugged.port.address, BAUD))
        assert wire.address == plugged.port.address
        await wire.close()
        await wire.close()
        with pytest.raises(PortGone):
            await wire.run(at.detect(1))
        with pytest.raises(PortGone):
            await wire.listen(0.0)


async def test_a_token_is_in_no_log(caplog):
    caplog.set_level(logging.DEBUG)
    async with talking(firmware="tracker") as (plugged, opened):
        token = (await opened.read_token()).text.reveal()
        plugged.press_reset()
        printed = await opened.catch_token(10.0)
    assert printed is not None
    for secret in (token, printed.text.reveal()):
        assert secret.split(".")[1][:20] not in caplog.text
