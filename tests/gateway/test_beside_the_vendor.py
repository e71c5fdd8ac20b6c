"""ThingsBoard's own gateway and ours with the same variables and the same server.

Both are started with the environment of a case, one after the other and each with an empty folder;
in between what the first one made is deleted, so that the second finds the server as the first did.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from agent.simulator.thingsboard import SimulatedThingsBoard
from tests.gateway.running import PROVISIONING, QuickClock, running, variables
from tests.judges.real_gateway import LIMIT_S, Gateway, ask, either, make_gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.simulator.thingsboard_devices import Device

pytestmark = [
    pytest.mark.needs("thingsboard"),
    pytest.mark.system("linux"),
    pytest.mark.slow,
    pytest.mark.timeout(150),
]

REMOVE = "gateway_remove_provisioned_credentials"
NAMELESS = "the-token-of-the-one-without-a-name"


@dataclass(frozen=True)
class Case:
    """What is given beside server, key and secret. ``NAME`` is the case's own unless given."""

    more: dict[str, str] = field(default_factory=dict)
    """Without the prefix of provisioning."""
    older: dict[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the vendor's own file."""
    stays: bool = False
    """The device was there before."""
    prepared: bool = False
    """The device waits in the profile that checks."""


CASES = {
    "token": Case(),
    "own-token": Case({"ACCESS_TOKEN": "its-own-token", "USERNAME": "not-this"}),
    "basic": Case({"USERNAME": "its-name", "PASSWORD": "its-password"}),
    "certificate": Case({"CA_CERT_FILENAME": "ca.pem"}),
    "no-name": Case({"ACCESS_TOKEN": NAMELESS}, without=(f"{PROVISIONING}NAME",)),
    "prepared": Case({"ACCESS_TOKEN": "not-this-but-what-is-stored"}, prepared=True),
    # The file says so, and beats the variables.
    "file": Case(
        {"KEY": "wrong"},
        settings={"provisioning": {"type": "MQTT_BASIC", "username": "from-file"}},
    ),
    "older-beside": Case(
        older={
            "TB_GW_SECURITY_TYPE": "usernamePassword",
            "TB_GW_USERNAME": "older",
            "TB_GW_ACCESS_TOKEN": "older",
            "TB_GW_CA_CERT": "ca.pem",
        }
    ),
    "older-alone": Case(
        older={"TB_GW_ACCESS_TOKEN": "prepared"},
        without=tuple(f"{PROVISIONING}{word}" for word in ("KEY", "SECRET", "NAME")),
        stays=True,
    ),
}


@pytest.fixture
async def server() -> AsyncIterator[SimulatedThingsBoard]:
    async with SimulatedThingsBoard(coap=False) as simulated:
        yield simulated


def environment(server: SimulatedThingsBoard, name: str, case: Case, port: int) -> dict[str, str]:
    more = {"NAME": name, **case.more}
    if case.prepared:
        more |= {"KEY": server.check.key, "SECRET": server.check.secret.reveal()}
    given = variables(server, **more) | case.older
    if name == "certificate":
        # It makes one connection in clear, and then one with TLS to the same port.
        given |= {"TB_GW_HOST": "localhost", "TB_GW_PORT": str(port)}
    return {key: text for key, text in given.items() if key not in case.without}


def settings(server: SimulatedThingsBoard, name: str, case: Case) -> dict[str, Any]:
    if "provisioning" not in case.settings:
        return case.settings
    right = {
        "provisionDeviceKey": server.create.key,
        "provisionDeviceSecret": server.create.secret.reveal(),
        "deviceName": name,
    }
    return {"provisioning": case.settings["provisioning"] | right}


def find(server: SimulatedThingsBoard, name: str) -> Device | None:
    if name == "no-name":
        return server.state.by_token(NAMELESS)
    return server.state.devices.get(name)


async def connected(server: SimulatedThingsBoard, name: str, gateway: Gateway | None) -> Device:
    async with asyncio.timeout(LIMIT_S):
        while True:
            device = find(server, name)
            if device is not None and server.state.sessions.get(device.id):
                return device
            if gateway is not None and gateway.process is not None:
                ended = gateway.process.returncode is not None
                assert not ended, (gateway.home / "out").read_text()
            await asyncio.sleep(0.01)


def described(device: Device, case: Case) -> dict[str, Any]:
    """What has to be the same; of what was invented that it is there, and its form."""
    kept = device.credentials
    basic = kept.basic
    given = set(case.more.values()) | {"from-file"}

    def shown(text: str) -> str:
        return text if text in given else f"invented: {bool(text)}"

    return {
        "name": re.sub(r"^Gateway [a-z]{5}$", "Gateway and five letters", device.name),
        "profile": device.profile.name,
        "gateway": device.gateway,
        "state": device.attributes["SERVER_SCOPE"].get("provisionState"),
        "kind": kept.kind,
        "token": shown(kept.id) if kept.kind == "ACCESS_TOKEN" else "",
        "basic": [shown(text) for text in (basic.client_id, basic.username, basic.password)]
        if basic is not None
        else [],
    }


async def test_for_the_same_variables_both_end_as_the_same_device(server, tmp_path):
    prepared = server.prepare("older-alone", server.create)
    prepared.gateway = True
    older = CASES["older-alone"].older | {"TB_GW_ACCESS_TOKEN": prepared.credentials.id}
    cases = CASES | {"older-alone": Case(**{**vars(CASES["older-alone"]), "older": older})}
    async with either(server) as port, contextlib.AsyncExitStack() as stack:
        given = {name: environment(server, name, case, port) for name, case in cases.items()}
        own = {name: settings(server, name, case) for name, case in cases.items()}
        theirs: dict[str, Any] = {}
        vendors = {
            name: make_gateway(tmp_path / "theirs" / name, given[name], **own[name])
            for name in cases
        }
        for name, vendor in vendors.items():
            if cases[name].prepared:
                server.prepare(name)
            (vendor.home / "config" / "ca.pem").write_text(server.ca)
            stack.push_async_callback(vendor.stop)
            await vendor.start()
        for name, vendor in vendors.items():
            device = await connected(server, name, vendor)
            theirs[name] = described(device, cases[name])
            await vendor.stop()
            if not cases[name].stays:
                server.state.delete(device)
        for name, case in cases.items():
            # Its settings and none of what the other one kept.
            ours = make_gateway(tmp_path / "ours" / name, given[name], **own[name])
            (ours.home / "config" / "ca.pem").write_text(server.ca)
            if case.prepared:
                server.prepare(name)
            async with running(ours.environ, ours.home / "gateway.json") as seen:
                await seen.connected()
                device = await connected(server, name, None)
                assert described(device, case) == theirs[name], name
                assert seen.phase == "connected"


async def test_both_start_again_without_asking_and_only_ours_survives_a_name_that_is_taken(
    server, tmp_path
):
    given = variables(server)
    vendor = make_gateway(tmp_path / "theirs", given)

    def outcomes() -> list[str]:
        return [seen.outcome for seen in server.record.requests if seen.operation == "provision"]

    try:
        await vendor.start()
        await connected(server, "gw-1", vendor)
        assert (await ask(server, REMOVE))["code"] == 200
        assert (await ask(server, REMOVE))["code"] == 404
        await vendor.stop()
        await vendor.start()
        assert await vendor.end() == 1
    finally:
        await vendor.stop()
    assert outcomes() == ["SUCCESS", "FAILURE"]
    server.state.delete(server.state.devices["gw-1"])

    server.record.requests.clear()
    file = tmp_path / "gateway.json"
    async with running(given, file) as seen:
        await seen.connected()
        assert (await server.call("gw-1", REMOVE))["code"] == 200
        assert (await server.call("gw-1", REMOVE))["code"] == 404
    async with running(given, file, clock=QuickClock()) as seen:
        await seen.until(lambda: "gateway-refused" in seen.codes() and seen.phase == "connected")
    assert outcomes()[:2] == ["SUCCESS", "FAILURE"]


async def test_who_changes_from_the_vendor_s_gateway_stays_the_same_device(server, tmp_path):
    vendor = make_gateway(tmp_path, variables(server))
    try:
        await vendor.start()
        device = await connected(server, "gw-1", vendor)
    finally:
        await vendor.stop()
    before = vendor.credentials.read_bytes()
    async with running(vendor.environ, tmp_path / "gateway.json") as seen:
        await seen.connected()
        assert server.state.sessions[device.id]
    assert server.state.devices["gw-1"] is device
    assert server.record.count("provision") == 1
    assert vendor.credentials.read_bytes() == before
