"""The account, and what needs no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.errors import (
    BlynkNoPlatform,
    BlynkTemplate,
    CloudAnswer,
    InputError,
    NotAuthorised,
    Unreachable,
)
from agent.settings import Secret
from agent.simulator.blynk_cloud_faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.clouds.accounts import AccountStore
    from agent.clouds.blynk.cloud import Blynk
    from agent.simulator.blynk_cloud import SimulatedBlynkCloud


async def test_an_account_is_checked_kept_and_forgotten(
    connect: Callable[[], Blynk], server: SimulatedBlynkCloud, tmp_path: Path
) -> None:
    client = connect()
    assert not (await client.info()).signed_in
    await client.login(server.account)
    shown = (await connect().info()).account
    assert shown["client_id"] == server.client.id
    assert server.client.secret.reveal() not in str(shown)
    assert (await connect().provision()).device_id
    await client.logout()
    assert not (await connect().info()).signed_in
    assert not (tmp_path / "accounts.json").exists()


@pytest.mark.parametrize("change", [{"client_secret": "wrong"}, {"client_id": "nobody"}])
async def test_nothing_is_kept_of_an_account_that_is_refused(
    connect: Callable[[], Blynk],
    server: SimulatedBlynkCloud,
    store: AccountStore,
    change: dict[str, str],
) -> None:
    with pytest.raises(NotAuthorised):
        await connect().login({**server.account, **change})
    assert await store.get("blynk") is None


async def test_a_refused_account_leaves_the_one_before(
    blynk: Blynk, server: SimulatedBlynkCloud
) -> None:
    with pytest.raises(NotAuthorised):
        await blynk.login({**server.account, "client_secret": "wrong"})
    assert (await blynk.provision()).device_id


async def test_without_a_client_the_server_is_asked_whether_it_is_one(
    connect: Callable[[], Blynk], server: SimulatedBlynkCloud
) -> None:
    client = connect()
    await client.login({"server": server.addresses["http"]})
    info = await connect().info()
    assert (info.signed_in, info.needs_account) == (False, False)
    assert info.account == {"server": server.addresses["http"]}
    server.faults.add(Fault("text", "device", text="Welcome", times=None))
    with pytest.raises(CloudAnswer):
        await connect().login({"server": server.addresses["http"]})
    server.down = True
    with pytest.raises(Unreachable):
        await connect().login({"server": server.addresses["http"]})


async def test_what_needs_a_client_says_how_it_goes_without(free: Blynk) -> None:
    for call in (
        free.provision(),
        free.reprovision(1),
        free.reconfigure(1),
        free.create("TMPLdemo00000", "n"),
        free.devices(),
        free.device(1),
        free.rename(1, "n"),
        free.delete(1),
        free.online(1),
        free.clear(1),
        free.prepared(),
        free.claim("sqr_" + "x" * 32),
        free.unclaim("sqr_" + "x" * 32),
    ):
        with pytest.raises(BlynkNoPlatform) as caught:
            await call
        assert "paste its token" in caught.value.report().remedy


async def test_a_stored_account_that_cannot_be_read_is_none(
    connect: Callable[[], Blynk], store: AccountStore
) -> None:
    await store.set("blynk", {"server": Secret("http://blynk.cloud")})
    assert (await connect().info()).account == {"server": "https://blynk.cloud"}


async def test_wrong_input_sends_nothing(blynk: Blynk, server: SimulatedBlynkCloud) -> None:
    before = len(server.record.requests)
    with pytest.raises(InputError, match="has 51 characters"):
        await blynk.create("TMPLdemo00000", "x" * 51)
    with pytest.raises(InputError, match="template id"):
        await blynk.create("other", "n")
    with pytest.raises(InputError, match="letters, digits"):
        await blynk.rename(1, "a/b")
    with pytest.raises(InputError, match="QR code"):
        await blynk.claim("x")
    with pytest.raises(InputError, match="part of the chip"):
        blynk.check_name("x" * 33, of_board=True)
    assert len(server.record.requests) == before


def test_a_board_of_another_template_is_told_before_anything_is_made(
    connect: Callable[[], Blynk],
) -> None:
    client = connect()
    client.check_template("TMPLdemo00000", "TMPLdemo00000")
    client.check_template("DYNAMIC", "TMPLdemo00000")
    client.check_template("TMPLdemo00000", "")
    with pytest.raises(BlynkTemplate, match="TMPLdemo00001, not TMPLdemo00000"):
        client.check_template("TMPLdemo00001", "TMPLdemo00000")
    assert client.make_name("Thermo", "4Y1H") == "Thermo-4Y1H"


async def test_what_a_board_needs_is_as_the_vault_keeps_it(
    connect: Callable[[], Blynk],
) -> None:
    settings = await connect().settings("Bench 7", Secret("t" * 32))
    settings.check()
    assert (settings.cloud, settings.host, settings.port) == ("blynk", "blynk.cloud", 443)
    assert "ttt" not in repr(settings)
