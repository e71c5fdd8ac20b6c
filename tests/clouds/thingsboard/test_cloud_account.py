"""Another account while one is in use: what is stored is what is used, its authorities included."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest

from agent.clouds.route import Routes
from agent.clouds.system_proxy import SystemProxy
from agent.clouds.thingsboard.cloud import CA_ENTRY, ThingsBoard
from agent.errors import FolderFailed
from agent.settings import Secret
from agent.simulator.thingsboard import SimulatedThingsBoard
from tests.clouds.account_stores import FullStore, SlowStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.clouds.accounts import AccountStore


@pytest.fixture
async def server() -> AsyncIterator[SimulatedThingsBoard]:
    async with SimulatedThingsBoard(coap=False) as running:
        yield running


def account(server: SimulatedThingsBoard, kind: str) -> dict[str, Any]:
    profile = server.create
    return {
        "server": server.addresses[kind],
        "board_server": server.addresses[kind],
        "provision_key": profile.key,
        "provision_secret": profile.secret,
        **({"ca": server.ca} if kind == "https" else {}),
    }


def cloud(store: AccountStore) -> ThingsBoard:
    return ThingsBoard(accounts=store, routes=Routes(system=SystemProxy, environ={}))


@pytest.mark.parametrize(("before", "after"), [("http", "https"), ("https", "http")])
async def test_an_account_that_cannot_be_stored_leaves_the_one_before_with_its_authorities(
    server: SimulatedThingsBoard, tmp_path: Path, before: str, after: str
) -> None:
    store = FullStore(tmp_path / "accounts.json")
    client = cloud(store)
    try:
        await client.login(account(server, before))
        kept = await store.get(CA_ENTRY)
        store.full = "thingsboard"
        with pytest.raises(FolderFailed):
            await client.login(account(server, after))
        assert await store.get(CA_ENTRY) == kept
        assert (kept is None) is (before == "http")
        for each in (client, cloud(store)):
            assert (await each.info()).account["server"] == server.addresses[before]
            await each.close()
    finally:
        await client.close()


async def test_a_person_who_leaves_while_it_is_stored_finds_it_used(
    server: SimulatedThingsBoard, tmp_path: Path
) -> None:
    store = SlowStore(tmp_path / "accounts.json")
    client = cloud(store)
    try:
        await client.login(account(server, "http"))
        store.stored.clear()
        store.go_on.clear()
        login = asyncio.create_task(client.login(account(server, "https")))
        await store.stored.wait()
        login.cancel()
        await asyncio.wait([login])
        assert login.cancelled()
        store.go_on.set()
        assert (await client.info()).account["server"] == server.addresses["https"]
        fields = await store.get("thingsboard")
        assert fields is not None
        assert fields["server"] == Secret(server.addresses["https"])
    finally:
        await client.close()


async def test_a_server_for_boards_where_nobody_listens_is_a_warning_and_no_refusal(
    server: SimulatedThingsBoard, tmp_path: Path
) -> None:
    store = FullStore(tmp_path / "accounts.json")
    client = cloud(store)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"mqtts://127.0.0.1:{closed.getsockname()[1]}"
    try:
        await client.login(account(server, "https"))
        assert await client.warning() == ""
        await client.login(account(server, "https") | {"board_server": server.addresses["mqtts"]})
        assert await client.warning() == ""
        await client.login(account(server, "https") | {"board_server": nobody})
        assert nobody in await client.warning()
    finally:
        await client.close()
