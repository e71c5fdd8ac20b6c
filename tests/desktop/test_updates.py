"""Asked once a day, told, never installed: a real server, and a clock that nobody waits for."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clouds.route import Routes
from agent.clouds.system_proxy import SystemProxy
from agent.desktop.updates import (
    DAY_S,
    FIRST_S,
    LOOK_S,
    OFFLINE_S,
    PROJECT_URL,
    Kept,
    Newest,
    Updates,
    asked_address,
    known_update,
    read_kept,
    read_newest,
)
from agent.errors import CloudAnswer
from agent.settings.config import UpdatesConfig
from agent.settings.notices import Update
from tests.internet import listening

OWN = "1.0.0"


class SteppedClock:
    """Time passes only when a test says so; sleepers wait until then."""

    def __init__(self):
        self.now = 1000.0
        self.offset = 1_800_000_000.0
        self.sleeps = []
        self.asleep = 0
        self.nobody = False
        self._moved = asyncio.Event()

    def monotonic(self):
        return self.now

    def wall(self):
        return self.now + self.offset

    async def sleep(self, seconds):
        self.sleeps.append(seconds)
        until = self.now + seconds
        self.asleep += 1
        try:
            while self.now < until:
                await self._moved.wait()
        finally:
            self.asleep -= 1

    async def pass_by(self, seconds):
        """Let time go by in steps of an hour, each when the agent has done what was due."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + LOOK_S)
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()
            await settle()
            await self.until_asleep()

    async def until_asleep(self):
        """Wait for an agent that asks, which it does on real sockets."""
        while not self.asleep and not self.nobody:
            await asyncio.sleep(0.005)


async def settle():
    """Let tasks on this loop do what they can without waiting for a socket."""
    for _ in range(20):
        await asyncio.sleep(0)


