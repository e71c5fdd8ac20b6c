"""ThingsBoard's own IoT gateway lives its whole life with the simulated server.

Recipe: cloud-thingsboard, sections 10 and 11. It needs a second for most things.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import dev_parts
from agent.simulator.thingsboard import NotConnectedError, SimulatedThingsBoard
from agent.simulator.thingsboard_credentials import CredentialsType

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [
    pytest.mark.needs("thingsboard"),
    pytest.mark.system("linux"),
    pytest.mark.slow,
    pytest.mark.timeout(150),
]

ROOT = Path(__file__).parents[2]
LIMIT_S = 60.0
"""It starts in two seconds and answers calls some seconds later; a busy machine may take long."""
CALL_S = 0.5
"""A call that came before it was ready is never answered; then the next one is made."""
DAEMON = "from thingsboard_gateway.tb_gateway import daemon; daemon()"
"""What its own program does."""
REMOVE = "gateway_remove_provisioned_credentials"


@dataclass
class Gateway:
    """The gateway as a process, with a folder of its own."""

    home: Path
    environ: dict[str, str]
    process: asyncio.subprocess.Process | None = None
    log: list[str] = field(default_factory=list)

    @property
    def credentials(self) -> Path:
        """Where it keeps what it was given."""
        return self.home / "config" / ".credentials"

    async def start(self, **more: str) -> None:
        """Start it with these variables beside those that all runs have."""
        judge = dev_parts.PARTS["thingsboard"].judge
        assert judge is not None
        with (self.home / "out").open("ab") as out:
            self.process = await asyncio.create_subprocess_exec(
                *(str(judge.python), "-c", DAEMON),
                env=self.environ | more,
                cwd=self.home,
                stdout=out,
                stderr=out,
            )

    async def end(self) -> int:
        """Its status once it has ended."""
        assert self.process is not None
        async with asyncio.timeout(LIMIT_S):
            return await self.process.wait()

    async def stop(self) -> None:
        """Make it end."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


@pytest.fixture
async def server() -> AsyncIterator[SimulatedThingsBoard]:
    async with SimulatedThingsBoard(coap=False) as running:
        yield running


@pytest.fixture
async def gateway(server: SimulatedThingsBoard, tmp_path: Path) -> AsyncIterator[Gateway]:
    judge = dev_parts.PARTS["thingsboard"].judge
    assert judge is not None
    (package,) = judge.home.glob(f"{judge.name}/lib/*/site-packages/thingsboard_gateway")
    (tmp_path / "config").mkdir()
    shutil.copy(package / "config" / "logs.json", tmp_path / "config")
    settings = json.loads((package / "config" / "tb_gateway.json").read_text())
    settings["connectors"] = []
    (tmp_path / "config" / "tb_gateway.json").write_text(json.dumps(settings))
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT / "tests" / "judges" / "stand_ins"),
        # It asks its maker for newer versions, and would install what it misses.
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "PIP_NO_INDEX": "1",
        "TB_GW_CONFIG_DIR": str(tmp_path / "config"),
        "TB_GW_LOGS_PATH": str(tmp_path / "logs"),
        "TB_GW_HOST": "127.0.0.1",
        "TB_GW_PORT": str(server.ports["mqtt"]),
        "TB_GW_PROVISIONING_DEVICE_KEY": server.create.key,
        "TB_GW_PROVISIONING_DEVICE_SECRET": server.create.secret.reveal(),
        "TB_GW_PROVISIONING_DEVICE_NAME": "gw-1",
    }
    (tmp_path / "logs").mkdir()
    running = Gateway(tmp_path, environ)
    yield running
    await running.stop()


