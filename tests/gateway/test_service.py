"""Boards, jobs and calls through one session after the other."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.boards.board import Port
from agent.catalog import Catalog
from agent.clouds.accounts import AccountStore
from agent.errors import JournalFailed, Unreachable
from agent.gateway.names import DeviceNames
from agent.gateway.networks import StoredNetworks
from agent.gateway.service import CALLS_MAX, GatewayService
from agent.jobs.job import JobState
from agent.settings.config_gateway import GatewayConfig
from tests.gateway.here import HereBoards, HereJobs, HereLink, board

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NAME = "uno_r4_wifi-F412FA65"
TELEMETRY = "v1/gateway/telemetry"
OWN = "v1/devices/me/telemetry"
CALL = "v1/devices/me/rpc/request/"
ANSWER = "v1/devices/me/rpc/response/"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


class Desk:
    """A service and everything around it."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.boards, self.jobs = HereBoards(board()), HereJobs()
        self.config = GatewayConfig(allow_boards=True, allow_provision=True)
        self.wall = 1000.0
        accounts = AccountStore(folder / "accounts.json", use_keyring=False)
        names = DeviceNames(folder / "names.json")
        names.load()
        self.service = GatewayService(
            boards=self.boards,
            jobs=self.jobs,
            catalog=catalog,
            names=names,
            networks=StoredNetworks(accounts, folder / "networks.json"),
            config=lambda: self.config,
            about={"version": "1"},
            wall=lambda: self.wall,
        )

    @contextlib.asynccontextmanager
    async def session(self, said: dict[str, Any] | None = None) -> AsyncIterator[HereLink]:
        link = HereLink()
        task = asyncio.create_task(self.service.serve(link, said))
        try:
            yield link
        finally:
            link.end()
            await task


@pytest.fixture
async def desk(tmp_path: Path, catalog: Catalog) -> AsyncIterator[Desk]:
    made = Desk(tmp_path, catalog)
    made.service.begin()
    yield made
    await made.service.close()
    assert made.jobs.callbacks == []


def told(link: HereLink, name: str = NAME) -> list[dict[str, Any]]:
    return [each for said in link.on(TELEMETRY) for each in said.get(name, [])]


async def test_a_job_is_told_with_its_times(desk):
    async with desk.session() as link:
        desk.jobs.tell(NAME)
        desk.jobs.tell(NAME, JobState.DONE, result={"sketch_version": "0.6.2"})
        await link.until(lambda: len(told(link)) == 2)
        begin, end = told(link)
        assert (begin["ts"], begin["values"]["job_state"]) == (1_000_000, "running")
        assert (end["ts"], end["values"]["job_result"]) == (5000, "ok")
        attributes = "v1/gateway/attributes"
        await link.until(
            lambda: any(s.get(NAME, {}).get("firmware") == "0.6.2" for s in link.on(attributes))
        )
    assert link.subscribed == ["v1/gateway/rpc"]


async def test_what_happens_without_a_session_is_told_in_the_next_one(desk):
    desk.jobs.tell(NAME)
    desk.wall = 2000.0
    desk.jobs.tell(NAME, JobState.FAILED)
    async with desk.session() as link:
        await link.until(lambda: len(told(link)) == 2)
        assert [each["ts"] for each in told(link)] == [1_000_000, 5000]


async def test_ends_that_the_server_was_not_told_are_told_by_the_next_agent(tmp_path, catalog):
    first = Desk(tmp_path, catalog)
    first.service.begin()
    await first.service.catch_up()
    first.wall = 1001.0
    async with first.session() as link:
        first.jobs.tell(NAME, JobState.DONE, job="1", ended=1001.0)
        await link.until(lambda: told(link))
    first.jobs.tell(NAME, JobState.DONE, job="2", ended=1002.0)
    await first.service.close()

    second = Desk(tmp_path, catalog)
    second.jobs.ended = [
        first.jobs.ended[1],
        msgspec.structs.replace(first.jobs.ended[0], id="9", board="unknown", ended_at=1002.0),
        first.jobs.ended[0],
    ]
    second.service.begin()
    await second.service.catch_up()
    async with second.session() as link:
        await link.until(lambda: told(link))
        assert [each["values"]["job"] for each in told(link)] == ["2"]
        assert told(link)[0]["ts"] == 1_002_000
    await second.service.close()