class School:
    """A server that offers a version, as somebody would host it."""

    def __init__(self):
        self.document = {"version": "1.1.0", "url": "/mooring/", "date": "2026-11-22"}
        self.etag = '"one"'
        self.status = 200
        self.asked = []
        self.port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/mooring/updates.json"

    async def serve(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.decode())
        body, status = json.dumps(self.document).encode(), self.status
        if self.etag and f"If-None-Match: {self.etag}" in head.decode():
            body, status = b"", 304
        tag = f"ETag: {self.etag}\r\n" if self.etag else ""
        writer.write(
            f"HTTP/1.1 {status} Hm\r\n{tag}Content-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def school():
    one = School()
    async with listening(one.serve) as one.port:
        yield one


@pytest.fixture
def clock():
    return SteppedClock()


@pytest.fixture
def settings(school):
    return [UpdatesConfig(url=school.url)]


class Told:
    """What the agent told, one after another."""

    def __init__(self):
        self.updates = []
        self.news = asyncio.Event()

    def __call__(self, update):
        if not self.updates or self.updates[-1] != update:
            self.updates.append(update)
            self.news.set()

    async def until(self, update):
        while not self.updates or self.updates[-1] != update:
            self.news.clear()
            await self.news.wait()


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def agent(tmp_path, settings, clock, told):
    """Starts agents that share one home."""

    @asynccontextmanager
    async def start(own=OWN):
        updates = Updates(
            lambda: settings[0],
            tmp_path / "updates.json",
            own,
            told,
            routes=Routes(system=SystemProxy),
            clock=clock,
            spread=lambda: 0.5,
        )
        updates.start()
        await settle()
        try:
            yield updates
        finally:
            await updates.close()
            await updates.close()

    return start


@pytest.fixture
def offer(school):
    return Update(version="1.1.0", url=f"http://127.0.0.1:{school.port}/mooring/")


async def test_a_newer_version_is_told_and_nothing_of_this_computer(
    agent, school, clock, told, offer
):
    async with agent():
        assert told.updates == [None]
        await clock.pass_by(FIRST_S - 1)
        assert school.asked == []
        await clock.pass_by(1)
        await told.until(offer)
    assert told.updates == [None, offer]
    lines = school.asked[0].split("\r\n")
    assert lines[0] == "GET /mooring/updates.json HTTP/1.1"
    names = {line.partition(":")[0].lower() for line in lines[1:] if line}
    assert names == {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert "User-Agent: mooring" in lines


@pytest.mark.parametrize("version", ["1.0.0", "0.9", "1.0.0rc1", "1.0"])
async def test_what_is_not_newer_is_not_told(agent, school, clock, told, version):
    school.document["version"] = version
    async with agent():
        await clock.pass_by(FIRST_S)
        await clock.pass_by(LOOK_S)
    assert told.updates == [None]


async def test_it_is_asked_once_a_day_however_often_it_starts(agent, school, clock, told, offer):
    for _ in range(3):
        async with agent():
            await clock.pass_by(FIRST_S)
            await told.until(offer)
            await clock.pass_by(3 * LOOK_S)
    assert len(school.asked) == 1
    async with agent():
        await clock.pass_by(DAY_S)
        await clock.pass_by(DAY_S / 2)
    assert len(school.asked) == 2


async def test_what_is_known_is_told_at_the_next_start_until_it_is_installed(
    agent, clock, told, offer, school
):
    async with agent():
        await clock.pass_by(FIRST_S)
        await told.until(offer)
    told.updates.clear()
    async with agent():
        assert told.updates == [offer]
    told.updates.clear()
    async with agent("1.1.0"):
        assert told.updates == [None]
    assert len(school.asked) == 1


async def test_an_answer_that_did_not_change_is_not_sent_again(agent, school, clock, told, offer):
    async with agent():
        await clock.pass_by(FIRST_S)
        await told.until(offer)
        school.document = {"version": "9", "url": "/x"}
        await clock.pass_by(2 * DAY_S)
        assert 'If-None-Match: "one"' in school.asked[1]
        school.etag = '"two"'
        await clock.pass_by(2 * DAY_S)
        await told.until(Update(version="9", url=f"http://127.0.0.1:{school.port}/x"))
    assert told.updates[1] == offer


async def test_off_line_it_is_quiet_and_tries_again_in_an_hour(
    agent, settings, clock, told, caplog, school, tmp_path
):
    async def nobody(_reader, writer):
        writer.close()

    async with listening(nobody) as gone:
        pass
    settings[0] = UpdatesConfig(url=f"http://127.0.0.1:{gone}/updates.json")
    caplog.set_level(logging.DEBUG, "agent")
    async with agent():
        await clock.pass_by(FIRST_S)
        assert "No word" in caplog.text
        assert not (tmp_path / "updates.json").exists()
        caplog.clear()
        await clock.pass_by(OFFLINE_S)
        assert "No word" in caplog.text
    assert told.updates == [None]
    assert {record.levelname for record in caplog.records} == {"DEBUG"}


@pytest.mark.parametrize("status", [301, 404, 500])
async def test_a_server_without_a_document_is_asked_again_tomorrow(
    agent, school, clock, told, status, caplog
):
    caplog.set_level(logging.INFO, "agent")
    school.status, school.etag = status, ""
    async with agent():
        await clock.pass_by(FIRST_S)
        assert "No word" in caplog.text
        await clock.pass_by(DAY_S / 2)
        assert len(school.asked) == 1
    assert told.updates == [None]


async def test_switched_off_nothing_is_asked_and_no_timer_runs(
    agent, settings, school, clock, told
):
    settings[0] = UpdatesConfig(url=school.url, check=False)
    clock.nobody = True
    async with agent():
        await clock.pass_by(3 * DAY_S)
    assert (school.asked, clock.sleeps) == ([], [])


async def test_a_change_of_the_settings_counts_at_once(agent, settings, school, clock, told, offer):
    on = settings[0]
    async with agent() as updates:
        await clock.pass_by(FIRST_S)
        await told.until(offer)
        settings[0] = UpdatesConfig(url=school.url, check=False)
        updates.settings_changed()
        await told.until(None)
        settings[0] = on
        updates.settings_changed()
        await told.until(offer)
        assert len(school.asked) == 1
        settings[0] = UpdatesConfig(url=f"{school.url}?school=2")
        updates.settings_changed()
        await told.until(None)
        await told.until(offer)
    assert "?school=2" in school.asked[1]


async def test_there_is_one_timer_and_it_rings_once_an_hour_at_most(
    agent, school, clock, told, offer
):
    async with agent():
        await clock.pass_by(FIRST_S)
        await told.until(offer)
        clock.sleeps.clear()
        await clock.pass_by(10 * LOOK_S)
    assert len(clock.sleeps) <= 11
    assert max(clock.sleeps) == LOOK_S


async def test_a_clock_that_was_set_back_does_not_stop_it(agent, school, clock, told, offer):
    async with agent():
        await clock.pass_by(FIRST_S)
        await told.until(offer)
        clock.offset -= 365 * DAY_S
        await clock.pass_by(LOOK_S)
        await clock.pass_by(DAY_S / 2)
    assert len(school.asked) == 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"version": "2"}',
        b'{"version": 2, "url": "/x"}',
        b'{"version": "newest", "url": "/x"}',
        b'{"version": "2", "url": "http://school.test/x"}',
        b'{"version": "2", "url": "https://other.test/x"}',
        b'{"version": "2", "url": "https://school.test:8443/x"}',
        b'{"version": "2", "url": "https://ada@school.test/x"}',
        b'{"version": "2", "url": "https://school.test\\u202e/x"}',
        b'{"version": "2", "url": "javascript:alert(1)"}',
        b'{"version": "2", "url": "//[x"}',
        b'{"version": "2", "url": "/' + b"x" * 3000 + b'"}',
        b"\xff",
        b"[" * 5000,
    ],
)
def test_a_document_that_is_none_or_leads_elsewhere_is_refused(data):
    with pytest.raises(CloudAnswer):
        read_newest(data, "https://school.test/updates.json")


