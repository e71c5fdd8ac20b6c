"""Whole jobs: simulated boards of each kind of firmware at the simulated nRF Cloud."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from agent.jobs.job import JobState
from agent.jobs.nrf import words
from agent.simulator.nrf_cloud_faults import Fault
from agent.simulator.nrf_orders import NoOrders
from tests.jobs.nrf.nrf_bench import leaks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.jobs.job import Job
    from agent.simulator.nrf_board import SimulatedNrfBoard
    from agent.simulator.nrf_orders import Order, Result
    from tests.jobs.nrf.nrf_bench import NrfBench

MARKER = "c0ffee5ec2e7c0ffee5ec2e7"
BOARDS = [("thingy91x", "tracker"), ("thingy91", "tracker-old"), ("nrf9151_dk", "sample")]


def result(job: Job) -> dict[str, Any]:
    assert job.state is JobState.DONE, job.error
    return job.result or {}


async def provisioned(desk: NrfBench, **request: Any) -> Job:
    return await desk.ended(await desk.begin(**request))


@pytest.mark.parametrize(("model", "firmware"), BOARDS)
async def test_a_board_is_claimed_provisioned_and_seen(
    desk: NrfBench, model: str, firmware: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    plugged = await desk.plug(model=model, firmware=firmware)
    await desk.start_agent()
    ended = await provisioned(desk, name="kitchen", attended=False)
    assert [step.id for step in ended.steps] == ["read", "claim", "provision", "online"]
    told = result(ended)
    device_id = str(plugged.identity.device_id)
    assert (told["device"], told["device_id"]) == ("kitchen", device_id)
    assert (told["claimed"], told["rule"]) == ("now", "made")
    # Whoever says it first.
    assert told["connected"] in {"board", "cloud"}
    assert {each["status"] for each in told["commands"]} == {"SUCCEEDED"}
    assert desk.cloud.state.devices[device_id].name == "kitchen"
    board = desk.board
    assert (board.name, board.provisioning.installed) == ("kitchen", "nrf")
    # Debug probes of this maker are on several boards.
    assert (board.provisioning.supported == ["nrf"]) == (model != "nrf9151_dk")
    assert (model in board.candidates) == (model == "nrf9151_dk")
    await desk.stop_agent()
    assert leaks(desk, plugged, caplog.text) == []


async def test_the_second_time_it_is_done_as_it_is(desk: NrfBench) -> None:
    await desk.plug()
    await desk.start_agent()
    assert result(await provisioned(desk))["claimed"] == "now"
    told = result(await provisioned(desk, attended=False))
    assert (told["claimed"], told["rule"], told["said_by"]) == ("before", "there", "")
    assert len(told["commands"]) == 3


async def test_a_board_that_is_elsewhere_is_claimed_by_its_token(desk: NrfBench) -> None:
    away = await desk.plug(announced=False)
    await desk.start_agent()
    token = away.identity.attest()
    job = await desk.begin(board="", token=token, name="shed")
    await desk.until(job, lambda now: now.steps[-1].state.value == "running")
    away.press_button()
    told = result(await desk.ended(job))
    assert (told["device"], told["connected"]) == ("shed", "cloud")
    await desk.stop_agent()
    assert leaks(desk, away, token) == [token]


async def test_new_keys_are_made_over_the_cable_and_over_the_air(
    desk: NrfBench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    plugged = await desk.plug()
    await desk.start_agent()
    device_id = result(await provisioned(desk))["device_id"]
    told = result(await provisioned(desk, kind="renew", attended=False))
    assert (told["told"], told["device_id"]) == ("cable", device_id)
    wanted = [
        {"clientPrivateKeyGeneration": {"secTag": 42}},
        {"psk": {"secTag": 43, "identity": "me", "secret": MARKER}},
    ]
    job = await desk.begin("renew", board="", name=device_id, commands=wanted)
    told = result(await desk.ended(job))
    assert (told["told"], [each["status"] for each in told["commands"]]) == (
        "air",
        ["SUCCEEDED", "SUCCEEDED"],
    )
    assert {(42, 2), (43, 3)} <= set(plugged.modem.store)
    await desk.stop_agent()
    assert leaks(desk, plugged, caplog.text, marker=MARKER) == []


async def test_a_command_that_failed_is_queued_once_more_or_deleted_first(desk: NrfBench) -> None:
    plugged = await desk.plug()
    await desk.start_agent()
    plugged.modem.refuse["%KEYGEN"] = 523
    job = await desk.begin(name="kitchen")
    asked = await desk.asks(job)
    assert asked.question
    assert asked.question.error
    assert asked.question.error.code == "nrf-cloud-command-failed"
    plugged.modem.refuse.clear()
    await desk.jobs.answer(job, {"action": "overwrite"})
    told = result(await desk.ended(job))
    assert {each["status"] for each in told["commands"]} == {"SUCCEEDED"}

    told = result(await provisioned(desk, kind="renew", board="", name="KITCHEN", attended=False))
    assert (told["device"], told["told"]) == ("kitchen", "air")
    plugged.modem.refuse["%KEYGEN"] = 523
    ended = await provisioned(desk, kind="renew", attended=False)
    assert ended.error
    assert ended.error.facts["cause_code"] == "nrf-cloud-command-failed"
    plugged.modem.refuse.clear()
    ended = await provisioned(desk, kind="renew", attended=False)
    assert ended.error
    assert ended.error.code == "nrf-cloud-blocked"
    job = await desk.begin("renew")
    await desk.asks(job)
    await desk.jobs.answer(job, {"action": "delete"})
    assert result(await desk.ended(job))["told"] == "cable"
    (claim,) = desk.cloud.state.claims.values()
    assert {each.status for each in claim.commands} == {"SUCCEEDED"}


async def test_a_board_is_given_up_once_a_person_saw_what_is_lost(desk: NrfBench) -> None:
    await desk.plug()
    await desk.start_agent()
    device_id = result(await provisioned(desk, name="kitchen"))["device_id"]
    job = await desk.begin("remove")
    asked = await desk.asks(job)
    assert asked.question
    assert any("kitchen" in each.what for each in asked.question.fates)
    await desk.jobs.answer(job, {"action": "continue"})
    assert result(await desk.ended(job))["device_id"] == device_id
    assert not desk.cloud.state.claims
    assert desk.board.provisioning.installed is None


async def test_a_board_is_identified_with_what_the_team_knows(desk: NrfBench) -> None:
    plugged = await desk.plug()
    await desk.start_agent()
    told = result(await provisioned(desk, kind="identify", cloud=None))
    found = told["modem"]
    assert (found["device_id"], found["claimed"]) == (str(plugged.identity.device_id), False)
    await provisioned(desk)
    told = result(await provisioned(desk, kind="identify", cloud=None))
    assert told["modem"]["claimed"] is True


async def test_a_board_that_cannot_be_told_is_seen_once_its_button_is_pressed(
    desk: NrfBench,
) -> None:
    plugged = await desk.plug(firmware="at")
    await desk.start_agent()
    job = await desk.begin()
    await desk.until(job, lambda now: now.steps[2].message == words.BY_ITSELF)
    plugged.press_button()
    ended = await desk.ended(job)
    assert ended.state is JobState.DONE, ended.error
    assert (ended.result or {})["said_by"]


async def test_a_token_that_is_printed_at_the_start_is_caught(desk: NrfBench) -> None:
    plugged = await desk.plug()
    plugged.program.commands = ("kernel",)
    await desk.start_agent()
    job = await desk.begin()
    await desk.asks(job)
    await desk.jobs.answer(job, {"action": "continue"})
    await desk.until(job, lambda now: "Restart the board" in now.steps[0].message)
    plugged.press_reset()
    await desk.until(job, lambda now: now.steps[2].message == words.BY_ITSELF)
    plugged.press_button()
    assert result(await desk.ended(job))["claimed"] == "now"


async def test_a_board_that_is_unplugged_goes_on_when_it_is_back(desk: NrfBench) -> None:
    plugged = await desk.plug()
    await desk.start_agent()
    service, plugged.program.service = plugged.program.service, Silent()
    job = await desk.begin()
    await desk.until(job, lambda now: now.steps[2].state.value == "running")
    plugged.unplug()
    await desk.until(job, lambda now: now.steps[2].message == words.GONE)
    plugged.program.service = service
    await plugged.plug()
    assert result(await desk.ended(job))["connected"] == "cloud"


async def test_a_board_that_restarts_meanwhile_goes_on_by_itself(desk: NrfBench) -> None:
    plugged = await desk.plug()
    await desk.start_agent()
    service, plugged.program.service = plugged.program.service, Silent()
    job = await desk.begin()
    await desk.until(job, lambda now: now.steps[2].state.value == "running")
    plugged.program.service = service
    plugged.press_reset()
    assert result(await desk.ended(job))["connected"]


async def test_what_was_cancelled_goes_on_from_there(desk: NrfBench) -> None:
    plugged = await desk.plug()
    await desk.start_agent()
    service, plugged.program.service = plugged.program.service, Silent()
    job = await desk.begin()
    await desk.until(job, lambda now: now.steps[2].state.value == "running")
    await desk.jobs.cancel(job)
    ended = await desk.ended(job)
    assert ended.error
    assert (ended.state, ended.error.code) == (JobState.CANCELLED, "nrf-unfinished")
    plugged.program.service = service
    plugged.press_reset()
    assert result(await provisioned(desk))["claimed"] == "before"


class Silent(NoOrders):
    """A service that does not answer."""

    def __init__(self) -> None:
        super().__init__(claimed=True)

    async def fetch(self, token: str) -> Sequence[Order] | None:
        assert token
        await asyncio.Event().wait()
        return None

    async def respond(self, token: str, results: Sequence[Result]) -> None:
        raise AssertionError(token, results)


def stranger(desk: NrfBench, plugged: SimulatedNrfBoard) -> None:
    desk.cloud.state.strangers.add(str(plugged.identity.device_id))


def another_team(desk: NrfBench, plugged: SimulatedNrfBoard) -> None:
    desk.cloud.state.claim("team-2", plugged.identity.attest(), (), dry=False)


def status(number: int) -> Callable[..., None]:
    def refuse(desk: NrfBench, plugged: SimulatedNrfBoard) -> None:
        del plugged
        desk.cloud.faults.add(Fault("status", "claim", times=None, status=number))

    return refuse


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (status(401), "nrf-cloud-key"),
        (status(403), "nrf-cloud-role"),
        (stranger, "nrf-cloud-chip"),
        (another_team, "nrf-cloud-owned"),
        (status(422), "nrf-cloud-token"),
        (status(429), "cloud-quota"),
        (status(500), "cloud-fault"),
    ],
)
async def test_a_claim_that_is_refused_ends_the_job(
    desk: NrfBench, spoil: Callable[..., None], code: str
) -> None:
    plugged = await desk.plug()
    await desk.start_agent()
    spoil(desk, plugged)
    ended = await provisioned(desk)
    assert ended.error
    assert (ended.state, ended.error.code) == (JobState.FAILED, code)
    assert [step.state.value for step in ended.steps] == ["done", "failed", "skipped", "skipped"]


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"modem": False}, "nrf-modem-off"),
        ({"cut_columns": 80}, "nrf-token"),
        ({"stale_nonce": True}, "nrf-token-stale"),
        ({"refuse": {"%ATTESTTOKEN": 0}}, "nrf-refused"),
    ],
    ids=str,
)
async def test_a_board_that_cannot_be_read_is_not_claimed(
    desk: NrfBench, config: dict[str, Any], code: str
) -> None:
    await desk.plug(**config)
    await desk.start_agent()
    ended = await provisioned(desk)
    assert ended.error
    assert ended.error.code == code
    assert not desk.cloud.state.claims


async def test_a_board_without_sim_card_is_claimed_and_asked_about(desk: NrfBench) -> None:
    await desk.plug(sim=False)
    await desk.start_agent()
    job = await desk.begin()
    asked = await desk.asks(job)
    assert asked.question
    assert asked.question.safe == "It is claimed by your team, and stays so."
    await desk.jobs.answer(job, {"action": "stop"})
    ended = await desk.ended(job)
    assert ended.error
    assert ended.error.facts["cause_code"] == "nrf-provisioning"


async def test_the_end_of_the_agent_tells_what_stays(desk: NrfBench) -> None:
    await desk.plug(firmware="at")
    await desk.start_agent()
    job = await desk.begin()
    await desk.until(job, lambda now: now.steps[2].message == words.BY_ITSELF)
    await desk.stop_agent()
    await desk.start_agent()
    ended = await desk.jobs.get(job)
    assert ended.state is JobState.INTERRUPTED
    assert ended.error
    assert "claimed by your team" in ended.error.meaning
