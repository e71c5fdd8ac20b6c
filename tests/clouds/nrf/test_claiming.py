"""Claims: every refusal with its meaning, and lost answers that the list decides."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent.clouds.http import Limits
from agent.errors import (
    CloudAnswer,
    CloudError,
    InputError,
    NrfChipUnknown,
    NrfClaimRefused,
    NrfClaimUnsure,
    NrfOwnedElsewhere,
    NrfTokenRefused,
    Unreachable,
)
from agent.protocols.nrf.bodies import ONBOARDING_TAG
from agent.protocols.nrf.token import parse_token
from agent.simulator.nrf_cloud_faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clouds.nrf.cloud import NrfCloud
    from agent.simulator.nrf_cloud import SimulatedNrfCloud
    from tests.clouds.nrf.modem import Modem


def told(error: CloudError, token: str) -> str:
    """All that a person is told, in which nothing of the token may be."""
    report = error.report()
    text = f"{report.title} {report.meaning} {report.remedy} {report.facts}"
    assert token not in text
    assert token.partition(".")[0] not in text
    return text


async def refused(nrf: NrfCloud, modem: Modem, kind: type[CloudError]) -> str:
    token = modem.token
    with pytest.raises(kind) as caught:
        await nrf.claim(token)
    return told(caught.value, token.text.reveal())


async def test_a_board_that_the_team_has_already_is_done_and_keeps_its_tags(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    await nrf.claim(modem.token, ["site=1"])
    for status in (409, 400, 422):
        service.state.owned_status = status
        outcome = await nrf.claim(modem.token)
        assert outcome.before
        assert outcome.device.tags == ("site=1",)
        assert outcome.missing_tags == (ONBOARDING_TAG,)
    assert service.record.count("unclaim") == 0


async def test_a_board_of_another_team_is_told_and_stays_theirs(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    service.state.claim("others", modem.identity.attest(), (), dry=False)
    for status in (409, 400, 422):
        service.state.owned_status = status
        text = await refused(nrf, modem, NrfOwnedElsewhere)
        assert modem.id in text
        assert "release" in text
    assert service.state.claims[modem.id].team == "others"
    assert service.record.count("unclaim") == 0


async def test_a_token_that_was_changed_on_its_way_is_told(nrf: NrfCloud, modem: Modem):
    whole = modem.identity.attest()
    forged = whole[:-4] + ("AAAA" if whole[-4:] != "AAAA" else "BBBB")
    with pytest.raises(NrfTokenRefused) as caught:
        await nrf.claim(parse_token(forged))
    assert "signature" in told(caught.value, forged)


async def test_a_token_without_signature_is_refused_before_it_is_sent(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    unsigned = parse_token(modem.identity.attest().partition(".")[0], unsigned=True)
    with pytest.raises(NrfTokenRefused):
        await nrf.claim(unsigned)
    with pytest.raises(InputError):
        await nrf.claim(replace(modem.token), ["a,b"])
    assert service.record.count("claim") == 0


async def test_a_chip_that_the_service_does_not_know_is_told(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    service.state.strangers.add(modem.id)
    assert "engineering sample" in await refused(nrf, modem, NrfChipUnknown)


async def test_a_refusal_in_between_and_one_without_a_meaning_are_told(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    service.faults.add(Fault("status", "claim", status=418, text="No tea"))
    assert "No tea" in await refused(nrf, modem, NrfClaimRefused)
    service.faults.add(Fault("slow", "claim"))
    service.faults.add(Fault("status", "claim", status=409, text="taken a moment ago"))
    assert "a moment ago" in await refused(nrf, modem, NrfOwnedElsewhere)


@pytest.mark.parametrize("act", ["lose", "text"])
async def test_after_a_lost_answer_the_list_tells_that_it_was_claimed(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem, act
):
    service.faults.add(Fault("slow", "claim"))
    service.faults.add(Fault(act, "claim"))
    outcome = await nrf.claim(modem.token)
    assert not outcome.before
    assert service.record.count("claim") == 2


async def test_an_answer_that_is_too_long_is_a_lost_one(
    connect: Callable[..., NrfCloud], service: SimulatedNrfCloud, modem: Modem
):
    client = connect(Limits(body=2000))
    await client.login({"api_key": service.key.secret})
    service.faults.add(Fault("slow", "claim"))
    service.faults.add(Fault("text", "claim", text="x" * 2001))
    assert not (await client.claim(modem.token)).before


async def test_after_a_lost_answer_the_list_tells_that_it_was_not(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    service.faults.add(Fault("slow", "claim"))
    service.faults.add(Fault("close", "claim"))
    await refused(nrf, modem, Unreachable)
    assert modem.id not in service.state.claims
    assert not (await nrf.claim(modem.token)).before


async def test_if_the_list_is_lost_too_nobody_claims_to_know(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    service.faults.add(Fault("slow", "claim"))
    service.faults.add(Fault("lose", "claim"))
    service.faults.add(Fault("close", "claimed", times=None))
    token = modem.token
    with pytest.raises(NrfClaimUnsure) as caught:
        await nrf.claim(token)
    assert caught.value.facts["maybe_done"] is True
    told(caught.value, token.text.reveal())
    service.faults.clear()
    assert (await nrf.claim(modem.token)).before


async def test_a_fault_of_the_service_is_tried_three_times_with_a_look_in_between(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    service.faults.add(Fault("slow", "claim"))
    service.faults.add(Fault("status", "claim", times=2, status=502))
    await nrf.claim(modem.token)
    assert service.record.count("claim") == 4
    assert service.record.count("claimed", 404) == 2


async def test_a_rule_is_made_once_and_found_afterwards(nrf: NrfCloud, service: SimulatedNrfCloud):
    assert await nrf.ensure_rule() == "made"
    assert await nrf.ensure_rule() == "there"
    (rule,) = service.state.rules["team-1"]
    assert rule["tags"] == [ONBOARDING_TAG]
    rule["active"] = False
    assert await nrf.ensure_rule() == "inactive"
    assert len(service.state.tags["team-1"]) == 1


async def test_a_rule_and_a_tag_that_exist_meanwhile_are_no_failure(
    nrf: NrfCloud, service: SimulatedNrfCloud
):
    service.faults.add(Fault("status", "tag", status=409))
    service.faults.add(Fault("slow", "rule"))
    service.faults.add(Fault("status", "rule", status=409))
    assert await nrf.ensure_rule() == "made"


@pytest.mark.parametrize("operation", ["tag", "rule"])
async def test_a_rule_whose_answer_is_lost_is_looked_for(
    nrf: NrfCloud, service: SimulatedNrfCloud, operation
):
    if operation == "rule":
        service.faults.add(Fault("slow", "rule"))
    service.faults.add(Fault("lose", operation))
    assert await nrf.ensure_rule() == "made"
    assert len(service.state.rules["team-1"]) == 1


async def test_a_rule_that_is_refused_or_was_not_made_is_told(
    nrf: NrfCloud, service: SimulatedNrfCloud
):
    service.faults.add(Fault("slow", "rule"))
    service.faults.add(Fault("close", "rule"))
    with pytest.raises(Unreachable):
        await nrf.ensure_rule()
    service.faults.add(Fault("status", "tag", status=400, text="bad tag"))
    with pytest.raises(CloudAnswer) as caught:
        await nrf.ensure_rule()
    assert "bad tag" in caught.value.report().meaning


async def test_many_boards_at_once_make_one_rule(nrf: NrfCloud, service: SimulatedNrfCloud):
    looks = await asyncio.gather(*(nrf.ensure_rule() for _ in range(4)))
    assert sorted(looks) == ["made", "there", "there", "there"]
    assert [service.record.count("rule", status) for status in (201, 409)] == [1, 0]


async def test_whether_a_rule_has_one_of_the_tags_is_seen(
    nrf: NrfCloud, service: SimulatedNrfCloud
) -> None:
    assert not await nrf.has_rule(["nrf-cloud-onboarding"])
    await nrf.ensure_rule()
    assert await nrf.has_rule(["a", "nrf-cloud-onboarding"])
    assert not await nrf.has_rule(["a"])
    assert not await nrf.has_rule([])
    (rule,) = service.state.rules["team-1"]
    rule["active"] = False
    assert not await nrf.has_rule(["nrf-cloud-onboarding"])
