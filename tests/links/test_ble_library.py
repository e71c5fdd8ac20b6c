"""The Bluetooth library held at arm's length: bounded in time, cancelled for good, and silent."""

import asyncio
import logging

import pytest

from agent.links.ble_library import CancelledBySystemError, LinkEndedError, load, within


class Work:
    """What the library does: it says how it ended."""

    def __init__(self, *, tidies: bool = False) -> None:
        self.began = asyncio.Event()
        self.cancelled = 0
        self.ended = asyncio.Event()
        self._tidies = tidies

    async def run(self) -> None:
        self.began.set()
        try:
            await self._wait()
        except asyncio.CancelledError:
            if self._tidies:
                await self._wait()  # the system does not answer to that either
            raise
        finally:
            self.ended.set()

    async def _wait(self) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


@pytest.fixture
def levels():
    """The levels of these loggers are as before afterwards."""
    loggers = [logging.getLogger(name) for name in (None, "bleak", "dbus_fast")]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


async def answer(value):
    await asyncio.sleep(0)
    return value


async def fail(error):
    await asyncio.sleep(0)
    raise error


async def test_a_result_and_an_error_are_passed_on():
    assert await within(5, answer(7)) == 7
    with pytest.raises(KeyError):
        await within(5, fail(KeyError("service")))


async def test_what_takes_too_long_is_cancelled():
    work = Work()
    with pytest.raises(TimeoutError):
        await within(0.02, work.run())
    assert work.ended.is_set()
    assert work.cancelled == 1


async def test_what_tidies_up_for_ever_is_cancelled_again():
    work = Work(tidies=True)
    with pytest.raises(TimeoutError):
        await within(0.02, work.run(), cancel_limit_s=0.02)
    assert work.ended.is_set()
    assert work.cancelled == 2


async def test_who_is_cancelled_takes_the_work_along():
    work = Work(tidies=True)
    waiting = asyncio.create_task(within(60, work.run(), cancel_limit_s=0.02))
    await work.began.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert work.ended.is_set()


async def test_the_end_of_the_link_ends_the_work():
    work, link_ended = Work(), asyncio.Event()
    waiting = asyncio.create_task(within(60, work.run(), unless=link_ended))
    await work.began.wait()
    link_ended.set()
    with pytest.raises(LinkEndedError):
        await waiting
    assert work.ended.is_set()


async def test_work_that_is_done_when_the_link_ends_is_done():
    link_ended = asyncio.Event()
    link_ended.set()

    async def at_once():
        return 7

    assert await within(60, at_once(), unless=link_ended) == 7


async def test_a_cancellation_that_nobody_asked_for_is_an_error_of_the_system():
    """As Windows does when a link falls; else a job would believe that a person gave it up."""
    with pytest.raises(CancelledBySystemError):
        await within(60, fail(asyncio.CancelledError()))


async def test_nothing_is_left_behind():
    before = asyncio.all_tasks()
    await within(5, answer(7), unless=asyncio.Event())
    with pytest.raises(TimeoutError):
        await within(0.01, Work().run(), unless=asyncio.Event())
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("name", ["bleak", "dbus_fast", "bleak.backends.bluezdbus.client"])
@pytest.mark.parametrize("level", [logging.NOTSET, logging.DEBUG])
def test_the_library_has_no_debug_log(name, level, levels):
    logging.getLogger().setLevel(logging.DEBUG)
    for parent in ("bleak", "dbus_fast"):
        logging.getLogger(parent).setLevel(level)  # as BLEAK_LOGGING=1 does
    load()
    assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)
    assert logging.getLogger(name).isEnabledFor(logging.WARNING)
