"""The whole agent as a gateway: simulated boards on one side, a simulated server on the other."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.app import build
from agent.catalog import Catalog
from agent.cli.demo import demo_surroundings
from agent.clouds.accounts import AccountStore
from agent.desktop.instance import new_token
from agent.gateway.agent import ASKS_MAX, GatewayAgent
from agent.gateway.networks import StoredNetworks
from agent.jobs.job import JobState
from agent.parts import make_accounts
from agent.settings import Secret
from agent.settings.config import BridgeConfig, Config
from agent.settings.config_gateway import GatewayConfig
from agent.settings.held import Held
from agent.settings.live import LiveConfig
from agent.settings.notices import GatewayInfo, Notices
from agent.settings.paths import find_paths
from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.thingsboard_limits import Rates, SessionLimits
from tests.gateway.here import HereBoards, HereJobs
from tests.gateway.running import LIMIT_S, QuickClock, direct, variables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from agent.app import App
    from agent.cli.demo import Demo
    from agent.simulator.thingsboard_devices import Device

SPEED = 20.0
PASSWORD = "marker-password-1c7e"


@dataclass
class Bench:
    """An agent that is a gateway, and what its server knows."""

    demo: Demo
    app: App
    server: SimulatedThingsBoard
    wanted: Config

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
    by_variables: bool = True,
    password: str = "",
) -> AsyncIterator[Bench]:
    """``thingsboard``: with two boards for it, and its account in the agent."""
    async with (
        demo_surroundings(
            boards=boards,
            thingsboard=thingsboard,
            speed=SPEED,
            password=Secret(password) if password else None,
        ) as demo,
        SimulatedThingsBoard(coap=False, tls=False, limits=limits) as other,
    ):
        server = demo.thingsboard.server if demo.thingsboard is not None else other
        wanted = msgspec.structs.replace(
            demo.config,
            gateway=config or GatewayConfig(),
            bridge=BridgeConfig(first_port=20_000, last_port=40_000),
        )
        given = variables(server) if by_variables else {}
        app = build(wanted, demo.paths, variables=given)
        try:
            await app.start()
            await demo.sign_in(app)
            await app.serve(new_token())
            yield Bench(demo, app, server, wanted)
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
        assert (info.phase, info.name, info.error) == ("connected", "gw-1", None)
        assert seen.app.notices.list() == []
        assert seen.here(device)
        await seen.demo.boards.command({"unplug": True})
        await seen.until(lambda: not seen.here(device))
        assert seen.here(gateway)
    assert not seen.here(gateway)


def everything(server: SimulatedThingsBoard) -> str:
    """All that is known on the server about devices, in any form."""
    devices = server.state.devices.values()
    return json.dumps([[each.name, each.attributes, [*each.telemetry]] for each in devices])


async def test_a_board_is_set_up_by_a_call_of_the_server():
    config = GatewayConfig(allow_provision=True)
    async with bench(boards=0, config=config, thingsboard=True, password=PASSWORD) as seen:
        await seen.until(lambda: len(seen.devices) == 2)
        refused = await seen.call("boards")
        assert (refused["code"], "allow_boards" in refused["error"]) == (403, True)
        assert (await seen.call("reboot"))["code"] == 404
        to_the_board = await seen.call("configure", {}, seen.devices[0].name)
        assert (to_the_board["code"], "allow_configure" in to_the_board["error"]) == (403, True)
        assert seen.demo.thingsboard is not None
        board = seen.app.boards.find(seen.demo.thingsboard.console)
        params = {
            "board": board.id,
            "cloud": "thingsboard",
            "name": "weather-station",
            "network": "workshop",
            "delivery": "console",
        }
        unknown = await seen.call("provision", params)
        assert (unknown["code"], unknown["field"]) == (400, "network")
        networks = StoredNetworks(
            make_accounts(seen.demo.paths), seen.demo.paths.gateway_networks_file
        )
        ssid = seen.demo.network.ssid
        await networks.put("workshop", {"kind": "wifi", "ssid": ssid, "password": PASSWORD})
        said = await seen.call("provision", params)
        assert said == {"job": "1"}
        assert (await seen.call("provision", params))["already"] is True
        job = await seen.app.services.jobs.wait("1")
        assert job.state is JobState.DONE, job.error
        device = seen.server.state.devices[board.id]
        await seen.until(lambda: "ok" in seen.values(device, "job_result"))
        assert seen.values(device, "job_cloud") == ["thingsboard"]
        assert seen.values(device, "job_delivery") == ["console"]
        assert "weather-station" in seen.server.state.devices
        told = everything(seen.server)
        assert PASSWORD not in told
        assert ssid not in told


async def test_a_server_that_restarts_is_told_what_happened_meanwhile():
    async with bench() as seen:
        await seen.until(lambda: seen.devices and seen.here(seen.devices[0]))
        (device,) = seen.devices
        seen.server.down = True
        jobs = seen.app.services.jobs
        started = await jobs.start({"kind": "identify", "board": device.name}, attended=False)
        job = await jobs.wait(started)
        assert seen.values(device, "job_state") == []
        seen.server.down = False
        await seen.until(lambda: "done" in seen.values(device, "job_state"))
        assert job.ended_at is not None
        moments = [at for at, values in device.telemetry if values.get("job_state") == "done"]
        assert moments == [pytest.approx(job.ended_at, abs=0.01)]
        assert seen.values(device, "job") == ["1"] * len(seen.values(device, "job"))
        await seen.until(lambda: seen.here(device))
        assert len(seen.devices) == 1


async def test_jobs_of_a_time_without_a_gateway_are_told_by_the_next_one():
    async with bench() as seen:
        await seen.until(lambda: seen.devices)
        (device,) = seen.devices
        await seen.app.close()
        await seen.until(lambda: not seen.here(device))
        command = build(seen.demo.config, seen.demo.paths)
        await command.start()
        jobs = command.services.jobs
        started = await jobs.start({"kind": "identify", "board": device.name}, attended=False)
        await jobs.wait(started)
        await command.close()
        assert seen.values(device, "job_state") == []
        again = build(seen.wanted, seen.demo.paths, variables=variables(seen.server))
        try:
            await again.start()
            await again.serve(new_token())
            await seen.until(lambda: seen.values(device, "job_result") == ["ok"])
            client = device.attributes["CLIENT_SCOPE"]
            await seen.until(lambda: "firmware" in client)
        finally:
            await again.close()


async def test_thirty_boards_come_within_the_limits_of_the_server():
    rates = Rates(messages="40:1", telemetry_messages="20:1", telemetry_points="100:1")
    async with bench(boards=30, limits=SessionLimits(rates, rates)) as seen:
        await seen.until(lambda: len(seen.devices) == 30)
        models = [each.attributes["CLIENT_SCOPE"] for each in seen.devices]
        await seen.until(lambda: all("model" in each for each in models))
        assert seen.server.record.count("connect", "SUCCESS") == 1
        names = {each.name for each in seen.devices}
        assert names == {board.id for board in seen.app.boards.list()}


async def test_with_the_account_and_one_setting_it_is_a_gateway_too():
    config = GatewayConfig(enabled=True, device_name="bench-2", allow_boards=True)
    async with bench(boards=0, config=config, thingsboard=True, by_variables=False) as seen:
        assert seen.demo.thingsboard is not None
        server = seen.server
        await seen.until(lambda: len([d for d in server.state.devices.values() if d.parent]) == 2)
        assert server.state.devices["bench-2"].gateway
        said = await seen.call("boards", device="bench-2")
        assert {each["state"] for each in said["boards"]} == {"ready"}


async def test_settings_that_cannot_be_are_a_notice_and_the_agent_goes_on():
    async with bench(config=GatewayConfig(enabled=True), by_variables=False) as seen:
        await seen.until(lambda: seen.app.notices.list())
        (notice,) = seen.app.notices.list()
        assert notice.code == "gateway-account"
        assert "mooring cloud login thingsboard" in notice.remedy
        assert seen.app.services.gateway.value is None
        assert len(seen.app.boards.list()) == 1


class LockedAccounts(AccountStore):
    """The keyring is locked for the first few looks."""

    def __init__(self, file: Path, locked: int) -> None:
        super().__init__(file, use_keyring=False)
        self.locked = locked

    async def get(self, cloud: str) -> dict[str, Secret] | None:
        self.locked -= cloud == "thingsboard"
        self.keyring_failed = self.locked >= 0
        return None if self.keyring_failed else await super().get(cloud)


@pytest.mark.parametrize("locked", [3, 1000])
async def test_a_keyring_that_is_locked_at_the_start_is_looked_at_again(
    tmp_path: Path, locked: int
):
    store = LockedAccounts(tmp_path / "accounts.json", locked)
    account = {"server": "https://127.0.0.1:1", "provision_key": "k", "provision_secret": "s"}
    await store.set("thingsboard", {name: Secret(text) for name, text in account.items()})
    clock, notices, status = QuickClock(), Notices(), Held[GatewayInfo | None](None)
    changed = asyncio.Event()
    for each in (notices, status):
        each.subscribe(changed.set)
    paths = find_paths({"MOORING_HOME": str(tmp_path)})
    gateway = GatewayAgent(
        variables={},
        live=LiveConfig(Config(gateway=GatewayConfig(enabled=True))),
        paths=paths,
        accounts=store,
        routes=direct(),
        boards=HereBoards(),
        jobs=HereJobs(),
        catalog=Catalog.load(),
        notices=notices,
        status=status,
        about={},
        clock=clock,
    )
    gateway.start()
    codes: list[str] = []
    async with asyncio.timeout(LIMIT_S):
        while status.value is None and "gateway-settings" not in codes:
            await changed.wait()
            changed.clear()
            codes += [each.code for each in notices.list()]
    assert codes[0] == "gateway-account"
    if locked > ASKS_MAX:
        assert "keyring" in notices.list()[0].meaning
        assert len(clock.slept) == ASKS_MAX - 1
    else:
        assert status.value is not None
        assert status.value.server == "mqtts://127.0.0.1"
        assert len(clock.slept) == locked
    await gateway.close()


class FaultyJobs(HereJobs):
    """Jobs with a defect that shows once somebody is connected."""

    broken = False

    @property
    def active(self) -> int:
        if self.broken:
            raise ZeroDivisionError
        return 0


async def test_after_a_defect_it_is_no_gateway_any_more_and_that_is_a_notice(tmp_path: Path):
    jobs, notices, over = FaultyJobs(), Notices(), asyncio.Event()
    status: Held[GatewayInfo | None] = Held(None)
    phases: list[str] = []

    def follow() -> None:
        phases.append(status.value.phase if status.value is not None else "")
        jobs.broken = phases[-1] == "connected"

    status.subscribe(follow)
    notices.subscribe(over.set)
    paths = find_paths({"MOORING_HOME": str(tmp_path)})
    async with SimulatedThingsBoard(coap=False, tls=False) as server:
        gateway = GatewayAgent(
            variables=variables(server),
            live=LiveConfig(Config()),
            paths=paths,
            accounts=make_accounts(paths),
            routes=direct(),
            boards=HereBoards(),
            jobs=jobs,
            catalog=Catalog.load(),
            notices=notices,
            status=status,
            about={},
        )
        gateway.start()
        async with asyncio.timeout(LIMIT_S):
            await over.wait()
        assert [each.code for each in notices.list()] == ["internal"]
        assert phases[-2:] == ["connected", ""]
        await gateway.close()
