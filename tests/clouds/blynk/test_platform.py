"""The platform interface against a server that checks everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.errors import (
    BlynkClaimed,
    BlynkForbidden,
    BlynkNotThere,
    BlynkRefused,
    BlynkTokenLost,
    CloudAnswer,
    NotAuthorised,
    QuotaReached,
    Unreachable,
)
from agent.simulator.blynk_cloud_faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clouds.blynk.cloud import Blynk
    from agent.simulator.blynk_cloud import SimulatedBlynkCloud
    from tests.clouds.manual_clock import ManualClock

TEMPLATE = "TMPLdemo00000"


async def test_a_token_becomes_a_device_with_the_boards_first_login(
    blynk: Blynk, server: SimulatedBlynkCloud
) -> None:
    made = await blynk.provision()
    assert await blynk.devices() == []
    assert await server.login(made.token.reveal(), TEMPLATE) == ""
    (device,) = await blynk.devices()
    assert (device.id, device.name, device.template_id) == (made.device_id, "Thermo", TEMPLATE)
    assert device.token == made.token
    assert (await blynk.rename(device.id, "Bench 7")).name == "Bench 7"
    assert await blynk.online(device.id)
    await blynk.clear(device.id)
    await blynk.delete(device.id)
    await blynk.delete(device.id)
    with pytest.raises(BlynkNotThere) as caught:
        await blynk.device(device.id)
    assert "identifier 55 is not found" in str(caught.value.facts["detail"])


async def test_a_new_token_keeps_the_device_and_ends_the_old_one(
    blynk: Blynk, server: SimulatedBlynkCloud
) -> None:
    before = await blynk.provision()
    await server.login(before.token.reveal(), TEMPLATE)
    after = await blynk.reprovision(before.device_id)
    assert after.device_id == before.device_id
    assert after.token != before.token
    assert await server.login(before.token.reveal(), TEMPLATE) == "auth_failed"
    assert not await blynk.connected(after.token)
    assert await server.login(after.token.reveal(), TEMPLATE) == ""
    assert len(await blynk.devices()) == 1


async def test_a_board_is_sent_back_to_its_access_point_if_it_hears_it(
    blynk: Blynk, server: SimulatedBlynkCloud
) -> None:
    heard: list[str] = []

    class Board:
        def cut(self) -> None:
            heard.append("cut")

        def reconfigure(self) -> None:
            heard.append("reconfigure")

    made = await blynk.provision()
    board = Board()
    await server.login(made.token.reveal(), TEMPLATE, board)
    assert await blynk.reconfigure(made.device_id) is True
    server.logout(board)
    assert await blynk.reconfigure(made.device_id) is False
    assert heard == ["reconfigure"]


async def test_a_device_is_created_before_its_board(blynk: Blynk) -> None:
    device = await blynk.create(TEMPLATE, "Bench 7")
    assert (device.name, device.activated) == ("Bench 7", False)
    assert device.token is not None
    assert not await blynk.connected(device.token)
    with pytest.raises(BlynkNotThere, match="create a device"):
        await blynk.create("TMPLother0000", "Bench 8")


async def test_prepared_devices_are_claimed_once_and_given_back(
    blynk: Blynk, server: SimulatedBlynkCloud
) -> None:
    prepared = server.state.prepare(TEMPLATE)
    (listed,) = await blynk.prepared()
    assert (listed.claimed, listed.token.reveal()) == (False, prepared.token)
    code = f"{prepared.token}+101"
    device = await blynk.claim(code)
    assert device.token is not None
    assert device.token.reveal() == prepared.device_token
    with pytest.raises(BlynkClaimed, match="claimed already") as caught:
        await blynk.claim(prepared.token)
    assert prepared.token not in str(caught.value.report())
    await blynk.unclaim(code)
    assert await blynk.devices() == []
    assert (await blynk.claim(code)).id != device.id
    with pytest.raises(BlynkNotThere):
        await blynk.unclaim("sqr_" + "x" * 32)


async def test_long_lists_come_in_pages(blynk: Blynk, server: SimulatedBlynkCloud) -> None:
    for number in range(101):
        server.state.create(TEMPLATE, f"n {number}", 101, 7)
    assert len(await blynk.devices()) == 101
    assert server.record.count("GET /api/v1/organization/devices") == 2


async def test_tokens_are_used_as_long_as_they_live_and_refreshed_once(
    blynk: Blynk, server: SimulatedBlynkCloud, clock: ManualClock
) -> None:
    await blynk.devices()
    assert server.record.count("/oauth2/token") == 1
    clock.now += 301
    await blynk.devices()
    assert server.record.count("/oauth2/token") == 2
    # A refresh whose answer is lost: the account is used, not the token a second time.
    clock.now += 301
    server.faults.add(Fault("lose", "oauth"))
    await blynk.devices()
    assert [seen.outcome for seen in server.record.requests if seen.operation == "oauth"] == [
        *("200", "200", "closed", "200")
    ]


async def test_a_token_that_the_server_forgot_is_replaced(
    blynk: Blynk, server: SimulatedBlynkCloud
) -> None:
    server.clients.forget()
    assert await blynk.devices() == []
    outcomes = [seen.outcome for seen in server.record.requests if seen.operation == "oauth"]
    assert outcomes == ["200", "400", "200"]


async def test_an_account_that_ended_is_told(blynk: Blynk, server: SimulatedBlynkCloud) -> None:
    server.clients.clients.clear()
    server.clients.forget()
    with pytest.raises(NotAuthorised) as caught:
        await blynk.devices()
    assert "password is wrong" in str(caught.value.facts["detail"])


async def test_a_right_that_is_missing_is_named(blynk: Blynk, server: SimulatedBlynkCloud) -> None:
    server.client.permissions.remove("PROVISION_DEVICES")
    with pytest.raises(BlynkForbidden) as caught:
        await blynk.provision()
    report = caught.value.report()
    assert "does not let this OAuth client make a token" in report.title
    assert "PROVISION_DEVICES" in report.remedy
    assert "paste its token" in report.remedy


async def test_a_plan_without_the_interface_is_told(
    blynk: Blynk, server: SimulatedBlynkCloud
) -> None:
    server.platform.plan = False
    with pytest.raises(BlynkForbidden) as caught:
        await blynk.devices()
    assert "not available in your plan" in str(caught.value.facts["detail"])


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, BlynkRefused), (404, BlynkNotThere), (418, CloudAnswer), (401, NotAuthorised)],
)
async def test_each_refusal_has_its_error(
    blynk: Blynk, server: SimulatedBlynkCloud, status: int, error: type[Exception]
) -> None:
    server.faults.add(Fault("status", "platform", status=status, times=None))
    with pytest.raises(error):
        await blynk.reconfigure(1)


async def test_too_many_requests_are_waited_for_as_the_server_says(
    blynk: Blynk, server: SimulatedBlynkCloud, clock: ManualClock
) -> None:
    server.faults.add(Fault("status", "platform", status=429, retry_after="7"))
    assert await blynk.devices() == []
    assert sum(clock.slept) >= 7
    server.around.rate_per_min = 0
    with pytest.raises(QuotaReached, match="refuses more requests"):
        await blynk.provision()


@pytest.mark.parametrize("act", ["lose", "status"])
async def test_a_lost_token_is_told_and_never_asked_for_twice(
    blynk: Blynk, server: SimulatedBlynkCloud, act: str
) -> None:
    fault = Fault("lose" if act == "lose" else "status", "platform", status=502)
    server.faults.add(fault)
    with pytest.raises(BlynkTokenLost) as caught:
        await blynk.provision()
    assert caught.value.facts["maybe_done"] is True
    assert server.record.count("/provision/token") == 1
    assert (await blynk.provision()).device_id


async def test_a_created_device_whose_answer_was_lost_is_found(
    blynk: Blynk, server: SimulatedBlynkCloud
) -> None:
    server.faults.add(Fault("lose", "platform", path="/create"))
    device = await blynk.create(TEMPLATE, "Bench 7")
    assert device.token is not None
    assert len(server.state.devices) == 1
    server.faults.add(Fault("close", "platform", path="/create"))
    with pytest.raises(BlynkTokenLost):
        await blynk.create(TEMPLATE, "Bench 8")
    assert len(server.state.devices) == 1


async def test_a_server_that_is_not_there_made_nothing(
    blynk: Blynk, server: SimulatedBlynkCloud
) -> None:
    server.faults.add(Fault("close", "oauth", times=None))
    server.clients.forget()
    with pytest.raises(Unreachable):
        await blynk.provision()
    await blynk.close()
    await server.__aexit__(None, None, None)
    with pytest.raises(Unreachable):
        await blynk.provision()


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"token":"short","deviceId":1}'])
async def test_an_answer_that_is_none_is_told(
    blynk: Blynk, server: SimulatedBlynkCloud, text: str
) -> None:
    server.faults.add(Fault("text", "platform", text=text))
    with pytest.raises(CloudAnswer, match="unexpected"):
        await blynk.provision()
    server.clients.forget()
    server.faults.add(Fault("text", "oauth", text=text, times=None))
    with pytest.raises(CloudAnswer):
        await blynk.devices()


async def test_no_secret_is_in_an_error(
    blynk: Blynk, server: SimulatedBlynkCloud, connect: Callable[[], Blynk]
) -> None:
    secret = server.client.secret.reveal()
    said = f'{{"error":{{"message":"bad {secret}"}}}}'
    server.faults.add(Fault("text", "oauth", text=said, times=None))
    server.clients.forget()
    with pytest.raises(CloudAnswer) as caught:
        await blynk.devices()
    assert secret not in repr(caught.value.report())
