"""Blynk boards from the box to the cloud over their consoles, with everything real but the silicon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.jobs.job import JobState
from agent.settings import Secret
from tests.jobs.blynk.blynk_bench import PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

    from tests.jobs.blynk.blynk_bench import BlynkBench


def files_with(folder: Path, text: str) -> list[str]:
    """Every file below ``folder`` that has this text in it."""
    wanted = text.encode()
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and wanted in path.read_bytes()
    ]


def device_tokens(bench: BlynkBench) -> list[str]:
    return [device.token for device in bench.cloud.state.devices.values()]


def assert_untold(bench: BlynkBench, *secrets: str) -> None:
    """None of these is in anything that was shown or kept; the vault is sealed."""
    told = msgspec.json.encode([change.snapshot for change in bench.changes]).decode()
    for secret in secrets:
        assert secret not in told
        assert files_with(bench.folder, secret) == []


@pytest.mark.parametrize("generation", [1, 2])
async def test_a_board_gets_a_token_and_comes_online(blynk: BlynkBench, generation: int) -> None:
    board = await blynk.plug(generation)
    await blynk.start_agent()
    ended = await blynk.ended(await blynk.begin(name="Kitchen"))
    assert ended.state is JobState.DONE, ended.error
    result: dict[str, Any] = ended.result or {}
    (device,) = blynk.cloud.state.devices.values()
    assert (result["device"], result["device_id"]) == ("Kitchen", device.id)
    assert device.name == "Kitchen"
    assert (result["way"], result["token"], result["connected"]) == ("console", "made", "cloud")
    assert board.device.state == "RUNNING"
    assert board.device.settings.token == Secret(device.token)
    assert {step.id: step.state.value for step in ended.steps} == dict.fromkeys(
        ("read", "token", "deliver", "join", "online"), "done"
    )
    (entry,) = (await blynk.vault.list()).entries
    assert (entry.id, entry.state, entry.device) == (result["entry"], "proven", "Kitchen")
    assert blynk.board.provisioning.installed == "blynk"
    assert_untold(blynk, PASSWORD, device.token)
