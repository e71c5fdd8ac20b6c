"""What the service refuses before anything is sent, and how it treats those who use it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import (
    AgentGone,
    InputError,
    JobNotAsking,
    JournalFailed,
    NotSignedIn,
    NotSupported,
    Paused,
    RateExceeded,
    UnknownBoard,
    UnknownJob,
)
from agent.jobs.facts import INTENT
from agent.jobs.job import JobState
from agent.settings import Secret
from tests.jobs.bench import PASSWORD

if TYPE_CHECKING:
    from tests.jobs.bench import Bench

HOME = {"kind": "wifi", "ssid": "HomeNet", "password": PASSWORD}
WRONG = {"kind": "wifi", "ssid": "HomeNet", "password": "not the password"}


def wifi(**fields: Any) -> dict[str, Any]:
    return {"kind": "wifi", **fields}


async def test_a_pause_waits_for_the_job_that_runs_and_lets_none_begin(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    job = await bench.jobs.start({"kind": "identify", "board": bench.board.id}, attended=False)
    await bench.boards.pause.begin()
    assert bench.boards.pause.state.waiting == 1
    with pytest.raises(Paused):
        await bench.jobs.start({"kind": "identify", "board": bench.board.id}, attended=False)
    assert (await bench.jobs.wait(job)).state is JobState.DONE
    assert bench.boards.pause.state == (True, 0)
    assert len(await bench.jobs.list(10)) == 1
    bench.boards.pause.end()
    again = await bench.jobs.start({"kind": "identify", "board": bench.board.id}, attended=False)
    assert (await bench.jobs.wait(again)).state is JobState.DONE


# --- requests --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "teleport"}, "kind"),
        ({"kind": 7}, "kind"),
        ({"kind": None}, "kind"),
        ({"board": 3}, "board"),
        ({"extra": 1}, "extra"),
        ({"confirmed": "yes"}, "confirmed"),
        ({"cloud": None}, "cloud"),
        ({"cloud": "nimbus"}, "cloud"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"network": None}, "network"),
        ({"network": "HomeNet"}, "network"),
        ({"network": {"kind": "pigeon"}}, "kind"),
        ({"network": {"ssid": "HomeNet"}}, "kind"),
        ({"network": wifi()}, "ssid"),
        ({"network": wifi(ssid="x" * 33)}, "ssid"),
        ({"network": wifi(ssid="ü" * 17)}, "ssid"),
        ({"network": wifi(ssid="\ud800")}, "ssid"),
        ({"network": wifi(ssid_hex="zz")}, "ssid_hex"),
        ({"network": wifi(ssid="a", password="p" * 64)}, "password"),
        ({"network": wifi(ssid="a", password=7)}, "password"),
        ({"network": wifi(ssid="a", apn="internet")}, "apn"),
        ({"kind": "start"}, "cloud"),
        ({"kind": "identify", "name": None, "network": None}, "cloud"),
    ],
)
async def test_wrong_input_is_refused_with_its_field(
    bench: Bench, change: dict[str, Any], field: str
):
    await bench.plug()
    await bench.start_agent()
    request = {
        "kind": "provision",
        "board": bench.board.id,
        "cloud": "arduino",
        "name": "n",
        "network": HOME,
    }
    with pytest.raises(InputError) as caught:
        await bench.jobs.start(request | change, attended=True)
    assert caught.value.facts["field"] == field
    assert await bench.jobs.list(9) == []
    assert bench.cloud.record.count("claim") == 0
    assert not any(event.step for event in bench.events), "something was sent to the board"
    assert bench.board.holder is None


async def test_a_board_that_is_not_there_is_unknown(bench: Bench):
    await bench.start_agent()
    with pytest.raises(UnknownBoard):
        await bench.jobs.start({"kind": "identify", "board": "nowhere"}, attended=True)


async def test_a_cloud_without_an_account_is_refused(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    await bench.arduino.logout()
    with pytest.raises(NotSignedIn):
        await bench.provision()


async def test_a_kind_of_network_that_the_model_lacks_is_refused(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    with pytest.raises(NotSupported) as caught:
        await bench.provision(network={"kind": "ethernet"})
    assert "Wi-Fi" in caught.value.report().remedy


async def test_a_secret_may_be_given_as_such(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    network = wifi(ssid="HomeNet", password=Secret(PASSWORD))
    job = await bench.jobs.wait(await bench.provision(cloud="none", network=network))
    assert job.state is JobState.DONE
    assert job.request["network"] == {"kind": "wifi", "ssid": "HomeNet"}


# --- answers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({}, "action"),
        ({"action": "explode"}, "action"),
        ({"action": "retry"}, "password"),
        ({"action": "retry", "password": 12}, "password"),
        ({"action": "retry", "password": "p" * 64}, "password"),
        ({"action": "retry", "password": "abc"}, "password"),
        ({"action": "retry", "password": "long enough", "extra": 1}, "extra"),
        ({"action": "network"}, "network"),
        ({"action": "network", "network": wifi(ssid="")}, "ssid"),
    ],
)
async def test_a_wrong_answer_is_refused_and_the_question_stays(
    bench: Bench, answer: dict[str, Any], field: str
):
    await bench.plug()
    await bench.start_agent()
    number = await bench.provision(network=WRONG, cloud="none")
    asking = await bench.asks(number)
    with pytest.raises(InputError) as caught:
        await bench.jobs.answer(number, answer)
    assert caught.value.facts["field"] == field
    assert (await bench.jobs.get(number)).question == asking.question
    await bench.jobs.cancel(number)
    await bench.jobs.wait(number)


async def test_an_answer_to_nothing_is_refused(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    with pytest.raises(UnknownJob):
        await bench.jobs.answer("99", {"action": "retry"})
    number = await bench.provision(network=WRONG, cloud="none")
    asking = await bench.asks(number)
    assert asking.question
    with pytest.raises(JobNotAsking):
        await bench.jobs.answer(number, {"action": "stop"}, asking.question.id + 1)
    await bench.jobs.answer(number, {"action": "stop"})
    await bench.jobs.wait(number)
    with pytest.raises(JobNotAsking):
        await bench.jobs.answer(number, {"action": "stop"})


async def test_only_the_first_of_two_answers_counts(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    number = await bench.provision(network=WRONG, cloud="none")
    asking = await bench.asks(number)
    assert asking.question
    retry = {"action": "retry", "password": PASSWORD}
    await bench.jobs.answer(number, retry, asking.question.id)
    await bench.jobs.answer(number, {"action": "stop"}, asking.question.id)
    assert (await bench.jobs.wait(number)).state is JobState.DONE


async def test_an_answer_is_not_taken_for_that_to_the_question_behind_it(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    number = await bench.provision(network=wifi(ssid="HomeNett", password=PASSWORD))
    asking = await bench.asks(number)
    assert asking.question
    # Both come before the job has looked at the first one, which leads to the same question again.
    other = {"action": "network", "network": wifi(ssid="0ffice", password="s3cret pass")}
    await bench.jobs.answer(number, other, asking.question.id)
    await bench.jobs.answer(number, {"action": "continue"}, asking.question.id)
    again = await bench.until(number, lambda now: now.question and now.question.id == 2)
    assert again.state is JobState.ASKING
    await bench.jobs.cancel(number)
    job = await bench.jobs.wait(number)
    assert "in spite" not in job.steps[1].message


# --- with nobody there -----------------------------------------------------------------------


async def test_with_nobody_there_a_question_takes_its_safest_answer(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    job = await bench.jobs.wait(await bench.provision(network=WRONG, attended=False))
    assert job.state is JobState.FAILED
    assert job.error
    assert job.error.code == "network-join"
    assert bench.open_claims() == []
    assert all(change.state is not JobState.ASKING for change in bench.changes)


async def test_with_nobody_there_erasing_needs_to_be_confirmed(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    request: dict[str, Any] = {"kind": "forget", "board": bench.board.id}
    job = await bench.jobs.wait(await bench.jobs.start(request, attended=False))
    assert job.error
    assert job.error.code == "input"
    request["confirmed"] = True
    job = await bench.jobs.wait(await bench.jobs.start(request, attended=False))
    assert job.state is JobState.DONE


# --- those who follow ------------------------------------------------------------------------


async def test_a_subscriber_that_fails_does_not_disturb_the_others(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    heard: list[str] = []

    def broken(change: object) -> None:
        raise ValueError(PASSWORD)

    bench.jobs.subscribe(broken)
    leave = bench.jobs.subscribe(lambda change: heard.append(change.job))
    await bench.jobs.wait(await bench.provision(cloud="none"))
    assert heard
    heard.clear()
    leave()
    await bench.jobs.wait(await bench.provision(cloud="none"))
    assert heard == []


async def test_each_change_carries_the_whole_job(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    number = await bench.provision(cloud="none")
    await bench.jobs.wait(number)
    assert bench.changes[0].state is JobState.RUNNING
    assert [step.id for step in bench.changes[0].snapshot.steps] == [
        "read",
        "check",
        "settings",
        "join",
    ]
    assert bench.changes[-1].snapshot == await bench.jobs.get(number)


async def test_an_unknown_job_is_an_error(bench: Bench):
    await bench.start_agent()
    for ask in (bench.jobs.get, bench.jobs.wait, bench.jobs.cancel):
        with pytest.raises(UnknownJob):
            await ask("7")


async def test_a_cancel_of_a_job_that_ended_changes_nothing(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    number = await bench.provision(cloud="none")
    job = await bench.jobs.wait(number)
    await bench.jobs.cancel(number)
    assert await bench.jobs.get(number) == job


async def test_a_flood_of_cancels_is_refused_and_the_job_still_ends(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    number = await bench.provision()

    async def flood() -> None:
        for _ in range(300):
            await bench.jobs.cancel(number)

    with pytest.raises(RateExceeded):
        await flood()
    job = await bench.jobs.wait(number)
    assert job.state is JobState.CANCELLED
    assert bench.board.holder is None


async def test_a_job_that_was_about_to_begin_does_not_outlive_the_service(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    starting = asyncio.create_task(bench.provision(cloud="none"))
    # The journal is asked for a number: the job is neither refused nor begun.
    while not bench.jobs._starting:
        await asyncio.sleep(0)
    await bench.jobs.close()
    with pytest.raises(AgentGone):
        await starting
    assert bench.jobs.active == 0
    assert bench.board.holder is None


async def test_no_job_begins_once_the_agent_ends(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    await bench.jobs.close()
    with pytest.raises(AgentGone):
        await bench.provision()


async def test_a_job_runs_on_when_its_caller_leaves(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    number = await bench.provision(cloud="none")
    waiting = asyncio.create_task(bench.jobs.wait(number))
    await asyncio.sleep(0)
    waiting.cancel()
    assert (await bench.jobs.wait(number)).state is JobState.DONE


# --- the journal fails -----------------------------------------------------------------------


class Spoilt:
    """A journal that takes no facts of one kind, or no jobs."""

    def __init__(self, real: Any, kind: str) -> None:
        self._real = real
        self._kind = kind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def record(self, job: str, fact: Any) -> None:
        if fact.kind == self._kind:
            raise JournalFailed(path="j", detail="database or disk is full")
        await self._real.record(job, fact)

    async def save(self, job: Any) -> None:
        if self._kind == "save" and job.steps[0].started_at:
            raise JournalFailed(path="j", detail="database or disk is full")
        await self._real.save(job)


async def test_what_cannot_be_written_down_is_not_claimed(bench: Bench):
    await bench.plug()
    journal: Any = Spoilt(await bench.second_journal(), INTENT)
    await bench.start_agent(journal=journal)
    job = await bench.jobs.wait(await bench.provision())
    assert job.error
    assert job.error.code == "journal"
    assert bench.cloud.record.count("claim") == 0
    await bench.stop_agent()
    await journal.close()


async def test_a_job_goes_on_when_only_its_snapshots_cannot_be_kept(bench: Bench):
    await bench.plug()
    journal: Any = Spoilt(await bench.second_journal(), "save")
    await bench.start_agent(journal=journal)
    number = await bench.provision()
    ended = await bench.until(number, lambda now: now.steps[-1].state.value == "done")
    assert ended.steps[-1].id == "online"
    await bench.stop_agent()
    await journal.close()


async def test_the_agent_starts_although_the_journal_takes_nothing(bench: Bench):
    await bench.plug()
    real = await bench.second_journal()

    class Full(Spoilt):
        async def unsettled(self, *, adopt: bool = False) -> Any:
            raise JournalFailed(path="j", detail="database or disk is full")

    journal: Any = Full(real, INTENT)
    await bench.start_agent(journal=journal)
    assert bench.board.ports
    await bench.stop_agent()
    await real.close()


async def test_a_defect_of_which_the_journal_hears_nothing_is_told_all_the_same(bench: Bench):
    await bench.plug()
    journal: Any = Spoilt(await bench.second_journal(), "save")
    await bench.start_agent(journal=journal)
    number = await bench.provision()

    def defect(*_: Any) -> Any:
        raise ValueError(PASSWORD)

    # An event that a machine cannot deal with, as a defect would be.
    bench.jobs._active[number].runner.post(None, defect)  # type: ignore[arg-type] # on purpose
    await bench.jobs.wait(number)
    told = bench.changes[-1]
    assert told.error
    assert (told.state, told.error.code) == (JobState.FAILED, "internal")
    assert bench.board.holder is None
    await bench.stop_agent()
    await journal.close()


async def test_a_defect_ends_the_job_and_says_nothing_of_what_it_met(
    bench: Bench, caplog: pytest.LogCaptureFixture
):
    await bench.plug()

    async def opener(lease: Any, *, known: bool = False, flashed: bool = False) -> Any:
        raise ValueError(PASSWORD)

    await bench.start_agent(open_board=opener)
    job = await bench.jobs.wait(await bench.provision())
    assert job.error
    assert job.error.code == "internal"
    assert job.error.facts == {"kind": "ValueError"}
    assert "test_service.py" in caplog.text
    assert PASSWORD not in caplog.text
