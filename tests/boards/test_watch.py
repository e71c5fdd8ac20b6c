import asyncio
import logging
import math

from agent.boards.sighting import Sighting
from agent.boards.watch import RETRIES, PortWatcher

from .conftest import sighted

ONE = sighted("/dev/ttyACM0", serial="F412FA65")
TWO = sighted("/dev/ttyACM1", serial="F412FA66")


class Source:
    """A source whose ports the test decides; without events it is looked at every ``poll_s``."""

    def __init__(self, *, poll_s: float = 1000.0, in_thread: bool = False) -> None:
        self.poll_s = poll_s
        self.in_thread = in_thread
        self.ports: list[Sighting] = []
        self.error: Exception | None = None
        self.looks = 0
        self.closed = False
        self.wake = lambda: None

    def start(self, wake) -> None:
        self.wake = wake

    def look(self) -> list[Sighting]:
        self.looks += 1
        if self.error:
            raise self.error
        return list(self.ports)

    def close(self) -> None:
        self.closed = True


class Told:
    """What the watcher reported, as a queue that a test can wait for."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[list[Sighting]] = asyncio.Queue()

    def __call__(self, sightings) -> None:
        self.queue.put_nowait(list(sightings))


async def watching(*sources):
    told = Told()
    watcher = PortWatcher(sources, told)
    await watcher.start()
    return watcher, told.queue


async def test_the_first_look_is_reported_before_start_returns():
    source = Source()
    source.ports = [ONE]
    watcher, told = await watching(source)
    assert told.get_nowait() == [ONE]
    await watcher.close()
    assert source.closed


async def test_an_event_leads_to_a_look_and_a_change_to_a_report():
    source = Source(in_thread=True)
    watcher, told = await watching(source)
    await told.get()
    source.ports = [ONE]
    source.wake()
    assert await told.get() == [ONE]
    source.ports = []
    source.wake()
    assert await told.get() == []
    await watcher.close()


async def test_without_events_ports_are_found_by_looking_again():
    source = Source(poll_s=0.15)
    watcher, told = await watching(source)
    await told.get()
    source.ports = [ONE]
    assert await told.get() == [ONE]
    await watcher.close()


async def test_the_ports_of_all_sources_are_reported_together():
    first, second = Source(), Source()
    watcher, told = await watching(first, second)
    await told.get()
    first.ports = [ONE]
    first.wake()
    assert await told.get() == [ONE]
    second.ports = [TWO]
    second.wake()
    assert await told.get() == [ONE, TWO]
    await watcher.close()


async def test_a_storm_of_events_causes_few_looks_and_the_last_state_is_reported():
    source = Source()
    watcher, told = await watching(source)
    await told.get()
    looks = source.looks
    for turn in range(500):
        source.ports = [ONE] if turn % 2 else [TWO]
        source.wake()
        await asyncio.sleep(0)
    while await told.get() != [ONE]:
        pass
    assert source.looks - looks <= 5
    await watcher.close()


async def test_a_look_that_changed_nothing_is_not_reported():
    source = Source()
    watcher, told = await watching(source)
    await told.get()
    looks = source.looks
    source.wake()
    while source.looks == looks:
        await asyncio.sleep(0)
    assert told.empty()
    await watcher.close()


async def test_a_failed_look_keeps_the_last_list_and_is_repeated_soon():
    source = Source()
    source.ports = [ONE]
    watcher, told = await watching(source)
    await told.get()
    source.error = OSError("a device vanished during the look")
    source.wake()
    looks = source.looks
    while source.looks < looks + 2:
        await asyncio.sleep(0.01)
    assert told.empty()
    source.error, source.ports = None, [TWO]
    assert await told.get() == [TWO]
    await watcher.close()


async def test_looks_that_keep_failing_fall_back_to_the_normal_pace():
    source = Source()
    watcher, _ = await watching(source)
    source.error = OSError("broken")
    (watched,) = watcher._watched
    for _ in range(RETRIES):
        await watched.look()
        assert watched._pause_s() < 1.0
    await watched.look()
    assert watched._pause_s() > 100.0
    await watcher.close()


async def test_a_refresh_reports_a_change_before_it_returns():
    source = Source(in_thread=True)
    watcher, told = await watching(source)
    await told.get()
    source.ports = [ONE]
    await watcher.refresh()
    assert told.get_nowait() == [ONE]
    await watcher.close()


async def test_a_defect_of_a_source_is_logged_and_closing_still_works(caplog):
    caplog.set_level(logging.ERROR)
    source = Source()
    watcher, _ = await watching(source)
    source.error = RuntimeError("a defect")
    source.wake()
    while "no longer watched" not in caplog.text:
        await asyncio.sleep(0)
    await watcher.close()
    await watcher.close()


async def test_a_source_whose_looks_cost_something_is_told_when_a_loader_is_expected():
    class Costly(Source):
        expecting = False

        def look(self) -> list[Sighting]:
            self.ports = [ONE] if self.expecting else []
            return super().look()

    costly, plain = Costly(), Source()
    watcher, told = await watching(costly, plain)
    assert await told.get() == []
    watcher.expect_loader(True)
    assert await told.get() == [ONE]
    looks = costly.looks
    watcher.expect_loader(True)
    watcher.expect_loader(False)
    assert await told.get() == []
    assert costly.looks == looks + 1
    assert plain.looks == 1
    await watcher.close()


async def test_a_source_that_finds_nothing_without_an_event_costs_no_task():
    source = Source(poll_s=math.inf)
    before = asyncio.all_tasks()
    watcher, told = await watching(source)
    assert await told.get() == []
    assert asyncio.all_tasks() == before
    source.ports = [ONE]
    source.wake()
    assert await told.get() == [ONE]
    source.ports, source.poll_s = [], 0.05
    source.wake()
    assert await told.get() == []
    source.poll_s = math.inf
    while asyncio.all_tasks() != before:
        await asyncio.sleep(0.01)
    source.ports = [TWO]
    source.wake()
    assert await told.get() == [TWO]
    await watcher.close()
    source.wake()
    assert asyncio.all_tasks() == before