async def test_the_first_agent_tells_nothing_of_earlier_jobs(desk):
    desk.jobs.tell(NAME, JobState.DONE, ended=900.0)
    desk.service.backlog.forget(NAME)
    await desk.service.catch_up()
    assert NAME not in {each.sample.device for each in desk.service.backlog}


async def test_a_journal_that_cannot_be_read_does_not_stop_it(desk):
    await desk.service.catch_up()
    desk.jobs.failure = JournalFailed(path="x", detail="y")
    await desk.service.catch_up()


async def test_loss_is_told(desk):
    for number in range(2500):
        desk.jobs.tell(NAME, JobState.CANCELLED, job=str(number))
    lost = desk.service.backlog.lost
    assert lost
    async with desk.session({"rateLimits": {"telemetryDataPoints": ""}}) as link:
        await link.until(lambda: any(each[-1]["values"]["values_lost"] for each in link.on(OWN)))
        assert link.on(OWN)[-1][-1]["values"]["values_lost"] >= lost


async def test_what_waits_when_the_agent_ends_goes_out_before(desk):
    async with desk.session() as link:
        await link.until(lambda: link.on(OWN))
        desk.jobs.tell(NAME)
        await desk.service.flush()
        assert len(told(link)) == 1
        assert not len(desk.service.backlog)


async def test_what_is_lost_when_the_agent_ends_is_told_by_the_next_one(tmp_path, catalog):
    first = Desk(tmp_path, catalog)
    first.service.begin()
    first.jobs.tell(NAME, job="1")
    first.jobs.tell(NAME, job="2")
    first.jobs.tell(NAME, JobState.DONE, job="2")
    await first.service.flush()
    await first.service.close()
    second = Desk(tmp_path, catalog)
    second.service.begin()
    async with second.session() as link:
        await link.until(lambda: link.on(OWN))
        # The end of job 2 is in the journal, its beginning is lost as that of job 1.
        assert link.on(OWN)[-1][-1]["values"]["values_lost"] == 2
        await second.service.flush()
    await second.service.close()
    third = Desk(tmp_path, catalog)
    third.service.begin()
    assert third.service.backlog.lost == 0
    await third.service.close()


async def test_jobs_of_boards_that_nobody_knows_are_counted_only(desk):
    async with desk.session() as link:
        desk.jobs.tell("unknown")
        await link.until(lambda: link.on(OWN))
        assert told(link, "unknown") == []


async def test_a_board_in_the_air_is_told_with_its_first_job(desk):
    port = Port(kind="ble", address="ble://A1:B2:C3:D4:E5:F6")
    desk.boards.plug(msgspec.structs.replace(board("ble-1"), ports=[port], via="ble"))
    async with desk.session() as link:
        await link.until(lambda: link.on("v1/gateway/attributes"))
        assert [each["device"] for each in link.on("v1/gateway/connect")] == [NAME]
        desk.jobs.tell("ble-1")
        await link.until(lambda: told(link, "ble-1"))
        assert [each["device"] for each in link.on("v1/gateway/connect")] == [NAME, "ble-1"]


async def test_calls_are_answered(desk):
    async with desk.session() as link:
        link.hear(f"{CALL}1", {"method": "boards", "params": {}})
        link.hear("v1/gateway/rpc", {"device": NAME, "data": {"id": 2, "method": "provision"}})
        link.hear("v1/gateway/rpc", {"device": "gone", "data": {"id": 3, "method": "provision"}})
        link.hear(f"{CALL}4", b"{")
        link.hear("v1/gateway/rpc", b"\xff")
        link.hear("v1/devices/me/attributes", {"x": 1})
        link.hear(f"{CALL}5", {"method": "configure", "params": {}})
        await link.until(lambda: link.on(f"{ANSWER}5"))
        assert link.on(f"{ANSWER}1")[0]["total"] == 1
        assert link.on(f"{ANSWER}4")[0]["code"] == 400
        assert link.on(f"{ANSWER}5")[0]["code"] == 403
        await link.until(lambda: len(link.on("v1/gateway/rpc")) == 2)
        answers = {each["id"]: each for each in link.on("v1/gateway/rpc")}
        assert answers[2] == {"device": NAME, "id": 2, "data": {"job": "1"}}
        assert answers[3]["data"]["code"] == 404


