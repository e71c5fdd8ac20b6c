"""``blynk.*`` over a running server and a simulated Blynk.Cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.clouds.accounts import AccountStore
from agent.clouds.blynk.cloud import Blynk
from agent.simulator.blynk_cloud import SimulatedBlynkCloud
from tests.bridge.running import FOREIGN, Bridge
from tests.bridge.test_openrpc import Checked, fetch

if TYPE_CHECKING:
    from pathlib import Path


async def test_devices_are_listed_without_their_tokens(bridge: Bridge, tmp_path: Path) -> None:
    agent = Checked(await bridge.open(), await fetch(bridge))
    await agent.fail("blynk.devices")
    store = AccountStore(tmp_path / "accounts.json", use_keyring=False)
    async with SimulatedBlynkCloud() as simulated:
        cloud = Blynk(accounts=store)
        try:
            await cloud.login(simulated.account)
            made = await cloud.create("TMPLdemo00000", "Pump")
            bridge.services.clouds["blynk"] = cloud  # type: ignore[index]  # a dict in these tests
            answer = await agent.call("blynk.devices")
        finally:
            await cloud.close()
    (device,) = answer["devices"]
    assert (device["id"], device["name"]) == (made.id, "Pump")
    assert made.token is not None
    assert made.token.reveal() not in str(answer)
    assert agent.called == {name for name in agent.methods if name.startswith("blynk.")}
    page = await bridge.open(FOREIGN)
    assert (await page.fail("blynk.devices"))["data"]["code"] == "not-allowed"
