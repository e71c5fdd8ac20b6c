"""The whole way of a board into the simulated nRF Cloud, and the account before it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from agent.clouds.nrf.cloud import NrfCloud
from agent.errors import InputError, NotSignedIn, NrfKeyRefused, NrfRoleTooLow, Unreachable
from agent.protocols.nrf.commands import cloud_access_key
from agent.simulator.nrf_cloud_faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clouds.accounts import AccountStore
    from agent.simulator.nrf_cloud import SimulatedNrfCloud
    from tests.clouds.manual_clock import ManualClock
    from tests.clouds.nrf.modem import Modem


async def test_a_board_is_claimed_onboarded_and_gets_new_keys_over_the_air(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    assert await nrf.ensure_rule() == "made"
    outcome = await nrf.claim(modem.token)
    assert (outcome.before, outcome.device.id) == (False, modem.id)
    assert await nrf.record(modem.id) is None
    done = service.state.come_online(modem.id, modem)
    assert [command.status for command in done] == ["SUCCEEDED"] * 3
    assert modem.stored[16842753, 0].count("BEGIN CERTIFICATE") == 2
    record = await nrf.wait_for_record(modem.id)
    assert record.id == modem.id
    await nrf.rename(modem.id, "Pump 3")
    assert service.state.devices[modem.id].name == "Pump 3"

    asked: list[int] = []

    def shadow(desired: dict[str, list[int]]) -> None:
        asked.append(desired["command"][1])
        service.state.come_online(modem.id, modem)

    service.state.shadow_listeners[modem.id] = shadow
    queued = await nrf.queue(modem.id, [cloud_access_key()])
    number = await nrf.trigger(modem.id)
    assert asked == [number]
    said: list[str] = []
    (state,) = await nrf.follow(modem.id, queued, said.append)
    assert state.status == "SUCCEEDED"
    assert said == ["cloudAccessKeyGeneration: SUCCEEDED"]
    assert service.state.come_online(modem.id, modem) == []


async def test_neither_key_nor_token_is_in_any_log(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    token = modem.token
    await nrf.claim(token)
    await nrf.claim_many([token])
    service.faults.add(Fault("status", "claim", status=500, text=token.text.reveal()))
    service.faults.add(Fault("status", "claim", status=400, text=token.text.reveal()))
    assert (await nrf.claim(token)).before
    assert "claimed-devices" in caplog.text
    for secret in (service.key.secret.reveal(), token.text.reveal()):
        assert secret not in caplog.text
        assert secret not in repr(await nrf.info())


async def test_the_key_is_checked_before_it_is_kept(
    connect: Callable[..., NrfCloud], service: SimulatedNrfCloud, store: AccountStore
):
    client = connect()
    with pytest.raises(NotSignedIn):
        await client.all_claimed()
    with pytest.raises(NrfKeyRefused) as refused:
        await client.login({"api_key": "MARKER-wrong"})
    assert "MARKER" not in repr(refused.value.report())
    assert await store.get("nrf") is None
    service.faults.add(Fault("close", times=None))
    with pytest.raises(Unreachable):
        await client.login({"api_key": service.key.secret})
    service.faults.clear()
    assert not (await client.info()).signed_in
    await client.login({"api_key": service.key.secret})
    assert (await connect().info()).account == {"team": "team-1"}
    assert service.record.count("account", 200) == 1
    await client.logout()
    assert not (await connect().info()).signed_in


async def test_a_viewer_may_look_and_nothing_else(
    connect: Callable[..., NrfCloud], service: SimulatedNrfCloud, modem: Modem
):
    viewer = connect()
    await viewer.login({"api_key": service.state.add_key(role="viewer").secret})
    assert await viewer.all_claimed() == []
    with pytest.raises(NrfRoleTooLow) as refused:
        await viewer.claim(modem.token)
    assert refused.value.report().title == (
        "The role of this API key may not claim boards in nRF Cloud."
    )


async def test_a_key_that_is_replaced_is_told_at_the_next_call(
    nrf: NrfCloud, service: SimulatedNrfCloud
):
    service.state.keys.clear()
    with pytest.raises(NrfKeyRefused):
        await nrf.all_claimed()


def test_an_address_that_is_not_safe_is_refused(store: AccountStore):
    with pytest.raises(InputError):
        NrfCloud(accounts=store, provisioning_url="http://api.provisioning.nrfcloud.com")


async def test_requests_stay_below_five_a_second_however_many_are_asked(
    nrf: NrfCloud, service: SimulatedNrfCloud, clock: ManualClock
):
    await clock.sleep(10)
    begin = clock.now
    service.around.rate_per_s = 8
    for _ in range(40):
        await nrf.all_claimed()
    assert service.record.count("claimed", 200) == 40
    assert 40 / (clock.now - begin) < 5