def test_what_a_document_says_is_cleaned_and_bounded():
    said = {
        "version": "2.0",
        "url": "https://school.test/get",
        "date": "2026\x1b[31m-11-22" + "x" * 100,
        "notes": "better\n  \u202eboards" + "y" * 5000,
        "more": {"is": "ignored"},
    }
    newest = read_newest(json.dumps(said).encode(), "https://school.test/updates.json")
    assert newest.url == "https://school.test/get"
    assert newest.notes.startswith("better ·boards")
    assert len(newest.notes) == 500
    assert newest.date.isprintable()
    assert len(newest.date) == 40


@given(st.binary(max_size=200))
def test_no_bytes_do_harm(data):
    with pytest.raises(CloudAnswer):
        read_newest(data, "https://school.test/updates.json")


def test_a_file_that_is_damaged_is_as_none(tmp_path):
    file = tmp_path / "updates.json"
    assert read_kept(file) is None
    for data in (b"{", b'{"asked_url": 5}', b"\xff", b" " * 100_000):
        file.write_bytes(data)
        assert read_kept(file) is None


def test_what_another_address_said_is_not_known():
    newest = Newest(version="2.0", url="https://a.test/x")
    kept = Kept(asked_url="https://a.test/u", asked_at=0, newest=newest)
    assert known_update(kept, UpdatesConfig(url="https://a.test/u"), OWN) == newest
    assert known_update(kept, UpdatesConfig(url="https://b.test/u"), OWN) is None
    assert known_update(kept, UpdatesConfig(url="https://a.test/u", check=False), OWN) is None
    assert known_update(None, UpdatesConfig(), OWN) is None


def test_without_an_address_the_projects_is_asked():
    assert asked_address(UpdatesConfig()) == PROJECT_URL
    assert asked_address(UpdatesConfig(url="https://a.test/u")) == "https://a.test/u"
