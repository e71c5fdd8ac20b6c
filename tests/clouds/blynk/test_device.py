"""What a token alone can ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.errors import BlynkRefused, BlynkTokenUnknown, CloudAnswer
from agent.protocols.blynk.device_api import Firmware
from agent.protocols.blynk.tokens import parse_pasted
from agent.settings import Secret
from agent.simulator.blynk_cloud_faults import Fault

if TYPE_CHECKING:
    from agent.clouds.blynk.cloud import Blynk
    from agent.simulator.blynk_cloud import SimulatedBlynkCloud

TEMPLATE = "TMPLdemo00000"


async def test_a_pasted_token_is_asked_about_without_an_account(
    free: Blynk, server: SimulatedBlynkCloud
) -> None:
    device = server.state.create(TEMPLATE, "Mine", 101, 7)
    token = parse_pasted(f'#define BLYNK_AUTH_TOKEN "{device.token}"').token
    assert await free.connected(token) is False
    await server.login(device.token, TEMPLATE)
    assert await free.connected(token) is True


async def test_a_token_of_nobody_names_the_region(free: Blynk, server: SimulatedBlynkCloud) -> None:
    with pytest.raises(BlynkTokenUnknown) as caught:
        await free.connected(Secret("x" * 32))
    report = caught.value.report()
    assert "127.0.0.1" in report.meaning
    assert "region" in report.remedy
    assert "xxx" not in repr(report)


async def test_an_activation_stands_for_the_first_login(
    blynk: Blynk, server: SimulatedBlynkCloud
) -> None:
    made = await blynk.provision()
    with pytest.raises(BlynkTokenUnknown):
        await blynk.connected(made.token)
    await blynk.activate(made.token, Firmware(template_id=TEMPLATE, version="1.0.0"))
    (device,) = await blynk.devices()
    assert (device.template_id, device.firmware) == (TEMPLATE, "1.0.0")
    assert not await blynk.connected(made.token)
    with pytest.raises(BlynkRefused, match="activate the device"):
        await blynk.activate(made.token, Firmware(template_id="TMPLother"))
    with pytest.raises(BlynkTokenUnknown):
        await blynk.activate(Secret("y" * 32), Firmware(template_id=TEMPLATE))


async def test_an_answer_that_is_none_is_told(free: Blynk, server: SimulatedBlynkCloud) -> None:
    token = Secret(server.state.create(TEMPLATE, "Mine", 101, 7).token)
    server.faults.add(Fault("text", "device", text=f"maybe {token.reveal()}"))
    with pytest.raises(CloudAnswer) as caught:
        await free.connected(token)
    assert token.reveal() not in repr(caught.value.report())
