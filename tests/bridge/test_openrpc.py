"""The published document against the running server: every method, every message."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from agent.bridge.openrpc import NOTIFICATIONS
from agent.clouds.vault import Vault
from agent.errors import BoardSilent
from agent.jobs.job import JobKind, Step
from agent.settings import Secret
from agent.settings.notices import Update
from tests.bridge.running import FOREIGN, UNKNOWN, Bridge, Client
from tests.bridge.schema import check
from tests.clouds.vaults import settings

DOCS = Path(__file__).parents[2] / "docs" / "bridge.md"

pytestmark = pytest.mark.system("linux", "darwin")


async def fetch(bridge: Bridge) -> dict[str, Any]:
    def read() -> Any:
        with urllib.request.urlopen(f"http://{bridge.host}/openrpc.json") as answer:
            assert answer.headers["content-type"] == "application/json"
            return json.load(answer)

    document: dict[str, Any] = await asyncio.to_thread(read)
    return document


class Checked:
    """Calls methods and holds params, results and notifications against the document."""

    def __init__(self, client: Client, document: dict[str, Any]) -> None:
        self.client = client
        self.components: dict[str, Any] = document["components"]["schemas"]
        self.methods = {method["name"]: method for method in document["methods"]}
        self.called: set[str] = set()
        self.params = {note["name"]: note["params"] for note in document["x-notifications"]}

    async def call(self, method: str, **params: Any) -> Any:
        described = self.methods[method]
        schemas = {param["name"]: param["schema"] for param in described["params"]}
        for name, value in params.items():
            check(value, schemas[name], self.components, f"{method}({name})")
        for param in described["params"]:
            assert not param["required"] or param["name"] in params
        result = await self.client.call(method, **params)
        check(result, described["result"]["schema"], self.components, f"{method} result")
        self.called.add(method)
        return result

    async def fail(self, method: str, **params: Any) -> dict[str, Any]:
        error = await self.client.fail(method, **params)
        check(error["data"], {"$ref": "#/components/schemas/ErrorReport"}, self.components)
        return error

    async def next(self, method: str) -> Any:
        params = await self.client.next(method)
        check(params, self.params[method], self.components, method)
        return params


async def test_every_method_does_what_the_document_says(bridge: Bridge) -> None:
    document = await fetch(bridge)
    agent = Checked(await bridge.open(), document)
    pty, board = await bridge.board()
    network = {"kind": "wifi", "ssid": "HomeNet", "password": "12345678"}
    options = [{"ssid": "HomeNet", "ssid_hex": b"HomeNet".hex(), "rssi_dbm": -85}]

    await agent.call("agent.info")
    await agent.call("agent.subscribe")
    bridge.services.update.set(Update(version="9", url="https://example.com"))
    await agent.next("agent.changed")
    await agent.call("boards.list")
    await agent.call("boards.subscribe", ble=True)
    await agent.call("models.list")
    await agent.call("networks.schema")
    await agent.call("networks.check", network=network, board=board, networks=options)
    await agent.call("networks.check", network={"kind": "ethernet", "ip": "10.0.0.9"})
    await agent.call("jobs.subscribe")
    identified = asyncio.ensure_future(agent.call("board.identify", board=board, via="usb"))
    await bridge.jobs.started.wait()
    bridge.jobs.end("1", result={"uhwid": "ab" * 32, "networks": options})
    await identified
    bridge.jobs.started.clear()
    scanned = asyncio.ensure_future(agent.call("board.networks", board=board, via="ble"))
    await bridge.jobs.started.wait()
    bridge.jobs.end("2", result={"networks": options, "scanned_at": 1.5})
    await scanned
    await agent.call(
        "jobs.start", kind="provision", board=board, network=network, cloud="arduino", name="k"
    )
    bridge.jobs.ask("3")
    answer = {"action": "retry", "password": "87654321", "choice": "EU868", "name": "k"}
    await agent.call("jobs.answer", job="3", answer=answer, question=1)
    step = Step(id="join", name="Join", started_at=1.0, seconds=2.0, progress=0.5)
    bridge.jobs.end("3", error=BoardSilent(seconds=3).report(), steps=[step], result={"x": [1]})
    await agent.call("jobs.get", job="3")
    bridge.jobs.files["3", "arduino_secrets.h"] = Secret("#define SECRET_DEVICE_KEY")
    await agent.call("jobs.file", job="3", name="arduino_secrets.h")
    await agent.call("jobs.list", limit=5, board=board)
    await agent.call("jobs.start", kind="forget", board=board, attended=False, confirmed=True)
    await agent.call("jobs.cancel", job="4")
    bridge.jobs.started.clear()
    blinking = asyncio.ensure_future(agent.call("board.blink", board=board, via="ble"))
    await bridge.jobs.started.wait()
    bridge.jobs.end("5", result={})
    await blinking
    await agent.call("board.procedure", board=board, model="uno")
    await agent.call("board.procedure", board=board, cloud="arduino", procedure="provision-1.0")
    await agent.call("sketches.list")
    dropped = (await agent.call("flash.offer", name="a.bin", size=9))["image"]
    await agent.call("flash.drop", image=dropped)
    image = (await agent.call("flash.offer", name="a.bin", size=3))["image"]
    await agent.client.socket.send(bytes([image]) + b"abc")
    await agent.call(
        "jobs.start",
        kind="provision",
        board=board,
        procedure="provision-1.0",
        cloud="arduino",
        frequency_plan="EU868",
        credentials="certificate",
        delivery="repl",
        prepare_only=True,
        delete_old=True,
        sketch="ab12",
        url="https://files.example.com/a.bin",
        override="uno",
        model="uno",
        image=image,
        via="usb",
    )
    await agent.call("flash.start", board=board, sketch="provisioning", model="uno")
    await agent.call("clouds.list")
    account = {"client_id": "me", "client_secret": "right"}
    await agent.call("clouds.login", cloud="arduino", account=account)
    await agent.call("clouds.logout", cloud="arduino")
    await agent.call("clouds.device", cloud="thingsboard", name="greenhouse")
    await agent.call("clouds.profile", cloud="thingsboard")
    await agent.call("origins.list")
    await agent.call("origins.subscribe")
    await agent.call("origins.allow", url="https://new.example.com", may=["serial"])
    await agent.next("origins.changed")
    async with bridge.ask(UNKNOWN, "boards,flash") as page:
        asking = json.loads(await page.recv())
        check(asking, {"anyOf": document["x-ask"]["messages"]}, agent.components)
        (asked,) = (await agent.call("origins.list"))["asking"]
        await agent.call("origins.answer", ask=asked["ask"], decision="no")
        told = json.loads(await page.recv())
        check(told, {"anyOf": document["x-ask"]["messages"]}, agent.components)
    await agent.call("origins.revoke", url="https://new.example.com")
    channel = (await agent.call("serial.open", board=board, baud=9600))["channel"]
    await agent.call("serial.write", channel=channel, text="x")
    await agent.call("serial.close", channel=channel)
    channel = (await agent.call("serial.open", board=board))["channel"]
    for _ in range(9):
        await agent.client.socket.send(bytes([channel]) + bytes(40_000))
    await agent.next("serial.refused")
    pty.unplug()
    await agent.next("serial.closed")
    while not (await agent.next("boards.changed"))["vanished"]:
        pass
    while (await agent.next("job.changed"))["state"] != "cancelled":
        pass
    await agent.fail("serial.open", board="gone")
    vault = bridge.services.vault
    assert isinstance(vault, Vault)
    entries = [
        await vault.add(
            board=board, board_name="k", cloud="thingsboard", device="d", job="1", settings=kept
        )
        for kept in (None, settings())
    ]
    assert len((await agent.call("vault.list"))["entries"]) == 2
    await agent.call("vault.forget", entry=entries[0])
    await agent.fail("vault.forget", entry=entries[0])
    await agent.call("doctor.run", fix=True)
    await agent.call("agent.pause")
    await agent.call("agent.resume")
    await agent.call("agent.show", page="job/3")
    await agent.call("report.make")
    await agent.call("wifi.points")
    assert (await agent.call("settings.get"))["problem"] is None
    await agent.call("settings.set", values={"log.level": "debug", "flash.urls": None})
    await agent.fail("settings.set", values={"log.level": "loud"})
    await agent.call("agent.quit")
    others = {name for name in agent.methods if name.startswith(("nrf.", "blynk."))}  # elsewhere
    assert agent.called == set(agent.methods) - others, "each method of the document is called"


async def test_the_document_has_all_methods_and_says_which_are_closed_to_pages(
    bridge: Bridge,
) -> None:
    document = await fetch(bridge)
    registered = {method.name: method.own for method in bridge.server.dispatcher.methods}
    assert {m["name"]: m["x-own"] for m in document["methods"]} == registered
    assert {note["name"] for note in document["x-notifications"]} == set(NOTIFICATIONS)
    scopes = {m.name: m.scope for m in bridge.server.dispatcher.methods}
    assert {m["name"]: m["x-scope"] for m in document["methods"]} == scopes
    assert document["x-job-scopes"]["migrate"] == ["flash", "provision"]
    assert set(document["x-job-scopes"]) == {kind.value for kind in JobKind}
    assert (document["x-ask"]["path"], list(document["x-ask"]["query"])) == ("/ask", ["wants"])
    page = await bridge.open(FOREIGN)
    for name, own in registered.items():
        error = (await page.request(name, wrong_on_purpose=1))["error"]
        assert error["data"]["code"] == ("not-allowed" if own else "input"), name


async def test_secrets_are_marked_and_every_reference_leads_somewhere(bridge: Bridge) -> None:
    document = await fetch(bridge)
    components = document["components"]["schemas"]
    references: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                references.append(value["$ref"])
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(document)
    for reference in references:
        kind, name = reference.removeprefix("#/components/").split("/")
        assert name in document["components"][kind], reference
    assert components["WiFi"]["properties"]["password"]["format"] == "password"
    (start,) = [m for m in document["methods"] if m["name"] == "jobs.start"]
    (network,) = [p for p in start["params"] if p["name"] == "network"]
    assert {"$ref": "#/components/schemas/NetworkSetting"} in network["schema"]["anyOf"]
    (login,) = [m for m in document["methods"] if m["name"] == "clouds.login"]
    (account,) = [p for p in login["params"] if p["name"] == "account"]
    assert account["schema"]["additionalProperties"]["format"] == "password"


async def test_the_words_for_people_name_every_method_and_notification(bridge: Bridge) -> None:
    text = DOCS.read_text(encoding="utf-8")
    for method in bridge.server.dispatcher.methods:
        assert f"`{method.name}`" in text, method.name
    for name in NOTIFICATIONS:
        assert f"`{name}" in text, name
