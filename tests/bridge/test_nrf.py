"""``nrf.*`` over a running server: a simulated board, a simulated nRF Cloud, the published document."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from agent.clouds.accounts import AccountStore
from agent.clouds.nrf.cloud import NrfCloud
from agent.protocols.nrf.cmng import CLOUD_TAG, CredentialType
from agent.protocols.nrf.token import parse_token
from agent.simulator.nrf_board import SimulatedNrfBoard
from agent.simulator.nrf_cloud import SimulatedNrfCloud
from agent.simulator.nrf_cloud_state import Command
from agent.simulator.nrf_config import NrfConfig
from agent.simulator.nrf_identity import ModemIdentity, genuine
from tests.bridge.running import FOREIGN, Bridge
from tests.bridge.test_openrpc import Checked, fetch
from tests.clouds.nrf.test_bulk import certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.system("linux", "darwin")

TAG = "nrf-cloud-onboarding"


@asynccontextmanager
async def plugged_in(bridge: Bridge, **config: Any) -> AsyncIterator[tuple[SimulatedNrfBoard, str]]:
    """A board and its id."""
    board = SimulatedNrfBoard(NrfConfig(**config), speed=200.0, folder=str(bridge.ports))
    await board.start()
    try:
        client = await bridge.open()
        await client.call("boards.subscribe")
        while not (found := bridge.services.boards.list()):
            await client.next("boards.changed")
        yield board, found[0].id
    finally:
        await board.stop()


@asynccontextmanager
async def team(bridge: Bridge, folder: Path) -> AsyncIterator[SimulatedNrfCloud]:
    """An nRF Cloud with the account of the agent."""
    async with SimulatedNrfCloud() as cloud:
        store = AccountStore(folder / "accounts.json", use_keyring=False)
        url = cloud.base_url
        client = NrfCloud(accounts=store, provisioning_url=url, devices_url=url)
        await client.login({"api_key": cloud.key.secret})
        bridge.services.clouds["nrf"] = client  # type: ignore[index]  # a dict in these tests
        try:
            yield cloud
        finally:
            await client.close()


async def test_every_method_does_what_the_document_says(bridge: Bridge, tmp_path: Path) -> None:
    agent = Checked(await bridge.open(), await fetch(bridge))
    async with team(bridge, tmp_path) as cloud, plugged_in(bridge, firmware="tracker") as plugged:
        modem, board = plugged
        read = await agent.call("nrf.token", board=board)
        assert read["device_id"] == str(modem.identity.device_id)
        assert (read["board"], read["imei"]) == (board, modem.identity.imei)
        assert genuine(read["token"])
        other = ModemIdentity("elsewhere").attest()
        cloud.state.strangers.add(parse_token(other).device_id)
        claimed = await agent.call("nrf.claim", tokens=[read["token"], other], tags=[TAG, "a=1"])
        assert claimed["rule"] == "made"
        assert [row["state"] for row in claimed["rows"]] == ["done", "failed"]
        assert other not in str(claimed)
        again = await agent.call("nrf.claim", tokens=[read["token"]])
        assert [row["state"] for row in again["rows"]] == ["before"]
        assert (await agent.call("nrf.claim", tokens=[read["token"]], tags=[]))["rule"] is None
        (device,) = (await agent.call("nrf.devices"))["devices"]
        assert (device["id"], device["tags"]) == (read["device_id"], [TAG, "a=1"])
        assert (device["onboarded"], device["imei"]) == (False, read["imei"])
        none = {"device": device["id"], "commands": []}
        assert await agent.call("nrf.commands", device=read["imei"]) == none
        claim = cloud.state.claims[device["id"]]
        claim.commands.append(Command({"cloudAccessKeyGeneration": {"secTag": 1}}, status="FAILED"))
        again = await agent.call("nrf.queue_again", device=device["id"])
        (command,) = again["commands"]
        assert (command["status"], command["blocks"]) == ("PENDING", False)
        ids = [command["id"]]
        assert await agent.call("nrf.delete_commands", device=device["id"], commands=ids) == none
        rows = [{"device_id": "one", "certificate": certificate("one"), "tags": ["x"]}]
        (made,) = (await agent.call("nrf.onboard", rows=rows))["rows"]
        assert (made["device_id"], made["state"]) == ("one", "done")
        assert "one" in cloud.state.devices

        assert len((await agent.call("nrf.credentials", board=board))["credentials"]) == 3
        key = await agent.call("nrf.make_key", board=board, attributes="CN=a")
        assert x509.load_pem_x509_csr(key["request"].encode()).is_signature_valid
        assert key["device_id"] == read["device_id"]
        contents = [{"kind": "client-certificate", "content": certificate("a").strip()}]
        wanted = {"board": board, "credentials": contents}
        assert await agent.call("nrf.write", **wanted) == {"written": [True]}
        assert await agent.call("nrf.write", **wanted) == {"written": [False]}
        assert (CLOUD_TAG, CredentialType.CLIENT_CERTIFICATE) in modem.modem.store
        place = {"board": board, "kind": "client-certificate"}
        assert await agent.call("nrf.delete", **place) == {"deleted": True}
        assert await agent.call("nrf.delete", **place) == {"deleted": False}
    assert agent.called == {name for name in agent.methods if name.startswith("nrf.")}


async def test_nothing_is_written_if_one_of_several_places_is_taken(bridge: Bridge) -> None:
    async with plugged_in(bridge, firmware="at") as (plugged, board):
        client = await bridge.open()
        taken = [{"kind": "root-ca", "content": certificate("old").strip()}]
        await client.call("nrf.write", board=board, credentials=taken)
        before = dict(plugged.modem.store)
        both = [
            {"kind": "client-certificate", "content": certificate("new").strip()},
            {"kind": "root-ca", "content": certificate("new").strip()},
        ]
        refused = await client.fail("nrf.write", board=board, credentials=both)
        assert refused["data"]["code"] == "nrf-credential-exists"
        assert plugged.modem.store == before
        told = await client.call("nrf.write", board=board, credentials=both, overwrite=True)
        assert told == {"written": [True, True]}
        assert plugged.modem.mode == 1, "the radio is on again"


async def test_wrong_input_is_named_without_a_token(bridge: Bridge, tmp_path: Path) -> None:
    client = await bridge.open()
    missing = await client.fail("nrf.devices")
    assert missing["data"]["facts"]["field"] == "cloud"
    async with team(bridge, tmp_path) as cloud:
        whole = ModemIdentity("a").attest()
        for tokens, field in (([], "tokens"), ([whole, whole[:-9]], "tokens[1]")):
            refused = await client.fail("nrf.claim", tokens=tokens)
            assert refused["data"]["facts"]["field"] == field
            assert whole[:-9] not in str(refused)
        assert (await client.fail("nrf.onboard", rows=[]))["data"]["facts"]["field"] == "rows"
        assert cloud.state.claims == {}


async def test_a_foreign_page_gets_none_of_it(bridge: Bridge) -> None:
    page = await bridge.open(FOREIGN)
    methods = {each["name"] for each in (await fetch(bridge))["methods"]}
    ours = {name for name in methods if name.startswith("nrf.")}
    assert len(ours) == 11
    for name in ours:
        assert (await page.fail(name))["data"]["code"] == "not-allowed"


async def test_a_board_that_somebody_uses_is_told_with_its_user(bridge: Bridge) -> None:
    async with plugged_in(bridge) as (_, board):
        client = await bridge.open()
        async with bridge.services.boards.lease(board, "a job"):
            refused = await client.fail("nrf.token", board=board)
        assert refused["data"]["facts"]["holder"] == "a job"
        assert (await client.call("nrf.token", board=board))["board"] == board
