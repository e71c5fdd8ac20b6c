"""A server that sends to another one: followed where it may be, and remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from agent.clouds.blynk.regional import Regional
from agent.clouds.http import Request
from agent.errors import BlynkRegion, CaptivePortal
from agent.protocols.blynk.device_api import CONNECTED_PATH
from agent.simulator.loopback_server import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request as Asked

    from agent.clouds.blynk.cloud import Blynk
    from agent.clouds.route import Routes
    from agent.simulator.blynk_cloud import SimulatedBlynkCloud
    from tests.clouds.manual_clock import ManualClock


@pytest.fixture
async def sending() -> AsyncIterator[tuple[str, dict[str, str | int]]]:
    """The address of a server that sends on as ``how`` says."""
    how: dict[str, str | int] = {"status": 308, "location": ""}

    async def answer(_: Asked) -> Response:
        return Response(status_code=int(how["status"]), headers={"Location": str(how["location"])})

    route = Route("/{path:path}", answer, methods=["GET", "POST"])
    server = LoopbackServer(Starlette(routes=[route]))
    await server.start()
    yield f"http://127.0.0.1:{server.port}", how
    await server.stop()


async def test_a_region_is_followed_and_remembered_with_the_account(
    connect: Callable[[], Blynk], server: SimulatedBlynkCloud
) -> None:
    client = connect()
    await client.login({**server.account, "server": server.addresses["elsewhere"]})
    assert (await client.info()).account["region"] == server.addresses["http"]
    made = await client.provision()
    assert made.device_id == 55
    again = connect()
    assert (await again.info()).account["region"] == server.addresses["http"]
    settings = await again.settings("n", made.token)
    assert (settings.host, settings.port) == ("127.0.0.1", server.ports["http"])


async def test_a_region_that_is_learned_later_is_remembered_too(
    connect: Callable[[], Blynk], server: SimulatedBlynkCloud, routes: Routes, clock: ManualClock
) -> None:
    moved: list[str] = []

    async def remember(url: str) -> None:
        moved.append(url)

    http = Regional(
        server.addresses["elsewhere"], title="B", clock=clock, routes=routes, moved=remember
    )
    request = Request("GET", CONNECTED_PATH, query={"token": "x" * 32})
    assert (await http.send(request)).status == 400
    assert (await http.send(request)).status == 400
    assert moved == [server.addresses["http"]]
    assert http.base_url == server.addresses["http"]
    await http.close()


@pytest.mark.parametrize(
    ("status", "location", "error"),
    [
        (308, "https://evil.example/x", BlynkRegion),
        (308, "", BlynkRegion),
        (302, "https://login.hotel.example/", CaptivePortal),
    ],
)
async def test_no_secret_follows_where_it_may_not(
    sending: tuple[str, dict[str, str | int]],
    routes: Routes,
    clock: ManualClock,
    status: int,
    location: str,
    error: type[Exception],
) -> None:
    address, how = sending
    how |= {"status": status, "location": location}
    http = Regional(address, title="B", clock=clock, routes=routes)
    with pytest.raises(error):
        await http.send(Request("GET", "/x"))
    await http.close()


async def test_a_circle_is_left(
    sending: tuple[str, dict[str, str | int]], routes: Routes, clock: ManualClock
) -> None:
    address, how = sending
    how["location"] = f"{address}/x"
    http = Regional(address, title="B", clock=clock, routes=routes)
    with pytest.raises(BlynkRegion, match="sends Mooring to another"):
        await http.send(Request("GET", "/x"))
    await http.close()
