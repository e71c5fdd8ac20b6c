"""Commands: queued once, followed to the end, and every refusal with its meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.errors import (
    CloudAnswer,
    NrfCommandFailed,
    NrfCommandGone,
    NrfCommandRefused,
    NrfCommandUnsure,
    NrfCommandWaiting,
    NrfQueueFull,
    NrfUnclaimed,
    Unreachable,
)
from agent.protocols.nrf import commands as wire
from agent.protocols.nrf.commands import Command, Credential
from agent.settings import Secret
from agent.simulator.nrf_cloud_faults import Fault

if TYPE_CHECKING:
    from agent.clouds.nrf.cloud import NrfCloud
    from agent.simulator.nrf_cloud import SimulatedNrfCloud
    from tests.clouds.manual_clock import ManualClock
    from tests.clouds.nrf.modem import Modem

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEY = Secret("-----BEGIN PRIVATE KEY-----\nMARKER\n-----END PRIVATE KEY-----\n")


@pytest.fixture(autouse=True)
async def claimed(nrf: NrfCloud, modem: Modem) -> None:
    await nrf.claim(modem.token, ())


async def test_every_command_reaches_the_modem_and_its_end_is_seen(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    wanted = [
        wire.cloud_access_key(),
        wire.client_private_key(1),
        wire.signing_request("CN=device,O=us", 2),
        wire.client_certificate(PEM, 2),
        wire.server_certificate(PEM, 2),
        wire.client_key(KEY, 3),
        wire.pre_shared_key("me", Secret("00ff"), 4),
        wire.configuration({"interval": "60"}),
        wire.deletion(Credential.CLIENT_KEY, 1),
        wire.deletion(Credential.ROOT_CA, 9),
        wire.finished(),
    ]
    queued = await nrf.queue(modem.id, wanted)
    service.state.come_online(modem.id, modem)
    states = await nrf.follow(modem.id, queued)
    assert {state.status for state in states} == {"SUCCEEDED"}
    assert [state.name for state in states] == [command.name for command in wanted]
    assert wire.signing_request_of(states[2].response)
    assert modem.finished
    assert modem.settings == {"interval": "60"}
    assert (modem.stored[4, 3], modem.stored[4, 4]) == ("00ff", "me")
    assert (1, 2) not in modem.stored
    assert [s.id for s in await nrf.all_commands(modem.id)] == [s.id for s in queued]


async def test_a_board_that_asks_late_is_waited_for_in_steps(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem, clock: ManualClock
):
    queued = await nrf.queue(modem.id, [wire.cloud_access_key()])
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if text.endswith("PENDING"):
            service.state.start(service.state.claims[modem.id].commands[0])
        else:
            service.state.come_online(modem.id, modem)

    clock.slept.clear()
    await nrf.follow(modem.id, queued, say)
    assert [text.partition(": ")[2] for text in said] == ["PENDING", "IN_PROGRESS", "SUCCEEDED"]
    assert [wait for wait in clock.slept if wait >= 2] == [2, 3]


async def test_a_board_that_never_asks_is_given_up_after_ten_minutes(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem, clock: ManualClock
):
    queued = await nrf.queue(modem.id, [wire.cloud_access_key()])
    begin = clock.now
    with pytest.raises(NrfCommandWaiting) as caught:
        await nrf.follow(modem.id, queued)
    assert 600 <= clock.now - begin < 660
    assert "SIM" in caught.value.report().remedy
    assert len(service.state.claims[modem.id].commands) == 1


async def test_a_command_that_failed_is_told_with_the_modem_s_words_and_stops_the_rest(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    queued = await nrf.queue(modem.id, [wire.cloud_access_key(), wire.finished()])
    modem.fails_with = 515
    service.state.come_online(modem.id, modem)
    with pytest.raises(NrfCommandFailed) as caught:
        await nrf.follow(modem.id, queued)
    report = caught.value.report()
    assert "515" in report.meaning
    assert report.facts["name"] == "cloudAccessKeyGeneration"
    assert [c.status for c in service.state.claims[modem.id].commands] == ["FAILED", "PENDING"]
    assert service.state.come_online(modem.id, modem) == []


async def test_an_unknown_status_is_shown_and_taken_for_a_failure(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    queued = await nrf.queue(modem.id, [wire.cloud_access_key()])
    service.state.claims[modem.id].commands[0].status = "EXPIRED"
    with pytest.raises(NrfCommandFailed) as caught:
        await nrf.follow(modem.id, queued)
    assert "EXPIRED" in caught.value.report().title


async def test_a_command_that_was_discarded_meanwhile_is_told(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    queued = await nrf.queue(modem.id, [wire.cloud_access_key()])
    service.state.claims[modem.id].commands.clear()
    with pytest.raises(NrfCommandGone):
        await nrf.follow(modem.id, queued)


async def test_a_board_that_is_not_claimed_gets_no_commands(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    service.state.claims.clear()
    with pytest.raises(NrfUnclaimed):
        await nrf.queue(modem.id, [wire.cloud_access_key()])
    with pytest.raises(NrfUnclaimed):
        await nrf.all_commands(modem.id)


@pytest.mark.parametrize("listed", [True, False])
async def test_the_twenty_first_command_is_told_as_such(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem, listed: bool
):
    await nrf.queue(modem.id, [wire.cloud_access_key()] * 20)
    if not listed:
        service.faults.add(Fault("status", "command", times=None, status=405))
    with pytest.raises(NrfQueueFull) as caught:
        await nrf.queue(modem.id, [wire.cloud_access_key()])
    assert "20" in caught.value.report().title


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_command_that_is_not_taken_is_told_without_its_key(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem, status: int
):
    quoted = f"not good: {KEY.reveal()}"
    service.faults.add(Fault("status", "queue", status=status, text=quoted))
    with pytest.raises(NrfCommandRefused) as caught:
        await nrf.queue(modem.id, [wire.client_key(KEY)])
    assert "MARKER" not in repr(caught.value.report())
    assert "not good" in caught.value.report().meaning


async def test_the_service_itself_refuses_what_is_too_large_or_unknown(nrf: NrfCloud, modem: Modem):
    long = {"secTag": 1, "content": PEM * 100}
    for command in (Command("serverCertificate", long), Command("tea", {"secTag": 1})):
        with pytest.raises(NrfCommandRefused):
            await nrf.queue(modem.id, [command])


async def test_a_status_without_a_meaning_is_told(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    service.faults.add(Fault("status", "queue", status=418))
    with pytest.raises(CloudAnswer):
        await nrf.queue(modem.id, [wire.finished()])


@pytest.mark.parametrize("act", ["lose", "text"])
async def test_after_a_lost_answer_the_list_tells_that_it_was_queued_and_no_second_is(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem, act
):
    await nrf.queue(modem.id, [wire.cloud_access_key()])
    service.faults.add(Fault(act, "queue"))
    (state,) = await nrf.queue(modem.id, [wire.cloud_access_key()])
    present = service.state.claims[modem.id].commands
    assert [command.id for command in present][1:] == [state.id]


async def test_after_a_lost_answer_the_list_tells_that_it_was_not_queued(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    service.faults.add(Fault("close", "queue"))
    with pytest.raises(Unreachable):
        await nrf.queue(modem.id, [wire.cloud_access_key()])


async def test_if_the_list_is_lost_too_nobody_claims_to_know(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    service.faults.add(Fault("lose", "queue"))
    service.faults.add(Fault("status", "command", times=None, status=405))
    with pytest.raises(NrfCommandUnsure) as caught:
        await nrf.queue(modem.id, [wire.cloud_access_key()])
    assert caught.value.facts["maybe_done"] is True


async def test_what_an_earlier_time_left_waiting_is_taken_and_anything_else_is_queued(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    key, other = wire.cloud_access_key(), wire.cloud_access_key(7)
    (left,) = await nrf.queue(modem.id, [key])
    states = await nrf.queue(modem.id, [key, other, key], await nrf.left_before(modem.id))
    present = [command.id for command in service.state.claims[modem.id].commands]
    assert [state.id for state in states] == present
    assert states[0].id == left.id
    service.state.come_online(modem.id, modem)
    assert await nrf.left_before(modem.id) == []


async def test_a_command_of_somebody_else_is_no_reason_not_to_queue_one(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    await nrf.queue(modem.id, [wire.cloud_access_key()])
    service.state.claims[modem.id].commands[0].description = "New cloud access key"
    assert await nrf.left_before(modem.id) == []
    service.faults.add(Fault("status", "command", status=405))
    assert await nrf.left_before(modem.id) == [], "the list is not documented"


async def test_the_number_of_a_modem_is_told_in_words(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    queued = await nrf.queue(modem.id, [wire.cloud_access_key()])
    modem.fails_with = 523
    service.state.come_online(modem.id, modem)
    with pytest.raises(NrfCommandFailed) as caught:
        await nrf.follow(modem.id, queued)
    assert "523 (it could not make a key)." in caught.value.report().meaning
