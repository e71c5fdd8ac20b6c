"""Credentials of the vault come back on a board, over real parts and a simulated ThingsBoard."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import InputError, VaultUnknown, VaultUnreadable
from agent.jobs.job import JobState
from agent.protocols.nvs.store import read_store
from tests.jobs.enrol_bench import FACTS, EnrolBench
from tests.jobs.samples import PASSWORD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.catalog import Catalog
    from agent.jobs.job import Job

NAME = f"esp32-{FACTS['id']}"
WIFI = {"kind": "wifi", "ssid": "HomeNet", "password": PASSWORD}


@pytest.fixture
async def bench(tmp_path: Path, catalog: Catalog) -> AsyncIterator[EnrolBench]:
    """A board that works with the only entry of the vault."""
    made = EnrolBench(tmp_path, catalog)
    await made.start()
    try:
        await made.start_agent(made.account(administrator=True))
        assert (await made.jobs.wait(await made.provision())).state is JobState.DONE
        yield made
    finally:
        await made.stop()


async def restore(bench: EnrolBench, entry: str, **changes: Any) -> str:
    (board,) = bench.boards.list()
    attended = changes.pop("attended", True)
    request = {"kind": "restore", "board": board.id, "entry": entry, **changes}
    return await bench.jobs.start(request, attended=attended)


async def restored(bench: EnrolBench, entry: str, **changes: Any) -> Job:
    return await bench.jobs.wait(await restore(bench, entry, **changes))


async def the_entry(bench: EnrolBench) -> str:
    (entry,) = (await bench.vault.list()).entries
    return entry.id


async def test_a_board_that_was_erased_is_its_device_again(bench: EnrolBench):
    entry, before = await the_entry(bench), dict(bench.board.values)
    asked = bench.server.record.count("provision")
    bench.board.values.clear()
    job = await restored(bench, entry[:5], network=WIFI)
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["connected"] == "board"
    assert job.request["entry"] == entry
    assert bench.board.values == before | {
        "wifi_ssid": b"HomeNet",
        "wifi_pass": PASSWORD.encode(),
    }
    assert bench.server.record.count("provision") == asked
    assert before["tb_token"].decode() not in repr(bench.changes)


async def test_what_was_replaced_on_the_server_is_said(bench: EnrolBench):
    entry, before = await the_entry(bench), dict(bench.board.values)
    device = bench.server.state.devices[NAME]
    bench.server.state.delete(device)
    bench.server.prepare(NAME)
    number = await restore(bench, entry)
    asked = await bench.asks(number)
    assert asked.question
    assert asked.question.error
    assert asked.question.error.code == "vault-stale"
    await bench.jobs.answer(number, {"action": "stop"})
    assert (await bench.jobs.wait(number)).state is JobState.CANCELLED
    job = await restored(bench, entry, attended=False, confirmed=True)
    assert job.error
    assert job.error.code == "vault-stale"
    assert bench.board.values == before


async def test_no_account_is_needed(bench: EnrolBench):
    entry = await the_entry(bench)
    await bench.stop_agent()
    (bench.folder / "accounts.json").unlink()
    bench.board.values.clear()
    await bench.start_agent()
    job = await restored(bench, entry)
    assert job.state is JobState.DONE, job
    assert job.result
    assert "is not known" in job.result["notes"][0]
    assert job.result["connected"] == "board"


async def test_another_board_is_refused_and_has_an_entry_of_its_own_when_it_is_wanted(
    bench: EnrolBench,
):
    entry = await the_entry(bench)
    bench.board.unplug()
    bench.board.facts["id"] = "3cc66105ffff"
    await bench.board.plug()
    await bench.plugged("3CC66105FFFF")
    refused = await restored(bench, entry, attended=False)
    assert refused.error
    assert refused.error.code == "vault-other-board"
    job = await restored(bench, entry, attended=False, confirmed=True)
    assert job.state is JobState.DONE, job
    listed = {each.id: each for each in (await bench.vault.list()).entries}
    assert len(listed) == 2
    assert job.result
    own = listed[job.result["entry"]]
    assert (own.hardware_id, own.state, own.device) == ("3cc66105ffff", "proven", NAME)
    assert listed[entry].state == "proven"


@pytest.mark.parametrize("delivery", ["header", "image"])
async def test_a_file_is_fetched_with_the_job(bench: EnrolBench, delivery: str):
    entry, before = await the_entry(bench), dict(bench.board.values)
    job = await restored(bench, entry, delivery=delivery)
    assert job.state is JobState.DONE, job
    assert job.result
    (name,) = job.result["files"]
    content = (await bench.jobs.file(job.id, name)).reveal()
    if delivery == "image":
        stored = read_store(b64decode(content)).get("mooring", "tb_token")
        assert stored == before["tb_token"]
    else:
        assert before["tb_token"].decode() in content
    assert bench.board.values == before


async def test_requests_that_mean_nothing_are_refused_before_the_board_is_opened(
    bench: EnrolBench,
):
    entry = await the_entry(bench)
    with pytest.raises(VaultUnknown):
        await restore(bench, "zz")
    with pytest.raises(InputError):
        await restore(bench, "")
    with pytest.raises(InputError):
        await restore(bench, entry, name="x")
    empty = await bench.vault.add(
        board="b", board_name="b", cloud="thingsboard", device="d", job="9"
    )
    with pytest.raises(VaultUnreadable):
        await restore(bench, empty)
