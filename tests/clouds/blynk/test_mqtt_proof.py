"""A login over MQTT, at the simulated server, at a real broker, and where it is refused oddly."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest

from agent.clouds.blynk.mqtt_proof import token_works
from agent.errors import Unreachable
from agent.settings import Secret
from agent.simulator.blynk_cloud import SimulatedBlynkCloud
from agent.simulator.blynk_cloud_faults import Fault
from tests.internet import Authority
from tests.mosquitto import mosquitto

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.clouds.blynk.cloud import Blynk

TOKEN = Secret("gSNIYf9l7vdaLEMWK0jR-HT9RKe5_DSO")
OTHER = Secret("gSNIYf9l7vdaLEMWK0jR-HT9RKe5_DSX")


async def test_a_token_is_let_in_until_its_device_is_deleted(
    blynk: Blynk, server: SimulatedBlynkCloud
) -> None:
    device = await blynk.create("TMPLdemo00000", "Bench 7")
    assert device.token is not None
    port = server.ports["mqtt"]
    assert await blynk.prove(device.token, port=port) is True
    await blynk.delete(device.id)
    assert await blynk.prove(device.token, port=port) is False


@pytest.mark.parametrize("act", ["quirk", "garbage"])
async def test_a_refusal_that_cannot_be_read_is_one(
    free: Blynk, server: SimulatedBlynkCloud, act: str
) -> None:
    server.faults.add(Fault("quirk" if act == "quirk" else "garbage", "login"))
    assert await free.prove(TOKEN, port=server.ports["mqtt"]) is False


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("close", "login"), "without an answer"),
        (Fault("status", "login", status=0x88), "no time"),
        (Fault("text", "login", text="HTTP/1.1 400\r\n"), "does not speak MQTT"),
    ],
)
async def test_what_is_no_decision_is_an_error(
    free: Blynk, server: SimulatedBlynkCloud, fault: Fault, said: str
) -> None:
    server.faults.add(fault)
    with pytest.raises(Unreachable) as caught:
        await free.prove(TOKEN, port=server.ports["mqtt"])
    assert said in str(caught.value.facts["detail"])


async def test_nobody_there_is_an_error(free: Blynk, server: SimulatedBlynkCloud) -> None:
    port = server.ports["mqtt"]
    await server.__aexit__(None, None, None)
    with pytest.raises(Unreachable, match="cannot be reached") as caught:
        await free.prove(TOKEN, port=port)
    assert caught.value.facts["sent"] is False


async def test_over_tls_the_server_is_checked(connect: Callable[[], Blynk]) -> None:
    async with SimulatedBlynkCloud(tls=True) as server:
        client = connect()
        await client.login({"server": server.addresses["http"]})
        token = Secret(server.state.create("TMPLdemo00000", "n", 101, 7).token)
        port = server.ports["mqtts"]
        assert await client.prove(token, port=port, ca=server.ca) is True
        with pytest.raises(Unreachable):
            await token_works("127.0.0.1", port, token, title="B", tls=ssl.create_default_context())


@pytest.mark.needs("mosquitto")
async def test_a_real_broker_takes_the_login_and_refuses_the_wrong_one(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "server", "Server")
    authority.context("localhost")
    (pair,) = (tmp_path / "server").glob("server-*.pem")
    passwords = tmp_path / "passwords"
    made = await asyncio.create_subprocess_exec(
        "mosquitto_passwd", "-c", "-b", str(passwords), "device", TOKEN.reveal()
    )
    assert await made.wait() == 0
    context = ssl.create_default_context(cafile=str(authority.pem))
    lines = [f"certfile {pair}", f"keyfile {pair}", f"password_file {passwords}"]
    async with mosquitto(tmp_path, *lines, "allow_anonymous false") as port:
        for token, works in ((TOKEN, True), (OTHER, False)):
            assert await token_works("localhost", port, token, title="B", tls=context) is works
