from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.clouds.clock import SystemClock
from agent.errors import EnrolNotUnderstood, GatewayRefused, InputError, ProfileKeyUnknown
from agent.gateway.enrol import make_draft, register
from agent.gateway.setup import read_setup
from agent.gateway.stored import GatewayStore
from agent.settings.credentials import AccessToken, Certificate, MqttBasic
from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.thingsboard_faults import Fault
from tests.gateway.running import direct, variables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

NOW = datetime.now(UTC)
ROOT = Path(__file__).parents[2]


@pytest.fixture
async def server() -> AsyncIterator[SimulatedThingsBoard]:
    async with SimulatedThingsBoard(coap=False) as simulated:
        yield simulated


@pytest.fixture
def store(tmp_path: Path) -> GatewayStore:
    return GatewayStore(tmp_path / "gateway.json")


async def ask(given: Mapping[str, str], store: GatewayStore) -> None:
    setup = read_setup(given)
    assert setup is not None
    assert setup.provisioning is not None
    await register(setup, setup.provisioning, store, routes=direct(), clock=SystemClock())


def draft(**more: str):
    given = {"TB_GW_HOST": "127.0.0.1", "TB_GW_PROVISIONING_DEVICE_KEY": "k"}
    given |= {"TB_GW_PROVISIONING_DEVICE_SECRET": "s"}
    setup = read_setup(given | {f"TB_GW_PROVISIONING_DEVICE_{n}": t for n, t in more.items()})
    assert setup is not None
    assert setup.provisioning is not None
    return make_draft(setup.server, setup.provisioning, NOW)


def test_what_nobody_gave_is_invented():
    made = draft()
    assert made.name.startswith("Gateway ")
    assert isinstance(made.credentials, AccessToken)
    assert len(made.credentials.token.reveal()) == 20
    assert made.invented
    assert draft() != made


def test_what_was_given_stays():
    made = draft(NAME="n", ACCESS_TOKEN="t")
    assert made.name == "n"
    assert isinstance(made.credentials, AccessToken)
    assert made.credentials.token.reveal() == "t"
    assert not made.invented
    basic = draft(USERNAME="u", CLIENT_ID="c")
    assert isinstance(basic.credentials, MqttBasic)
    assert (basic.credentials.username, basic.credentials.client_id) == ("u", "c")
    assert basic.credentials.password
    assert not basic.invented
    assert draft(PASSWORD="p").invented


async def test_a_prepared_device_gives_what_is_stored_for_it(server, store):
    device = server.prepare("gw-1")
    given = variables(server, KEY=server.check.key, SECRET=server.check.secret.reveal())
    await ask(given, store)
    assert store.kept.fresh is not None
    assert isinstance(store.kept.fresh.credentials, AccessToken)
    assert store.kept.fresh.credentials.token.reveal() == device.credentials.id
    assert store.kept.draft is None


async def test_the_request_is_in_the_file_before_it_is_made(server, store):
    # What the server does with it is lost, and so is the question whether it knows the token.
    server.faults.add(Fault("close", "provision", "mqtt"))
    server.faults.add(Fault("close", "connect", "mqtt", times=None))
    server.faults.add(Fault("close", "provision", "mqtt"))
    with pytest.raises(EnrolNotUnderstood):
        await ask(variables(server), store)
    again = GatewayStore(store.path)
    await again.load()
    assert again.kept.draft is not None
    assert again.kept.draft.asked
    server.faults.clear()
    await ask(variables(server), again)
    assert again.kept.fresh is not None
    assert again.kept.fresh.credentials == store.kept.draft.credentials


async def test_a_refusal_says_what_to_do_and_the_same_is_asked_again(server, store):
    taken = server.prepare("gw-1")
    with pytest.raises(GatewayRefused) as failed:
        await ask(variables(server), store)
    report = failed.value.report()
    assert "provisionState" in report.remedy
    assert "gw-1" in report.remedy
    first = store.kept.draft
    assert first is not None
    assert not first.asked
    server.state.delete(taken)
    await ask(variables(server), store)
    assert store.kept.fresh is not None
    assert store.kept.fresh.credentials == first.credentials


@pytest.mark.parametrize("word", ["KEY", "SECRET"])
async def test_a_wrong_key_or_secret_is_told_apart_from_a_name(server, store, word):
    with pytest.raises(ProfileKeyUnknown):
        await ask(variables(server, **{word: "wrong"}), store)
    assert store.kept.draft is not None
    assert not store.kept.draft.asked


@pytest.mark.parametrize("name", ["x" * 300, "a\nb"])
async def test_a_name_that_no_device_can_have_is_not_sent(server, store, name):
    with pytest.raises(InputError):
        await ask(variables(server, NAME=name), store)
    assert not server.record.requests


async def test_other_variables_make_another_request(server, store):
    taken = server.prepare("gw-1")
    for more in ({}, {"USERNAME": "u"}, {"ACCESS_TOKEN": "t"}):
        with pytest.raises(GatewayRefused):
            await ask(variables(server, **more), store)
    assert store.kept.draft is not None
    assert store.kept.draft.credentials != taken.credentials
    await ask(variables(server, NAME="gw-2", ACCESS_TOKEN="t"), store)
    assert server.state.devices["gw-2"].credentials.id == "t"


async def test_another_server_gets_another_request(server, store):
    server.prepare("gw-1")
    with pytest.raises(GatewayRefused):
        await ask(variables(server), store)
    before = store.kept.draft
    assert before is not None
    async with SimulatedThingsBoard(coap=False, tls=False) as other:
        await ask(variables(other), store)
    assert store.kept.fresh is not None
    assert store.kept.fresh.credentials != before.credentials


async def test_a_certificate_that_has_run_out_is_made_anew(server, store, tmp_path):
    (tmp_path / "ca.pem").write_text(server.ca)
    given = variables(server, "mqtts", CA_CERT_FILENAME=str(tmp_path / "ca.pem"))
    setup = read_setup(given)
    assert setup is not None
    assert setup.provisioning is not None
    old = make_draft(setup.server, setup.provisioning, NOW - timedelta(days=400))
    await store.change(draft=msgspec.structs.replace(old, asked=True))
    await ask(given, store)
    assert store.kept.fresh is not None
    assert isinstance(store.kept.fresh.credentials, Certificate)
    assert store.kept.fresh.credentials != old.credentials


CHILD = """
import asyncio, os, sys
from pathlib import Path
from agent.clouds.clock import SystemClock
from agent.gateway.enrol import register
from agent.gateway.setup import read_setup
from agent.gateway.stored import GatewayStore
from tests.gateway.running import direct

setup = read_setup(os.environ)
store = GatewayStore(Path(sys.argv[1]))
asyncio.run(register(setup, setup.provisioning, store, routes=direct(), clock=SystemClock()))
"""


async def test_a_process_that_is_killed_after_the_server_said_yes_loses_nothing(server, store):
    given = variables(server)
    server.faults.add(Fault("slow", "provision", "mqtt", seconds=3600.0))
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CHILD, str(store.path)), env=os.environ | given, cwd=ROOT
    )
    async with asyncio.timeout(15):
        while not server.record.count("provision"):
            await asyncio.sleep(0.01)
    child.kill()
    await child.wait()
    device = server.state.devices["gw-1"]
    await store.load()
    await ask(given, store)
    assert store.kept.fresh is not None
    assert isinstance(store.kept.fresh.credentials, AccessToken)
    assert store.kept.fresh.credentials.token.reveal() == device.credentials.id
    assert list(server.state.devices.values()) == [device]
