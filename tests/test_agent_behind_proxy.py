"""The whole job in a company's network: simulated boards, a cloud that only a proxy reaches."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import pytest

from agent.app import build
from agent.cli.demo import demo_surroundings
from agent.errors import CertificateUnknown
from agent.jobs.job import JobState
from agent.settings.config import ArduinoConfig, NetworkConfig
from agent.settings.proxy import ProxyAddress
from tests.internet import HOST, Authority, RealProxy, in_front_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.app import App
    from agent.cli.demo import Demo

MARKER = "MARKER-proxy-0815"
SPEED = 20.0


@asynccontextmanager
async def company(folder: Path, proxy: RealProxy) -> AsyncIterator[tuple[App, Demo]]:
    """An agent whose settings name the proxy; the cloud is ``https://cloud.test`` behind it."""
    authority = Authority(folder / "ca", "Test Authority")
    async with AsyncExitStack() as stack:
        demo = await stack.enter_async_context(demo_surroundings(speed=SPEED))
        port = urlsplit(demo.cloud.base_url).port
        assert port is not None
        cloud = in_front_of(port, authority.context(HOST))
        proxy.to[HOST] = await stack.enter_async_context(cloud)
        await stack.enter_async_context(proxy.running())
        config = msgspec.structs.replace(
            demo.config,
            arduino=ArduinoConfig(base_url=f"https://{HOST}", requests_per_s=1000),
            network=NetworkConfig(
                proxy=ProxyAddress(f"http://ada:{MARKER}@127.0.0.1:{proxy.port}"),
                certificates=str(authority.pem),
            ),
        )
        app = build(config, demo.paths)
        stack.push_async_callback(app.close)
        await app.start()
        yield app, demo


async def provision(app: App, demo: Demo) -> Any:
    network = {
        "kind": "wifi",
        "ssid": demo.network.ssid,
        "password": demo.network.password.reveal(),
    }
    request = {"kind": "provision", "cloud": "arduino", "name": "shed", "network": network}
    board = demo.boards.ports[0].serial_number
    jobs = app.services.jobs
    return await jobs.wait(await jobs.start(request | {"board": board}, attended=False))


async def test_a_board_is_provisioned_through_a_proxy_that_nobody_hears_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    proxy = RealProxy(account=f"ada:{MARKER}")
    async with company(tmp_path, proxy) as (app, demo):
        await demo.sign_in(app)
        job = await provision(app, demo)
        assert job.state is JobState.DONE, job.error
        assert proxy.tunnels > 0
        findings = await app.services.examine(False, lambda _: None)
        kept = b"".join(
            file.read_bytes() for file in demo.paths.config_dir.rglob("*") if file.is_file()
        )
    assert f"through the proxy 127.0.0.1:{proxy.port}" in str(findings)
    assert MARKER not in str(findings) + str(job) + caplog.text
    assert MARKER.encode() not in kept


async def test_a_company_that_reads_along_is_named_before_anything_is_signed_in(
    tmp_path: Path,
) -> None:
    reading = Authority(tmp_path / "proxy", "Example Proxy").context(HOST)
    proxy = RealProxy(account=f"ada:{MARKER}", reads_along=reading)
    async with company(tmp_path, proxy) as (app, demo):
        with pytest.raises(CertificateUnknown) as caught:
            await demo.sign_in(app)
        assert demo.cloud.client_secret.reveal().encode() not in b"".join(proxy.inside)
    assert "Example Proxy" in caught.value.report().meaning
    assert MARKER not in repr(caught.value.report())
