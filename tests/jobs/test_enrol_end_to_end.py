"""A board with the serial console becomes a device of a simulated ThingsBoard, over real parts."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import InputError, NotSignedIn
from agent.jobs.job import JobState
from agent.protocols import board_keys
from agent.protocols.nvs.store import read_store
from agent.simulator.thingsboard_faults import Fault
from tests.jobs.enrol_bench import FACTS, EnrolBench
from tests.jobs.samples import PASSWORD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.catalog import Catalog

NAME = f"esp32-{FACTS['id']}"
WIFI = {"kind": "wifi", "ssid": "HomeNet", "password": PASSWORD}


@pytest.fixture
async def bench(tmp_path: Path, catalog: Catalog) -> AsyncIterator[EnrolBench]:
    made = EnrolBench(tmp_path, catalog)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


def nothing_secret(bench: EnrolBench) -> None:
    """Neither job nor change carries what the board was given."""
    token = bench.board.values.get("tb_token", b"").decode()
    told = repr(bench.changes)
    assert PASSWORD not in told
    assert not token or token not in told
    journal = (bench.folder / "journal.sqlite3").read_bytes()
    assert not token or token.encode() not in journal


@pytest.mark.parametrize("kind", ["access_token", "mqtt_basic", "certificate"])
async def test_a_board_gets_a_device_and_connects_with_what_it_was_given(
    bench: EnrolBench, kind: str
):
    await bench.start_agent(bench.account())
    job = await bench.jobs.wait(await bench.provision(network=WIFI, credentials=kind))
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["device"] == NAME
    assert job.result["connected"] == "board"
    assert job.result["delivery"] == "console"
    assert bench.board.values["wifi_ssid"] == b"HomeNet"
    assert bench.board.values["tb_name"] == NAME.encode()
    (entry,) = (await bench.vault.list()).entries
    assert (entry.state, entry.device, entry.job) == ("proven", NAME, job.id)
    assert entry.credentials == kind
    nothing_secret(bench)


async def test_a_prepared_device_gives_its_own_credentials(bench: EnrolBench):
    bench.server.prepare(NAME)
    await bench.start_agent(bench.account(prepared=True, administrator=True))
    job = await bench.jobs.wait(await bench.provision(credentials="certificate"))
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["credentials"] == "access_token"
    assert job.result["link"].startswith(bench.server.addresses["https"])


async def test_a_prepared_device_that_is_used_up_is_freed_by_the_administrator(bench: EnrolBench):
    bench.server.prepare(NAME)
    await bench.start_agent(bench.account(prepared=True, administrator=True))
    assert (await bench.jobs.wait(await bench.provision())).state is JobState.DONE
    (first,) = (await bench.vault.list()).entries
    await bench.vault.forget(first.id)
    number = await bench.provision()
    asked = await bench.asks(number)
    assert asked.question
    assert asked.question.error
    assert asked.question.error.code == "enrol-used-up"
    await bench.jobs.answer(number, {"action": "administrator"})
    assert (await bench.jobs.wait(number)).state is JobState.DONE


async def test_a_board_is_given_again_what_the_vault_has(bench: EnrolBench):
    await bench.start_agent(bench.account())
    assert (await bench.jobs.wait(await bench.provision())).state is JobState.DONE
    before = dict(bench.board.values)
    bench.board.values.clear()
    job = await bench.jobs.wait(await bench.provision())
    assert job.state is JobState.DONE, job
    assert bench.board.values == before
    assert len((await bench.vault.list()).entries) == 1


async def test_another_board_in_the_same_socket_is_not_given_what_the_first_one_has(
    bench: EnrolBench,
):
    board = bench.board
    board.unplug()
    board.numbered = False
    await board.plug()
    await bench.start_agent(bench.account())
    assert (await bench.jobs.wait(await bench.provision(name="porch"))).state is JobState.DONE
    (before,) = (await bench.vault.list()).entries
    await bench.stop_agent()
    board.unplug()
    board.values.clear()
    board.facts["id"] = "3cc661ffffff"
    await board.plug()
    await bench.start_agent()
    job = await bench.jobs.wait(await bench.provision(name="porch", attended=False))
    assert job.board == before.board
    assert job.error
    assert job.error.code == "enrol-refused"
    assert not board.values
    assert (await bench.vault.list()).entries == [before]
    # The first one comes back to its socket, and is its device again.
    await bench.stop_agent()
    board.unplug()
    board.facts["id"] = FACTS["id"]
    await board.plug()
    await bench.start_agent()
    assert (await bench.jobs.wait(await bench.provision(name="porch"))).state is JobState.DONE
    assert len((await bench.vault.list()).entries) == 1


async def test_a_name_that_is_taken_is_asked_for(bench: EnrolBench):
    bench.server.prepare("porch")
    await bench.start_agent(bench.account())
    number = await bench.provision(name="porch")
    asked = await bench.asks(number)
    assert asked.question
    assert "name" in [action.id for action in asked.question.actions]
    with pytest.raises(InputError):
        await bench.jobs.answer(number, {"action": "name", "name": " "})
    await bench.jobs.answer(number, {"action": "name", "name": "porch 2"})
    job = await bench.jobs.wait(number)
    assert job.result
    assert job.result["device"] == "porch 2"


@pytest.mark.parametrize("verb", ["begin", "set", "commit", "status"])
async def test_a_board_that_is_unplugged_gets_it_when_it_is_back(bench: EnrolBench, verb: str):
    await bench.start_agent(bench.account())
    bench.board.mute_after = verb
    number = await bench.provision()
    asked = await bench.asks(number)
    assert asked.question
    assert "vault" in asked.question.safe
    await bench.board.plug()
    job = await bench.jobs.wait(number)
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["connected"] == "board"


async def test_what_the_end_of_the_agent_left_is_told_and_goes_on(bench: EnrolBench):
    await bench.start_agent(bench.account())
    bench.board.mute_after = "commit"
    number = await bench.provision()
    await bench.asks(number)
    await bench.stop_agent()
    await bench.board.plug()
    await bench.start_agent()
    left = await bench.jobs.get(number)
    assert left.state is JobState.INTERRUPTED
    (entry,) = (await bench.vault.list()).entries
    assert left.error
    assert entry.id in left.error.meaning
    job = await bench.jobs.wait(await bench.provision())
    assert job.state is JobState.DONE, job
    assert len(bench.server.state.devices) == 1


async def test_a_header_file_is_fetched_with_the_job(bench: EnrolBench):
    await bench.start_agent(bench.account())
    job = await bench.jobs.wait(await bench.provision(delivery="header", name="porch"))
    assert job.state is JobState.DONE, job
    content = await bench.jobs.file(job.id, "mooring_settings.h")
    assert '#define MOORING_TB_NAME "porch"' in content.reveal()
    assert bench.board.values == {}


async def test_an_image_is_fetched_with_the_job(bench: EnrolBench):
    await bench.start_agent(bench.account())
    job = await bench.jobs.wait(await bench.provision(delivery="image", name="unit 42"))
    assert job.state is JobState.DONE, job
    image = b64decode((await bench.jobs.file(job.id, "mooring_nvs.b64")).reveal())
    assert read_store(image).get("mooring", "tb_name") == b"unit 42"
    assert bench.board.values == {}


async def test_a_file_needs_no_board_but_a_name(bench: EnrolBench):
    await bench.start_agent(bench.account())
    wanted = {"kind": "provision", "board": "", "cloud": "thingsboard", "delivery": "image"}
    for none in ({}, {"name": "unit-{hardware_id}"}):
        with pytest.raises(InputError) as caught:
            await bench.jobs.start({**wanted, **none}, attended=False)
        assert caught.value.facts["field"] == "name"
    job = await bench.jobs.wait(
        await bench.jobs.start({**wanted, "name": "unit 43"}, attended=False)
    )
    assert job.state is JobState.DONE, job
    assert (job.board, job.title) == ("", "Setting up unit 43")
    assert [step.name for step in job.steps][::2] == ["Name the device", "Get the NVS image ready"]
    again = await bench.jobs.wait(
        await bench.jobs.start({**wanted, "name": "unit 43"}, attended=False)
    )
    entries = {each.result["entry"] for each in (job, again) if each.result}
    assert len(entries) == 1
    one, two = [await bench.jobs.file(each.id, "mooring_nvs.b64") for each in (job, again)]
    assert one.reveal() == two.reveal()


async def test_without_an_account_nothing_begins(bench: EnrolBench):
    await bench.start_agent()
    with pytest.raises(NotSignedIn):
        await bench.provision()


@pytest.mark.parametrize("field", ["procedure", "frequency_plan"])
async def test_what_other_clouds_need_is_refused(bench: EnrolBench, field: str):
    await bench.start_agent(bench.account())
    changes: dict[str, Any] = {field: "improv"}
    with pytest.raises(InputError) as caught:
        await bench.provision(**changes)
    assert caught.value.facts["field"] == field


async def test_what_this_cloud_needs_is_refused_by_others(bench: EnrolBench):
    await bench.start_agent(bench.account())
    with pytest.raises(InputError) as caught:
        await bench.provision(cloud="none", network=WIFI, delivery="console")
    assert caught.value.facts["field"] == "delivery"


async def test_a_way_that_the_board_does_not_have_ends_before_anything_is_made(bench: EnrolBench):
    await bench.start_agent(bench.account())
    job = await bench.jobs.wait(await bench.provision(delivery="nvs", attended=False))
    assert job.error
    assert job.error.code == "delivery-none"
    assert bench.server.state.devices == {}
    assert (await bench.vault.list()).entries == []


async def test_a_board_on_which_nothing_answers_gets_a_header_file_if_the_person_wants(
    bench: EnrolBench,
):
    await bench.start_agent(bench.account())
    number = await bench.provision(delivery="nvs", name="porch")
    asked = await bench.asks(number)
    assert asked.question
    assert [action.id for action in asked.question.actions] == ["retry", "header", "stop"]
    await bench.jobs.answer(number, {"action": "header"})
    job = await bench.jobs.wait(number)
    assert job.result
    assert job.result["delivery"] == "header"
    content = await bench.jobs.file(job.id, "mooring_settings.h")
    assert '#define MOORING_TB_NAME "porch"' in content.reveal()


async def test_a_wrong_password_is_asked_for_again_and_the_device_stays(bench: EnrolBench):
    bench.board.wifi = {b"HomeNet": PASSWORD.encode()}
    await bench.start_agent(bench.account())
    wrong = {"kind": "wifi", "ssid": "HomeNet", "password": "not the password"}
    number = await bench.provision(network=wrong)
    asked = await bench.asks(number)
    assert asked.question
    assert "wrong password" in asked.question.meaning
    assert asked.question.network == {"kind": "wifi", "ssid": "HomeNet"}
    (entry,) = (await bench.vault.list()).entries
    token = bench.board.values["tb_token"]
    await bench.jobs.answer(number, {"action": "retry", "password": PASSWORD})
    job = await bench.jobs.wait(number)
    assert job.state is JobState.DONE, job
    assert bench.board.values["wifi_pass"] == PASSWORD.encode()
    assert bench.board.values["tb_token"] == token
    assert len(bench.server.state.devices) == 1
    assert [each.id for each in (await bench.vault.list()).entries] == [entry.id]
    nothing_secret(bench)


async def test_a_board_keeps_the_network_that_it_has(bench: EnrolBench):
    bench.board.wifi = {b"Office": b"its password"}
    bench.board.values |= {"wifi_ssid": b"Office", "wifi_pass": b"its password"}
    await bench.start_agent(bench.account())
    job = await bench.jobs.wait(await bench.provision())
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["network"] is None
    assert bench.board.values["wifi_ssid"] == b"Office"
    assert bench.board.values["tb_name"] == NAME.encode()


async def test_other_kinds_of_networks_go_the_same_way(bench: EnrolBench):
    await bench.start_agent(bench.account())
    network = {"kind": "gsm", "apn": "web.example", "pin": "1234"}
    job = await bench.jobs.wait(await bench.provision(network=network))
    assert job.state is JobState.DONE, job
    assert bench.board.values["net_kind"] == b"gsm"
    assert bench.board.values["sim_apn"] == b"web.example"


async def test_a_kind_of_network_that_the_firmware_does_not_know_is_replaced(bench: EnrolBench):
    bench.board.keys = frozenset(key for key in board_keys.BY_NAME if not key.startswith("net_"))
    bench.board.unplug()
    await bench.board.plug()
    await bench.start_agent(bench.account())
    number = await bench.provision(network={"kind": "gsm", "apn": "web.example"})
    asked = await bench.asks(number)
    assert asked.question
    assert [action.id for action in asked.question.actions] == [
        "network",
        "without-network",
        "stop",
    ]
    assert bench.board.values == {}
    await bench.jobs.answer(number, {"action": "network", "network": WIFI})
    job = await bench.jobs.wait(number)
    assert job.state is JobState.DONE, job
    assert bench.board.values["wifi_ssid"] == b"HomeNet"
    assert len(bench.server.state.devices) == 1


async def test_with_nobody_there_a_board_without_a_way_to_its_server_is_told_and_loses_nothing(
    bench: EnrolBench,
):
    bench.board.wifi = {}
    await bench.start_agent(bench.account())
    job = await bench.jobs.wait(await bench.provision(network=WIFI, attended=False))
    assert job.state is JobState.FAILED
    (entry,) = (await bench.vault.list()).entries
    assert job.error
    assert job.error.code == "enrol-kept"
    assert entry.id in job.error.title
    assert "HomeNet" in job.error.meaning
    assert entry.state == "pending"


async def test_a_server_that_is_busy_is_told_while_it_is_waited_for(bench: EnrolBench):
    await bench.start_agent(bench.account())
    bench.server.faults.add(Fault("status", "provision", status=429, text="Too many requests."))
    job = await bench.jobs.wait(await bench.provision())
    assert job.state is JobState.DONE, job
    told = [change.message for change in bench.changes if change.step == "enrol"]
    assert any("The next try is in" in message for message in told), told


async def test_a_board_that_is_unplugged_while_it_is_read_ends_the_job_and_nothing_was_made(
    bench: EnrolBench,
):
    await bench.start_agent(bench.account())
    bench.board.mute_after = "get"
    job = await bench.jobs.wait(await bench.provision())
    assert job.state is JobState.FAILED
    assert job.error
    assert job.error.code == "port-gone"
    assert bench.server.state.devices == {}
    assert (await bench.vault.list()).entries == []


async def test_a_board_that_is_unplugged_while_the_person_thinks_gets_its_settings_when_it_is_back(
    bench: EnrolBench,
):
    bench.server.prepare("porch")
    await bench.start_agent(bench.account())
    number = await bench.provision(name="porch")
    taken = await bench.asks(number)
    bench.board.unplug()
    await bench.jobs.answer(number, {"action": "name", "name": "porch 2"})
    assert taken.question
    asked = await bench.asks(number, after=taken.question.id)
    assert asked.question
    assert "Plug it in" in asked.question.title
    await bench.board.plug()
    job = await bench.jobs.wait(number)
    assert job.state is JobState.DONE, job
    assert bench.board.values["tb_name"] == b"porch 2"


@pytest.mark.parametrize("verb", ["get", "set", "commit", "status"])
async def test_cancelled_while_the_board_is_spoken_to_it_ends_and_the_next_job_goes_on(
    bench: EnrolBench, verb: str
):
    await bench.start_agent(bench.account())
    number = await bench.provision()
    tasks: list[asyncio.Task[None]] = []
    bench.board.when_asked[verb] = lambda: tasks.append(
        asyncio.create_task(bench.jobs.cancel(number))
    )
    job = await bench.jobs.wait(number)
    assert job.state is JobState.CANCELLED, job
    entries = (await bench.vault.list()).entries
    if verb == "get":
        assert entries == []
        assert bench.server.state.devices == {}
    else:
        assert job.error
        assert job.error.code == "enrol-kept"
        assert entries[0].id in job.error.title
    again = await bench.jobs.wait(await bench.provision())
    assert again.state is JobState.DONE, again
    assert len(bench.server.state.devices) == 1
    assert [each.state for each in (await bench.vault.list()).entries] == ["proven"]
    await asyncio.gather(*tasks)
