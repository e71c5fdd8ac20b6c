"""``blynk.*`` over a running server and a simulated Blynk.Cloud."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from agent.clouds.accounts import AccountStore
from agent.clouds.blynk.cloud import Blynk
from agent.simulator.blynk_cloud import SimulatedBlynkCloud
from tests.bridge.running import FOREIGN, Bridge
from tests.bridge.test_openrpc import Checked, fetch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TEMPLATE = "TMPLdemo00000"


class Link:
    """A board that is logged in."""

    told = 0

    def cut(self) -> None:
        """It is deleted."""

    def reconfigure(self) -> None:
        self.told += 1


@asynccontextmanager
async def signed_in(bridge: Bridge, folder: Path) -> AsyncIterator[SimulatedBlynkCloud]:
    store = AccountStore(folder / "accounts.json", use_keyring=False)
    async with SimulatedBlynkCloud() as simulated:
        cloud = Blynk(accounts=store)
        try:
            await cloud.login(simulated.account)
            bridge.services.clouds["blynk"] = cloud  # type: ignore[index]  # a dict in these tests
            yield simulated
        finally:
            await cloud.close()


async def test_devices_are_made_tended_and_sent_back_without_their_tokens(
    bridge: Bridge, tmp_path: Path
) -> None:
    agent = Checked(await bridge.open(), await fetch(bridge))
    await agent.fail("blynk.devices")
    async with signed_in(bridge, tmp_path) as simulated:
        made = await agent.call("blynk.create", template=TEMPLATE, name="Pump")
        device = simulated.state.devices[made["device"]["id"]]
        assert made["entry"]
        assert (await agent.fail("blynk.create", template="x", name="Pump"))["data"][
            "code"
        ] == "input"
        lost = await agent.fail("blynk.create", template="TMPLnobody000", name="Pump")
        assert lost["data"]["code"] == "blynk-not-there"
        listed = await agent.call("blynk.devices")
        assert [each["name"] for each in listed["devices"]] == ["Pump"]

        offline = await agent.fail("blynk.reconfigure", device=device.id)
        assert offline["data"]["code"] == "blynk-offline"
        assert "Pump" in offline["data"]["title"]
        link = Link()
        device.links.append(link)
        assert (await agent.call("blynk.device", device=device.id))["online"]
        sent = await agent.call("blynk.reconfigure", device=device.id)
        assert (sent["entry"], sent["access_point"], link.told) == (made["entry"], "", 1)
        assert sent["board"] == ""

        renamed = await agent.call("blynk.rename", device=device.id, name="Well")
        assert renamed["name"] == device.name == "Well"
        device.data = 9
        await agent.call("blynk.clear", device=device.id)
        assert device.data == 0

        prepared = simulated.state.prepare(TEMPLATE)
        (waiting,) = (await agent.call("blynk.static_tokens"))["tokens"]
        assert (waiting["claimed"], waiting["device"]) == (False, 0)
        assert prepared.token.endswith(waiting["ends"])
        assert len(waiting["ends"]) == 4
        wrong = await agent.fail("blynk.claim", code="sqr_x")
        assert wrong["data"]["facts"]["field"] == "code"
        claimed = await agent.call("blynk.claim", code=prepared.token)
        again = await agent.fail("blynk.claim", code=prepared.token)
        assert again["data"]["code"] == "blynk-claimed"
        number = claimed["device"]["id"]
        await agent.call("blynk.unclaim", device=number)
        nobody = await agent.fail("blynk.unclaim", device=number)
        assert nobody["data"]["code"] == "blynk-not-there"

        entries = (await agent.call("vault.list"))["entries"]
        assert {each["id"] for each in entries} == {made["entry"]}  # given back, and forgotten
        assert claimed["entry"] not in {"", made["entry"]}
        told = str([made, listed, sent, waiting, wrong, claimed, again, entries])
        for secret in (device.token, prepared.token, prepared.device_token):
            assert secret not in told
    assert {name for name in agent.methods if name.startswith("blynk.")} <= agent.called
    page = await bridge.open(FOREIGN)
    assert (await page.fail("blynk.reconfigure", device=1))["data"]["code"] == "not-allowed"
