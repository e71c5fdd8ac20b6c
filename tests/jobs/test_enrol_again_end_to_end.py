"""A device that exists is set up once more, over real parts and a simulated ThingsBoard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.jobs.job import JobState
from agent.simulator.thingsboard_devices import PROVISION_STATE
from tests.jobs.enrol_bench import FACTS, EnrolBench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.catalog import Catalog
    from agent.jobs.job import Job

NAME = f"esp32-{FACTS['id']}"


@pytest.fixture
async def bench(tmp_path: Path, catalog: Catalog) -> AsyncIterator[EnrolBench]:
    made = EnrolBench(tmp_path, catalog)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def lost(bench: EnrolBench, kind: str = "access_token") -> None:
    """The board is a device, but neither it nor the vault has anything of it any more."""
    job = await bench.jobs.wait(await bench.provision(credentials=kind))
    assert job.state is JobState.DONE, job
    (entry,) = (await bench.vault.list()).entries
    await bench.vault.forget(entry.id)
    bench.board.values.clear()


async def once_more(bench: EnrolBench, *answers: str) -> Job:
    number = await bench.provision()
    after = 0
    for answer in answers:
        asked = await bench.asks(number, after=after)
        assert asked.question
        after = asked.question.id
        await bench.jobs.answer(number, {"action": answer})
    return await bench.jobs.wait(number)


async def check_proven(bench: EnrolBench) -> None:
    (entry,) = (await bench.vault.list()).entries
    assert entry.state == "proven"
    kept = (await bench.vault.entry(entry.id)).credentials
    token = bench.board.values["tb_token"].decode()
    assert kept.token.reveal() == token  # type: ignore[union-attr]  # a token, as the board has one
    assert bench.server.state.devices[NAME].credentials.id == token


async def test_what_the_server_has_is_read_and_stays(bench: EnrolBench):
    await bench.start_agent(bench.account(administrator=True))
    await lost(bench)
    before = bench.server.state.devices[NAME].credentials.id
    job = await once_more(bench, "administrator")
    assert job.state is JobState.DONE, job
    assert bench.server.state.devices[NAME].credentials.id == before
    await check_proven(bench)


async def test_what_is_replaced_is_in_the_vault_though_the_board_is_unplugged(bench: EnrolBench):
    await bench.start_agent(bench.account(administrator=True))
    await lost(bench)
    before = bench.server.state.devices[NAME].credentials.id
    bench.board.mute_after = "commit"
    number = await bench.provision()
    await bench.asks(number)
    await bench.jobs.answer(number, {"action": "replace"})
    await bench.asks(number, after=1)
    (entry,) = (await bench.vault.list()).entries
    assert entry.state == "pending"
    await bench.board.plug()
    job = await bench.jobs.wait(number)
    assert job.state is JobState.DONE, job
    assert bench.server.state.devices[NAME].credentials.id != before
    await check_proven(bench)


async def test_a_certificate_can_only_be_replaced(bench: EnrolBench):
    await bench.start_agent(bench.account(administrator=True))
    await lost(bench, "certificate")
    job = await once_more(bench, "administrator", "replace")
    assert job.state is JobState.DONE, job
    await check_proven(bench)


async def test_without_an_administrator_a_person_frees_the_device_and_it_goes_on(
    bench: EnrolBench,
):
    device = bench.server.prepare(NAME)
    await bench.start_agent(bench.account(prepared=True))
    await lost(bench)
    number = await bench.provision()
    asked = await bench.asks(number)
    assert asked.question
    assert "provisionState" in asked.question.meaning
    assert NAME in asked.question.meaning
    del device.attributes["SERVER_SCOPE"][PROVISION_STATE]
    await bench.jobs.answer(number, {"action": "retry"})
    job = await bench.jobs.wait(number)
    assert job.state is JobState.DONE, job
    await check_proven(bench)