async def test_only_so_many_calls_at_once(desk):
    desk.jobs.gate = asyncio.Event().wait
    async with desk.session() as link:
        for number in range(CALLS_MAX + 1):
            link.hear(f"{CALL}{number}", {"method": "provision", "params": {"board": NAME}})
        await link.until(lambda: link.on(f"{ANSWER}{CALLS_MAX}"))
        assert link.on(f"{ANSWER}{CALLS_MAX}")[0]["code"] == 429


async def test_a_change_of_the_settings_is_told_and_counts_at_once(desk):
    async with desk.session() as link:
        own = "v1/devices/me/attributes"
        await link.until(lambda: link.on(own))
        assert link.on(own)[0]["allowed_calls"] == "boards, provision"
        desk.config = GatewayConfig()
        link.hear(f"{CALL}1", {"method": "boards"})
        await link.until(lambda: link.on(f"{ANSWER}1"))
        assert link.on(f"{ANSWER}1")[0]["code"] == 403
        desk.service.settings_changed()
        await link.until(lambda: len(link.on(own)) == 2)
        assert link.on(own)[1] == {"allowed_calls": ""}


async def test_a_device_that_is_renamed_on_the_server_makes_no_second_one(desk):
    connect = "v1/gateway/connect"
    async with desk.session() as link:
        await link.until(lambda: link.on(connect))
        link.hear(f"{CALL}1", {"method": "gateway_device_renamed", "params": {NAME: "Hall"}})
        await link.until(lambda: len(link.on(connect)) == 2)
        assert link.on(f"{ANSWER}1") == [{"success": True}]
        assert link.on(connect)[1]["device"] == "Hall"
        desk.jobs.tell(NAME)
        await link.until(lambda: told(link, "Hall"))
        assert link.on("v1/gateway/disconnect") == []


@pytest.mark.parametrize("params", [None, [], {"nobody": "x"}, {NAME: 5}, {NAME: ""}, "x"])
async def test_a_strange_notification_changes_nothing(desk, params):
    async with desk.session() as link:
        for number, method in enumerate(("renamed", "deleted")):
            said = {"method": f"gateway_device_{method}", "params": params}
            link.hear(f"{CALL}{number}", said)
        await link.until(lambda: link.on(f"{ANSWER}1"))
    assert set(desk.service.presence.present) == {NAME}


async def test_a_device_that_is_deleted_on_the_server_is_not_made_again(desk):
    async with desk.session() as link:
        await link.until(lambda: link.on("v1/gateway/attributes"))
        link.hear(f"{CALL}1", {"method": "gateway_device_deleted", "params": NAME})
        await link.until(lambda: link.on(f"{ANSWER}1"))
        desk.jobs.tell(NAME)
        desk.boards.plug(board())
        await link.until(lambda: any(each[-1]["values"]["boards"] == 0 for each in link.on(OWN)))
        assert told(link) == []
    assert len(link.on("v1/gateway/connect")) == 1


async def test_a_session_of_a_device_that_the_server_ends_begins_anew(desk):
    async with desk.session() as link:
        await link.until(lambda: link.on("v1/gateway/connect"))
        link.hear("v1/gateway/disconnect", {"device": NAME, "reason": "x"})
        await link.until(lambda: len(link.on("v1/gateway/connect")) == 2)


async def test_a_session_that_is_over_says_so(desk):
    link = HereLink()
    link.down = True
    with pytest.raises(Unreachable):
        await desk.service.serve(link, None)
    async with desk.session() as link:
        await link.until(lambda: link.on("v1/gateway/connect"))
