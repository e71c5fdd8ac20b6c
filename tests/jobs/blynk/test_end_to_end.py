"""Blynk boards from the box to the cloud over their consoles, with everything real but the silicon."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.errors import InputError
from agent.jobs.job import JobState
from agent.settings import Secret
from tests.jobs.blynk.blynk_bench import EMOJI, LONG, NETWORK, PASSWORD

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
async def test_a_board_gets_a_token_and_comes_online(
    blynk: BlynkBench, generation: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "agent")
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
    assert PASSWORD not in caplog.text
    assert device.token not in caplog.text


@pytest.mark.parametrize("generation", [1, 2])
async def test_after_a_wrong_password_the_right_one_is_asked_for_and_the_token_stays(
    blynk: BlynkBench, generation: int
) -> None:
    board = await blynk.plug(generation)
    await blynk.start_agent()
    job = await blynk.begin(network=NETWORK | {"password": "marker-wrong-one"})
    asked = (await blynk.asks(job)).question
    assert asked is not None
    assert asked.error is not None
    assert asked.error.facts["number"] == (701 if generation == 1 else 722)
    assert [action.id for action in asked.actions] == ["retry", "network", "again", "stop"]
    assert "is in the vault" in asked.safe
    (device,) = blynk.cloud.state.devices.values()
    assert not device.listed
    await blynk.jobs.answer(job, {"action": "retry", "password": PASSWORD})
    ended = await blynk.ended(job)
    assert ended.state is JobState.DONE, ended.error
    assert board.device.settings.token == Secret(device.token)
    assert len(blynk.cloud.state.devices) == 1
    assert_untold(blynk, PASSWORD, "marker-wrong-one", device.token)


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize(
    ("ssid", "password"), [("Guests", ""), (EMOJI, LONG), ("NoInternet", "nopath")]
)
async def test_networks_of_all_kinds(
    blynk: BlynkBench, generation: int, ssid: str, password: str
) -> None:
    await blynk.plug(generation)
    await blynk.start_agent()
    network = {"kind": "wifi", "ssid": ssid, "password": password}
    job = await blynk.begin(network=network, attended=ssid == "NoInternet")
    if ssid == "NoInternet":
        asked = (await blynk.asks(job)).question
        assert asked is not None
        # The console of generation 1 says nothing more once the board is in the network.
        assert asked.title.startswith("The board joined the network but did not reach Blynk")
        assert asked.actions[0].id == {1: "wait", 2: "network"}[generation]
        await blynk.jobs.answer(job, {"action": "network", "network": NETWORK})
    ended = await blynk.ended(job)
    assert ended.state is JobState.DONE, ended.error
    assert (ended.result or {})["network"] == ("HomeNet" if ssid == "NoInternet" else ssid)


async def test_a_password_that_no_board_can_store_is_refused_before_anything_is_made(
    blynk: BlynkBench,
) -> None:
    await blynk.plug()
    await blynk.start_agent()
    with pytest.raises(InputError) as caught:
        await blynk.begin(network=NETWORK | {"password": "p" * 64})
    assert caught.value.facts["field"] == "password"
    assert not blynk.cloud.state.devices


@pytest.mark.parametrize("generation", [1, 2])
async def test_a_board_is_set_up_in_its_own_network_and_the_computer_is_back(
    blynk: BlynkBench, generation: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "agent")
    board = await blynk.plug(generation)
    await blynk.start_agent()
    job = await blynk.begin(access_point=blynk.point, name="Shed")
    asked = (await blynk.asks(job)).question
    assert asked is not None
    assert blynk.point in asked.title
    assert [action.id for action in asked.actions] == ["continue", "by-hand", "stop"]
    assert (blynk.wifi.joined, blynk.is_home) == (0, True)
    await blynk.jobs.answer(job, {"action": "continue"})
    ended = await blynk.ended(job)
    assert ended.state is JobState.DONE, ended.error
    result: dict[str, Any] = ended.result or {}
    assert (result["way"], result["device"], result["connected"]) == ("http", "Shed", "cloud")
    assert (board.device.state, blynk.is_home) == ("RUNNING", True)
    (device,) = blynk.cloud.state.devices.values()
    assert_untold(blynk, PASSWORD, device.token)
    assert PASSWORD not in caplog.text
    assert device.token not in caplog.text


@pytest.mark.parametrize("generation", [1, 2])
async def test_in_its_own_network_too_a_board_says_why_and_is_asked_again(
    blynk: BlynkBench, generation: int
) -> None:
    board = await blynk.plug(generation)
    await blynk.start_agent()
    wrong = NETWORK | {"password": "marker-wrong-one"}
    job = await blynk.begin(access_point=blynk.point, network=wrong, confirmed=True)
    asked = (await blynk.asks(job)).question
    assert asked is not None
    assert asked.error is not None
    assert asked.error.facts["number"] == (701 if generation == 1 else 722)
    assert blynk.is_home
    await blynk.jobs.answer(job, {"action": "retry", "password": PASSWORD})
    ended = await blynk.ended(job)
    assert ended.state is JobState.DONE, ended.error
    assert (board.device.state, blynk.is_home) == ("RUNNING", True)
    assert len(blynk.cloud.state.devices) == 1


async def test_a_person_joins_by_hand_where_the_computer_may_not(blynk: BlynkBench) -> None:
    board = await blynk.plug(1)
    await blynk.start_agent()
    blynk.wifi.running = False
    token = blynk.cloud.state.create("TMPLdemo00000", "Shed", 101, 7).token
    job = await blynk.begin(access_point=blynk.point, token=token)
    asked = (await blynk.asks(job)).question
    assert asked is not None
    assert asked.error is not None
    assert asked.error.code == "wifi-stopped"
    await blynk.jobs.answer(job, {"action": "by-hand"})
    ended = await blynk.ended(job)
    assert ended.state is JobState.DONE, ended.error
    shown = [c.snapshot.question.access_point for c in blynk.changes if c.snapshot.question]
    assert {
        "name": blynk.point,
        "qr": f"WIFI:T:nopass;S:{blynk.point};;",
        "address": "192.168.4.1",
    } in shown
    assert board.device.state == "RUNNING"
    assert_untold(blynk, token)


async def test_without_anybody_no_computer_leaves_its_network(blynk: BlynkBench) -> None:
    await blynk.plug(1)
    await blynk.start_agent()
    ended = await blynk.ended(await blynk.begin(access_point=blynk.point, attended=False))
    assert ended.error is not None
    assert ended.error.facts["field"] == "confirmed"
    assert (blynk.wifi.joined, blynk.cloud.state.devices) == (0, {})


async def test_on_a_free_plan_a_token_is_pasted_and_what_is_wrong_with_it_is_told(
    blynk: BlynkBench,
) -> None:
    board = await blynk.plug(2)
    await blynk.start_agent(client=False)
    device = blynk.cloud.state.create("TMPLdemo00000", "Shed", 101, 7)
    job = await blynk.begin()
    asked = (await blynk.asks(job)).question
    assert asked is not None
    assert (asked.actions[0].id, asked.actions[0].needs) == ("token", "token")
    await blynk.jobs.answer(job, {"action": "token", "token": "x" * 32})
    asked = (await blynk.asks(job, after=asked.id)).question
    assert asked is not None
    assert asked.error is not None
    assert asked.error.code == "blynk-token-unknown"
    lines = f'#define BLYNK_TEMPLATE_ID "TMPLdemo00000"\n#define BLYNK_AUTH_TOKEN "{device.token}"'
    await blynk.jobs.answer(job, {"action": "token", "token": lines})
    ended = await blynk.ended(job)
    assert ended.state is JobState.DONE, ended.error
    assert (ended.result or {})["token"] == "pasted"
    assert board.device.settings.token == Secret(device.token)
    assert_untold(blynk, device.token)


async def test_a_device_keeps_its_board_is_renewed_and_removed(blynk: BlynkBench) -> None:
    board = await blynk.plug(2)
    await blynk.start_agent()
    first = await blynk.ended(await blynk.begin(name="Kitchen"))
    (device,) = blynk.cloud.state.devices.values()
    old = device.token
    # The same board once more, in another network: the same device and the same token.
    again = await blynk.ended(
        await blynk.begin("configure", network={"kind": "wifi", "ssid": "Guests"})
    )
    assert again.state is JobState.DONE, again.error
    assert ((again.result or {})["token"], device.token) == ("vault", old)
    assert board.device.settings.ssid == b"Guests"
    renewed = await blynk.ended(await blynk.begin("renew", network=NETWORK))
    assert renewed.state is JobState.DONE, renewed.error
    assert (renewed.result or {})["device_id"] == (first.result or {})["device_id"]
    assert device.token != old
    assert board.device.settings.token == Secret(device.token)
    states = sorted(entry.state or "" for entry in (await blynk.vault.list()).entries)
    assert states == ["earlier", "proven"]
    removed = await blynk.ended(await blynk.begin("remove", confirmed=True))
    assert removed.state is JobState.DONE, removed.error
    assert (removed.result or {})["deleted"] is True
    assert (blynk.cloud.state.devices, (await blynk.vault.list()).entries) == ({}, [])
    assert board.device.stored is None


async def test_a_board_that_had_a_cable_is_the_same_device_in_its_own_network(
    blynk: BlynkBench,
) -> None:
    board = await blynk.plug(1)
    await blynk.start_agent()
    first = await blynk.ended(await blynk.begin(name="Kitchen"))
    assert first.state is JobState.DONE, first.error
    await blynk.ended(await blynk.begin("forget", confirmed=True))
    while not board.device.access_point:
        board.pass_time()
        await asyncio.sleep(0.002)
    again = await blynk.ended(await blynk.begin(access_point=blynk.point, confirmed=True))
    assert again.state is JobState.DONE, again.error
    assert ((again.result or {})["token"], (again.result or {})["way"]) == ("vault", "http")
    assert [device.name for device in blynk.cloud.state.devices.values()] == ["Kitchen"]


async def test_an_unplugged_board_is_waited_for(blynk: BlynkBench) -> None:
    await blynk.plug(2, speed=5)
    await blynk.start_agent()
    job = await blynk.begin()
    await blynk.until(job, lambda now: any(s.id == "join" and s.started_at for s in now.steps))
    await blynk.unplug()
    asked = (await blynk.asks(job)).question
    assert asked is not None
    assert asked.title == "The board is gone. Plug it in again."
    await blynk.plug(2)
    ended = await blynk.ended(job)
    assert ended.state is JobState.DONE, ended.error
    assert len(blynk.cloud.state.devices) == 1


@pytest.mark.parametrize("kind", ["identify", "networks", "forget"])
async def test_a_board_that_has_answered_needs_no_cloud_to_be_named(
    blynk: BlynkBench, kind: str
) -> None:
    await blynk.plug(1)
    await blynk.start_agent()
    confirmed = {"confirmed": True} if kind == "forget" else {}
    named = await blynk.ended(await blynk.begin(kind, **confirmed))
    assert named.state is JobState.DONE, named.error
    unnamed = await blynk.ended(await blynk.begin(kind, cloud=None, **confirmed))
    assert unnamed.state is JobState.DONE, unnamed.error


@pytest.mark.parametrize("how", ["cancelled", "interrupted"])
async def test_a_board_of_generation_1_that_tries_is_called_back_when_the_job_stops(
    blynk: BlynkBench, how: str
) -> None:
    board = await blynk.plug(1, speed=5)
    await blynk.start_agent()
    job = await blynk.begin(network=NETWORK | {"password": "marker-wrong-one"})
    await blynk.until(job, lambda now: any(s.id == "join" and s.started_at for s in now.steps))
    while board.device.state != "CONNECTING_NET":
        await asyncio.sleep(0.01)
    if how == "cancelled":
        await blynk.jobs.cancel(job)
        ended = await blynk.ended(job)
        assert ended.error is not None
        assert ended.error.code == "blynk-kept"
    else:
        await blynk.stop_agent()
    board.pass_time()
    assert board.device.state == "WAIT_CONFIG"
