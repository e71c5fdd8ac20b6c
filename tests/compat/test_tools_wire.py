"""The tools interface and ``downloadtool`` over the real server, as a page reaches them."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from agent.bridge.scopes import Scope
from agent.compat.tools_api import BODY_LIMIT, INSTALLED
from agent.settings.config import Config
from agent.settings.config_compat import CompatConfig
from agent.simulator.tool_index import INDEX_PATH, SimulatedToolIndex
from tests.bridge.running import FOREIGN, UNKNOWN
from tests.compat.running import GREETING, VENDOR, run_drop_in
from tests.compat.tool_rig import PRIVATE, signed
from tests.flash.toolstore.rig import Time, program, toolbox

BOSSAC = {"name": "bossac", "version": "1.7.0", "packager": "arduino"}


@pytest.fixture
async def server():
    async with SimulatedToolIndex() as running:
        running.publish(
            "arduino", "bossac", "1.7.0", host="all", file="bossac.tar.gz", data=program()
        )
        yield running


@pytest.fixture
async def running(server, tmp_path):
    key = tmp_path / "key.pem"
    spki = PublicFormat.SubjectPublicKeyInfo
    key.write_bytes(PRIVATE.public_key().public_bytes(Encoding.PEM, spki))
    config = Config(compat=CompatConfig(signature_key=str(key)))
    async with run_drop_in(tmp_path, config, toolbox(server, tmp_path, Time())) as found:
        yield found


async def test_a_page_installs_lists_and_removes_a_tool(running, server):
    assert server.requests == []
    async with running.http(origin=VENDOR) as http:
        head = await http.head(INSTALLED)
        assert (head.status_code, head.content) == (200, b"")
        # Pages send JSON as plain text, so that no preflight is needed.
        plain = {"content-type": "text/plain;charset=UTF-8"}
        done = await http.post(INSTALLED, content=json.dumps(BOSSAC), headers=plain)
        assert (done.status_code, done.json()) == (200, {"status": "ok"})
        assert done.headers["access-control-allow-origin"] == VENDOR
        assert done.headers["content-type"] == "application/json"
        assert (await http.get(INSTALLED)).json() == [BOSSAC]
        gone = await http.request("DELETE", f"{INSTALLED}/arduino/bossac/1.7.0", content="{}")
        assert (gone.status_code, gone.json()) == (200, {"status": "ok"})
        assert (await http.get(INSTALLED)).json() == []


async def test_an_address_is_signed_with_the_key_of_the_settings(running, server):
    url = server.publish("x", "y", "1", host="all", file="b.tar.gz", data=program(b"theirs"))
    checksum = "SHA-256:" + hashlib.sha256(program(b"theirs")).hexdigest()
    body = BOSSAC | {"url": url, "checksum": checksum, "signature": signed(url)}
    async with running.http(origin=VENDOR) as http:
        assert (await http.post(INSTALLED, json=body)).status_code == 200
        assert INDEX_PATH not in server.requests
        running.live.take(Config())
        count = len(server.requests)
        refused = await http.post(INSTALLED, json=body | {"version": "2"})
        assert (refused.status_code, refused.json()["fault"]) == (500, True)
        assert len(server.requests) == count


async def test_every_failure_that_a_page_may_read_is_json(running):
    async with running.http(origin=VENDOR) as http:
        for method, path, content, status in (
            ("GET", "/v2", "", 404),
            ("GET", "/v2/any/thing", "", 404),
            ("PATCH", INSTALLED, "{}", 405),
            ("POST", INSTALLED, "", 400),
            ("POST", INSTALLED, "x" * (BODY_LIMIT + 1), 400),
            ("POST", INSTALLED, json.dumps(BOSSAC | {"name": "nothing"}), 400),
        ):
            answer = await http.request(method, path, content=content)
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == VENDOR
            assert isinstance(answer.json()["message"], str)


async def test_pages_without_the_right_to_write_get_no_tool(running, server):
    async with running.http(origin=UNKNOWN) as http:
        assert (await http.post(INSTALLED, json=BOSSAC)).status_code == 403
    running.bridge.services.origins.allow(FOREIGN, frozenset({Scope.BOARDS}))
    async with running.http(origin=FOREIGN) as http:
        assert (await http.head(INSTALLED)).status_code == 200
        assert (await http.post(INSTALLED, json=BOSSAC)).json()["name"] == "forbidden"
    assert server.requests == []


async def test_pages_that_connect_at_once_get_each_tool_by_one_download(running, server):
    async def connect():
        async with running.socket() as page:
            await page.messages(GREETING)
            await page.command("downloadtool bossac 1.7.0 arduino")
            assert await page.message() == "downloadtool bossac 1.7.0 arduino"
            said: list[dict[str, Any]] = []
            while not said or said[-1]["DownloadStatus"] == "Pending":
                said.append(await page.find("DownloadStatus"))
            return said[-1]

    done = await asyncio.gather(*(connect() for _ in range(5)))
    assert done == [{"DownloadStatus": "Success", "Msg": "Map Updated"}] * 5
    assert len([path for path in server.requests if path.startswith("/tools/")]) == 1
    assert server.requests.count(INDEX_PATH) == 1
