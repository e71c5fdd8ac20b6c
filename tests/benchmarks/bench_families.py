"""How much time the agent adds to bringing a board into nRF Cloud, and one into Blynk.Cloud.

The peers are plain scripts: a port, an HTTP client, and the same conversations with the same boards
and clouds in the same run. They look at the cloud when the board's log says that there is something
to see, so what they take is the time of the board and of the cloud. All boards run in real time.
The agent is the one of ``agent/app.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Self

sys.path.insert(0, str(Path(__file__).parents[2]))

import httpx

from agent.app import build
from agent.jobs.job import JobState
from agent.protocols.nrf.authorities import authorities
from agent.protocols.nrf.bodies import ONBOARDING_TAG, RULE_NAME
from agent.settings.config import BluetoothConfig, Config, NrfConfig, PortsConfig, WifiConfig
from agent.settings.paths import find_paths
from agent.simulator.blynk_board import BlynkBoard
from agent.simulator.blynk_board_cloud import NearCloud
from agent.simulator.blynk_cloud import SimulatedBlynkCloud
from agent.simulator.blynk_process import announced
from agent.simulator.blynk_settings import EdgentConfig
from agent.simulator.nrf_board import SimulatedNrfBoard
from agent.simulator.nrf_cloud import SimulatedNrfCloud
from agent.simulator.nrf_cloud_service import CloudService
from agent.simulator.nrf_config import NrfConfig as NrfBoard
from agent.simulator.world import demo_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from agent.app import App

Row = tuple[str, float, str, str | None]

BEST_OF: Final = 2
NETWORK: Final = {"kind": "wifi", "ssid": "HomeNet", "password": "correct horse"}
NAME: Final = "bench"
LOOK_S: Final = 0.02
"""Between two looks of a plain script at a cloud that has something to show."""
SEC_TAG: Final = 16842753
_TOKEN: Final = re.compile(rb'%ATTESTTOKEN: "([^"]+)"')


async def run() -> list[Row]:
    """Wall time of a whole job, and of the plain script."""
    rows: list[Row] = []
    async with _agent() as (app, nrf, blynk, ports):
        board = BlynkBench(blynk, ports)
        modems = NrfBench(nrf, ports)
        for name, bench in (("nRF Cloud", modems), ("Blynk, console", board)):
            ours, plain = [], []
            for _ in range(BEST_OF):
                async with bench.board() as (_, address):
                    plain.append(await _timed(bench.plain(address)))
                async with bench.board() as (serial_number, address):
                    request = {"board": serial_number, "name": NAME, **bench.request}
                    await _found(app, serial_number)
                    ours.append(await _timed(_provision(app, request)))
            rows += [
                (f"{name}: one board, wall time", min(ours), "s", None),
                ("   the same conversation by a plain script", min(plain), "s", None),
                ("   what the agent adds", min(ours) - min(plain), "s", "<= 0.5"),
            ]
    return rows


async def _timed(work: Awaitable[None]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def _found(app: App, serial_number: str) -> None:
    def known() -> set[str | None]:
        return {port.serial_number for board in app.boards.list() for port in board.ports}

    while serial_number not in known():
        await asyncio.sleep(LOOK_S)


async def _provision(app: App, request: dict[str, Any]) -> None:
    jobs = app.services.jobs
    job = await jobs.wait(await jobs.start({"kind": "provision", **request}, attended=False))
    assert job.state is JobState.DONE, job


@contextlib.asynccontextmanager
async def _agent() -> AsyncIterator[tuple[App, SimulatedNrfCloud, SimulatedBlynkCloud, str]]:
    with TemporaryDirectory() as name:
        ports = Path(name) / "ports"
        ports.mkdir()
        async with SimulatedNrfCloud() as nrf, SimulatedBlynkCloud() as blynk:
            url = nrf.base_url
            config = Config(
                ports=PortsConfig(system=False, simulated=str(ports)),
                bluetooth=BluetoothConfig(scan="never"),
                wifi=WifiConfig(join="never"),
                nrf=NrfConfig(provisioning_url=url, devices_url=url),
            )
            paths = find_paths({"MOORING_HOME": str(Path(name) / "home")})
            paths.make()
            app = build(config, paths)
            await app.start()
            try:
                await app.nrf.login({"api_key": nrf.key.secret})
                await app.blynk.login({**blynk.account})
                yield app, nrf, blynk, str(ports)
            finally:
                await app.close()


class NrfBench:
    """Boards that nobody has claimed, one after the other."""

    request: Final[dict[str, Any]] = {"cloud": "nrf"}

    def __init__(self, cloud: SimulatedNrfCloud, ports: str) -> None:
        self._cloud = cloud
        self._ports = ports
        self._number = 0

    @contextlib.asynccontextmanager
    async def board(self) -> AsyncIterator[tuple[str, str]]:
        """Its serial number, and the port that answers."""
        self._number += 1
        made = SimulatedNrfBoard(
            NrfBoard(),
            number=self._number,
            tcp=True,
            folder=self._ports,
            service=CloudService(self._cloud.state),
        )
        await made.start()
        try:
            while made.program.state != "IDLE":  # it asks by itself when it starts
                await asyncio.sleep(LOOK_S)
            yield made.serial_number, made.port.address
        finally:
            await made.stop()

    async def plain(self, address: str) -> None:
        """Read the token, see to the rule, claim, trigger, wait, name."""
        key = {"Authorization": f"Bearer {self._cloud.key.secret.reveal()}"}
        url = self._cloud.base_url
        async with _Port(address) as port, _client(url, key) as client:
            await port.ask(b"at AT+CGSN\r\n", b"\nOK")
            for command in (b"CGMM", b"CGMR"):
                await port.ask(b"at AT+" + command + b"\r\n", b"\nOK")
            said = _TOKEN.search(await port.ask(b"at AT%ATTESTTOKEN\r\n", b"\nOK"))
            assert said is not None
            rules = (await client.get("/v1/provisioning-rules")).json()
            if not any(ONBOARDING_TAG in rule["tags"] for rule in rules["items"]):
                await client.post("/v1/provisioning/tags", json={"tag": ONBOARDING_TAG})
                made = await client.post("/v1/provisioning-rules", json=_rule())
                assert made.is_success, made.text
            body = {"claimToken": said[1].decode(), "tags": [ONBOARDING_TAG]}
            dry = await client.post("/v1/claimed-devices", params={"dryrun": "true"}, json=body)
            assert dry.status_code == 202, dry.text
            device = (await client.post("/v1/claimed-devices", json=body)).json()["id"]
            await port.ask(b"att_cloud provision\r\n", b"Sending response to server")
            while (await client.get(f"/v1/devices/{device}")).status_code == 404:
                await asyncio.sleep(LOOK_S)
            commands = await client.get(f"/v1/claimed-devices/{device}/provisioning")
            assert {each["status"] for each in commands.json()["items"]} == {"SUCCEEDED"}
            await client.put(f"/v1/devices/{device}/name", json=[NAME])


class BlynkBench:
    """One board, which has forgotten everything each time."""

    request: Final[dict[str, Any]] = {"cloud": "blynk", "network": NETWORK}

    def __init__(self, cloud: SimulatedBlynkCloud, ports: str) -> None:
        self._cloud = cloud
        self._ports = ports
        self._number = 0

    @contextlib.asynccontextmanager
    async def board(self) -> AsyncIterator[tuple[str, str]]:
        """As above."""
        self._number += 1
        config = EdgentConfig(generation=2, chip=0x4A00_0000 + self._number)
        near = NearCloud(self._cloud, config.template_id)
        board = BlynkBoard(config, demo_world(), tcp=True, cloud=near, leave=near.leave)
        async with board:
            while board.device.state != "WAIT_CONFIG":
                await asyncio.sleep(LOOK_S)
            with announced(self._ports, board) as port:
                yield port.serial_number, port.address

    async def plain(self, address: str) -> None:
        """Get a token, give it to the board with its network, wait until it is online, name it."""
        account = self._cloud.account
        who = (account["client_id"], account["client_secret"])
        api = "/api/v1/organization"
        async with _Port(address) as port, _client(account["server"], {}) as client:
            await port.ask(b"\ndevinfo\n", b"fw_ver")
            await port.ask(b"help\n", b"sys")
            grant = {"grant_type": "client_credentials"}
            signed = await client.post("/oauth2/token", params=grant, auth=who)
            client.headers["Authorization"] = f"Bearer {signed.json()['access_token']}"
            body = {"orgId": 101, "ownerId": int(account["owner_id"])}
            made = (await client.post(f"{api}/device/provision/token", json=body)).json()
            await port.ask(b"wifi clear\nwifi add HomeNet correct\\x20horse\n", b"wifi add")
            where = account["server"].removeprefix("http://").encode()
            line = b"connect " + made["token"].encode() + b" " + where + b"\n"
            await port.ask(line, b"=> RUNNING")
            question = {"token": made["token"]}
            while True:
                online = await client.get("/external/api/isHardwareConnected", params=question)
                if online.text == "true":
                    break
                await asyncio.sleep(LOOK_S)
            named = {"id": made["deviceId"], "name": NAME}
            await client.put(f"{api}/device", json=named)


class _Port:
    """A port without a session: what is written, and what came until something was in it."""

    def __init__(self, address: str) -> None:
        self._host, _, self._port = address.removeprefix("tcp://").rpartition(":")

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._host, int(self._port))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def ask(self, line: bytes, until: bytes) -> bytes:
        """Everything up to the line that has ``until``."""
        self._writer.write(line)
        heard = b""
        async with asyncio.timeout(30):
            while until not in heard:
                data = await self._reader.read(4096)
                assert data, heard
                heard += data
        return heard


def _client(url: str, headers: dict[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, headers=headers, trust_env=False)


def _rule() -> dict[str, Any]:
    wanted: list[dict[str, Any]] = [
        {"clientPrivateKeyGeneration": {"secTag": SEC_TAG}},
        {"cloudAccessKeyGeneration": {"secTag": SEC_TAG}},
        {"serverCertificate": {"secTag": SEC_TAG, "content": authorities(coap=True)}},
    ]
    commands = [{"request": each} for each in wanted]
    about = {"name": RULE_NAME, "description": "", "active": True, "tags": [ONBOARDING_TAG]}
    return {**about, "commands": commands}
