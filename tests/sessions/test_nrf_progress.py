"""Following a board that provisions itself, by its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.errors import NrfNotClaimed, NrfProvisioningFailed, NrfProvisioningSilent
from agent.protocols.nrf.cmng import CLOUD_TAG, CredentialType
from agent.protocols.nrf.logs import Seen
from agent.sessions.nrf_progress import follow
from agent.simulator.nrf_identity import genuine
from agent.simulator.nrf_orders import NoOrders, Order, Result
from tests.sessions.nrf_boards import talking

if TYPE_CHECKING:
    from collections.abc import Sequence

CA = "some certificate"


class Service(NoOrders):
    """Gives its orders once, to boards that prove themselves."""

    def __init__(self, *orders: Order) -> None:
        super().__init__(claimed=True)
        self.orders = list(orders)
        self.results: list[Result] = []

    async def fetch(self, token: str) -> Sequence[Order] | None:
        assert genuine(token)
        orders, self.orders = self.orders, []
        return orders

    async def respond(self, token: str, results: Sequence[Result]) -> None:
        assert genuine(token)
        self.results += results


ORDERS = (
    Order("1", "%KEYGEN", f"{CLOUD_TAG},2,0"),
    Order("2", "%CMNG", f'0,{CLOUD_TAG},0,"{CA}"'),
)


@pytest.mark.parametrize("firmware", ["tracker", "tracker-old", "sample"])
async def test_provisioning_is_followed_to_its_end(firmware):
    service = Service()
    async with talking(service, firmware=firmware) as (plugged, opened):
        service.orders = [*ORDERS, Order("3", "finished")]
        await opened.trigger()
        seen: list[Seen] = []
        assert await follow(opened, seen.append, limit_s=30.0) is Seen.FINISHED
        assert {Seen.ACCEPTED, Seen.LTE_OFF, Seen.LTE_ON, Seen.WORKING} <= set(seen)
        assert plugged.modem.store[CLOUD_TAG, CredentialType.ROOT_CA] == CA
    assert [result.id for result in service.results] == ["1", "2", "3"]
    assert genuine(service.results[0].text.split('"')[1])


async def test_the_end_is_noticed_where_no_order_says_finished():
    service = Service()
    async with talking(service, firmware="tracker") as (_, opened):
        service.orders = [*ORDERS]
        await opened.trigger()
        assert await follow(opened, lambda _: None, limit_s=30.0) is Seen.ONLINE


async def test_a_service_that_has_nothing_for_the_board_is_told():
    async with talking(firmware="tracker", claimed=True) as (_, opened):
        await opened.trigger()
        assert await follow(opened, lambda _: None, limit_s=30.0) is Seen.NOTHING_QUEUED


async def test_a_board_that_is_not_claimed_is_told():
    async with talking(firmware="tracker") as (_, opened):
        await opened.trigger()
        with pytest.raises(NrfNotClaimed):
            await follow(opened, lambda _: None, limit_s=30.0)


async def test_without_sim_card_there_is_no_network_time():
    async with talking(firmware="tracker", sim=False) as (_, opened):
        await opened.trigger()
        with pytest.raises(NrfProvisioningFailed, match="network time"):
            await follow(opened, lambda _: None, limit_s=30.0)


async def test_an_order_that_the_modem_refuses_ends_it():
    service = Service()
    async with talking(service, firmware="tracker") as (plugged, opened):
        service.orders = [Order("1", "%CMNG", "3,5,0", ignored=(513,)), *ORDERS, ORDERS[0]]
        await opened.trigger()
        with pytest.raises(NrfProvisioningFailed):
            await follow(opened, lambda _: None, limit_s=30.0)
        assert plugged.program.state == "IDLE"
    assert [result.error for result in service.results] == [None, None, None, 519]


async def test_a_board_that_says_nothing_more_is_told_with_its_last_words():
    async with talking(firmware="tracker", claimed=True) as (plugged, opened):
        await opened.trigger()
        plugged.program.stop()
        with pytest.raises(NrfProvisioningSilent):
            await follow(opened, lambda _: None, limit_s=0.1)


@pytest.mark.parametrize(
    "line",
    [
        "Provisioning failed, too many commands for the device to handle",
        "Provisioning failed, wrong CA certificate",
        "Provisioning error",
    ],
)
async def test_each_way_to_fail_has_words_and_advice(line):
    async with talking(firmware="tracker", claimed=True) as (plugged, opened):
        plugged.program.say_log("err", "cloud", line)
        with pytest.raises(NrfProvisioningFailed) as raised:
            await follow(opened, lambda _: None, limit_s=30.0)
        assert raised.value.report().remedy
