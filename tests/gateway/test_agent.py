"""The whole agent as a gateway: simulated boards on one side, a simulated server on the other."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from agent.app import build
from agent.cli.demo import demo_surroundings
from agent.desktop.instance import new_token
from agent.jobs.job import JobState
from agent.settings.config import BridgeConfig
from agent.settings.config_gateway import GatewayConfig
from agent.simulator.thingsboard import SimulatedThingsBoard
from tests.gateway.running import LIMIT_S, variables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from agent.app import App
    from agent.cli.demo import Demo
    from agent.simulator.thingsboard_devices import Device
    from agent.simulator.thingsboard_limits import SessionLimits

SPEED = 20.0
ALL = GatewayConfig(allow_boards=True, allow_provision=True, allow_configure=True)


@dataclass
class Bench:
    """An agent that is a gateway, and what its server knows."""

    demo: Demo
    app: App
    server: SimulatedThingsBoard

    @property
    def devices(self) -> list[Device]:
        """The boards' devices there."""
        return [each for each in self.server.state.devices.values() if each.parent == "gw-1"]

    def values(self, device: Device, name: str) -> list[Any]:
        """All values of that name that have come, in the order of their times."""
        told = sorted(device.telemetry, key=lambda each: each[0])
        return [values[name] for _, values in told if name in values]

    def here(self, device: Device) -> bool:
        """Whether the device has a session."""
        return bool(self.server.state.sessions.get(device.id))

    async def until(self, holds: Callable[[], object]) -> None:
        """Return when that holds of the server; it is in this process, so it is looked at."""
        async with asyncio.timeout(LIMIT_S):
            while not holds():
                await asyncio.sleep(0.01)

    async def call(self, method: str, params: object = None, device: str = "gw-1") -> Any:
        """Ask as a dashboard does."""
        return await self.server.call(device, method, params)


@contextlib.asynccontextmanager
async def bench(
    *,
    boards: int = 1,
    config: GatewayConfig | None = None,
    limits: SessionLimits | None = None,
    thingsboard: bool = False,
) -> AsyncIterator[Bench]:
    async with (
        demo_surroundings(boards=boards, thingsboard=thingsboard, speed=SPEED) as demo,
        SimulatedThingsBoard(coap=False, tls=False, limits=limits) as server,
    ):
        wanted = msgspec.structs.replace(
            demo.config,
            gateway=config or GatewayConfig(),
            bridge=BridgeConfig(first_port=20_000, last_port=40_000),
        )
        app = build(wanted, demo.paths, variables=variables(server))
        try:
            await app.start()
            await demo.sign_in(app)
            await app.serve(new_token())
            yield Bench(demo, app, server)
        finally:
            await app.close()


async def test_boards_and_jobs_arrive_on_the_server():
    async with bench() as seen:
        await seen.until(lambda: seen.devices)
        (device,) = seen.devices
        (board,) = seen.app.boards.list()
        assert device.name == board.id
        assert device.profile.name == "uno_r4_wifi"
        jobs = seen.app.services.jobs
        job = await jobs.wait(
            await jobs.start({"kind": "identify", "board": board.id}, attended=False)
        )
        assert job.state is JobState.DONE
        await seen.until(lambda: "ok" in seen.values(device, "job_result"))
        assert seen.values(device, "job_kind")[0] == "identify"
        assert seen.values(device, "job_state")[-1] == "done"
        assert seen.values(device, "job_seconds")[-1] >= 0
        client = device.attributes["CLIENT_SCOPE"]
        await seen.until(lambda: "unique_id" in client and "firmware" in client)
        assert client["model"] == "Arduino UNO R4 WiFi"
        assert client["unique_id"] == seen.app.boards.list()[0].uhwid
        assert client["provisioning"] == "2.0"
        gateway = seen.server.state.devices["gw-1"]
        assert gateway.attributes["CLIENT_SCOPE"]["allowed_calls"] == ""
        assert seen.values(gateway, "boards")[-1] == 1
        info = seen.app.services.gateway.value
        assert info is not None
        assert (info.phase, info.name, info.error) == ("connected", "gw-1", "")
        assert seen.app.notices.list() == []
    assert not seen.here(device)
