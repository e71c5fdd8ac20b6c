"""One client for each route: requests under way end on the route on which they began."""

from __future__ import annotations

import pytest

from agent.clouds.client import Clients
from agent.clouds.route import Routes
from agent.clouds.system_proxy import SystemProxy
from agent.settings.config import NetworkConfig
from agent.settings.proxy import ProxyAddress

URL = "http://cloud.test"


@pytest.fixture
def setting():
    return [""]


@pytest.fixture
async def clients(setting):
    def settings():
        return NetworkConfig(proxy=ProxyAddress(setting[0]))

    made = Clients(URL, Routes(settings, system=SystemProxy), connect_s=1, answer_s=1)
    yield made
    await made.close()


async def test_the_same_route_keeps_its_client(clients):
    async with clients.get(clients.route()) as one, clients.get(clients.route()) as other:
        assert one is other
    async with clients.get(clients.route()) as again:
        assert again is one
    assert not one.is_closed


async def test_another_route_gets_another_client_and_the_idle_one_is_closed(clients, setting):
    async with clients.get(clients.route()) as one:
        pass
    setting[0] = "http://proxy.test:3128"
    async with clients.get(clients.route()) as other:
        assert other is not one
        assert one.is_closed


async def test_a_client_in_use_is_closed_when_its_last_request_ended(clients, setting):
    route = clients.route()
    async with clients.get(route) as one:
        async with clients.get(route):
            setting[0] = "none"
            setting[0] = "http://proxy.test:3128"
            async with clients.get(clients.route()):
                assert not one.is_closed
        assert not one.is_closed
    assert one.is_closed


async def test_after_closing_a_later_request_opens_a_new_one(clients):
    async with clients.get(clients.route()) as one:
        pass
    await clients.close()
    assert one.is_closed
    async with clients.get(clients.route()) as other:
        assert not other.is_closed