async def connected(server: SimulatedThingsBoard, gateway: Gateway) -> None:
    """Wait until the gateway has a session."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            device = server.state.devices.get("gw-1")
            if device is not None and server.state.sessions.get(device.id):
                return
            assert gateway.process is not None
            assert gateway.process.returncode is None, (gateway.home / "out").read_text()
            await asyncio.sleep(0.01)


async def ask(server: SimulatedThingsBoard, method: str, params: Any = None) -> Any:
    """Ask the gateway, again where it was not ready yet."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            with contextlib.suppress(TimeoutError, NotConnectedError):
                return await server.call("gw-1", method, params, limit_s=CALL_S)
            await asyncio.sleep(0.01)


async def test_it_provisions_starts_again_is_reset_and_is_refused(server, gateway):
    await gateway.start()
    await connected(server, gateway)
    device = server.state.devices["gw-1"]
    assert device.gateway
    assert json.loads(gateway.credentials.read_text()) == {
        "status": "SUCCESS",
        "credentialsType": "ACCESS_TOKEN",
        "credentialsValue": device.credentials.id,
    }
    # It never lets the server choose, and keeps what it was given where everybody can read it.
    assert len(device.credentials.id) == 15
    assert stat.S_IMODE(gateway.credentials.stat().st_mode) == 0o644
    assert (await ask(server, "gateway_ping"))["code"] == 200
    await gateway.stop()

    await gateway.start()
    await connected(server, gateway)
    assert server.record.count("provision") == 1
    assert (await ask(server, "gateway_ping"))["code"] == 200
    assert (await ask(server, "remove_provisioned_credentials"))["code"] == 404
    with_params = await ask(server, REMOVE, {})
    assert with_params["code"] == 500
    assert "positional argument" in with_params["error"]
    assert (await ask(server, REMOVE))["code"] == 200
    assert not gateway.credentials.exists()
    assert (await ask(server, REMOVE))["code"] == 404
    await gateway.stop()

    await gateway.start()
    assert await gateway.end() == 1
    outcomes = [seen.outcome for seen in server.record.requests if seen.operation == "provision"]
    assert outcomes == ["SUCCESS", "FAILURE"]
    assert not gateway.credentials.exists()

    server.state.delete(device)
    await gateway.start()
    await connected(server, gateway)
    assert server.state.devices["gw-1"] is not device


async def test_it_connects_with_basic_credentials(server, gateway):
    await gateway.start(
        TB_GW_PROVISIONING_DEVICE_USERNAME="its-name",
        TB_GW_PROVISIONING_DEVICE_PASSWORD="its-password",
    )
    await connected(server, gateway)
    basic = server.state.devices["gw-1"].credentials.basic
    assert basic is not None
    assert (basic.username, basic.password) == ("its-name", "its-password")
    # What is missing it invents.
    assert len(basic.client_id) == 15
    assert (await ask(server, "gateway_ping"))["code"] == 200


async def test_it_provisions_in_clear_and_connects_with_its_certificate(server, gateway):
    (gateway.home / "config" / "ca.pem").write_text(server.ca)
    async with either(server) as port:
        await gateway.start(
            TB_GW_PROVISIONING_DEVICE_CA_CERT_FILENAME="ca.pem",
            TB_GW_HOST="localhost",
            TB_GW_PORT=str(port),
        )
        await connected(server, gateway)
        credentials = server.state.devices["gw-1"].credentials
        assert credentials.kind is CredentialsType.X509_CERTIFICATE
        pem = (gateway.home / "config" / "cert.pem").read_text()
        assert credentials.certificate in pem.replace("\n", "")
        assert (await ask(server, "gateway_ping"))["code"] == 200
        await gateway.stop()


@contextlib.asynccontextmanager
async def either(server: SimulatedThingsBoard) -> AsyncIterator[int]:
    """One port for both, as the gateway takes it: it provisions without TLS unless it is 8883."""
    open_writers: set[asyncio.StreamWriter] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(1)
        port = server.ports["mqtts" if first == b"\x16" else "mqtt"]
        there_reader, there = await asyncio.open_connection("127.0.0.1", port)
        open_writers.update((writer, there))
        there.write(first)
        await asyncio.gather(copy(reader, there), copy(there_reader, writer))

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    listening = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        for writer in open_writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        await listening.wait_closed()
