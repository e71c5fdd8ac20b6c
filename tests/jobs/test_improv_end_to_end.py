"""Devices of Improv Wi-Fi on a port, and a whole agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import InputError, NotSupported
from agent.jobs.job import JobState
from agent.protocols.improv.packets import START
from agent.simulator.improv import Brand, ImprovConfig
from tests.jobs.bench import PASSWORD
from tests.jobs.crashes import killed
from tests.jobs.improv_bench import HOME, PAGE, WRONG, agent, plugged_in, unlisted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.jobs.bench import Bench

pytestmark = pytest.mark.system("linux", "darwin")  # there are no pseudo-terminals

BRANDS: dict[Brand, dict[str, Any]] = {
    "esphome": {"firmware": "ESPHome", "version": "2024.11.0", "name": "Kitchen lamp"},
    "wled": {"firmware": "WLED", "version": "0.15.0", "name": "Desk strip"},
    "tasmota": {"firmware": "Tasmota", "version": "14.4.1", "name": "Plug 3"},
}


def branded(brand: Brand, **changes: Any) -> ImprovConfig:
    return ImprovConfig(**({"brand": brand, "give_up_ms": 6000} | BRANDS[brand] | changes))


LAMP = branded("esphome")


@pytest.mark.parametrize("brand", BRANDS)
async def test_a_device_of_each_brand_is_brought_into_the_network(tmp_path: Path, brand: Brand):
    config = branded(brand, boot_ms=600)
    async with plugged_in(tmp_path, config) as device, agent(tmp_path) as bench:
        result = await bench.result(await bench.join())
        assert result["network"] == "HomeNet"
        assert result["redirect"] == PAGE
        assert result["device"]["firmware"] == BRANDS[brand]["firmware"]
        assert result["device"]["name"] == BRANDS[brand]["name"]
        assert device.firmware.credentials == (b"HomeNet", b"correct horse")
        assert any("restarts many boards" in line for line in bench.said)
        # From now on it is known, and spoken to at once.
        board = await bench.board()
        assert board.provisioning.installed == "improv"
        assert board.name == BRANDS[brand]["name"]
        assert (await bench.jobs.decide(board.id)).procedure == "improv"


async def test_a_board_is_asked_what_it_is(tmp_path: Path):
    async with plugged_in(tmp_path, LAMP), agent(tmp_path) as bench:
        for _ in range(2):
            facts = await bench.result(await bench.start("identify"))
            assert facts["protocol"] == "improv"
            assert facts["device"]["version"] == "2024.11.0"
            assert facts["device"]["hardware"] == "ESP32-C3"
            assert facts["scans"]
        found = await bench.result(await bench.start("networks"))
        assert found["networks"][0]["ssid"] == "HomeNet"


@pytest.mark.parametrize("kind", ["identify", "networks", "configure", "provision"])
async def test_a_board_with_other_firmware_is_told_as_such_and_stays_unknown(
    bench: Bench, kind: str
):
    async with plugged_in(bench.folder, ImprovConfig()) as device:
        device.firmware.config = ImprovConfig(boot_ms=1e9)
        device.restart()
        await bench.start_agent(clock=bench.hurried)
        request: dict[str, Any] = {"network": HOME} if kind in {"configure", "provision"} else {}
        request |= {"cloud": "none"} if kind == "provision" else {}
        started = {"kind": kind, "board": bench.board.id} | request
        job = await bench.jobs.wait(await bench.jobs.start(started, attended=True))
        assert job.state is JobState.FAILED
        assert job.error
        assert job.error.code == "board-improv-silent"
        assert bench.board.provisioning.installed is None
        assert device.received.startswith(START)
        assert b"correct horse" not in device.received
        await bench.stop_agent()


async def test_a_port_that_restarts_its_device_is_waited_for(tmp_path: Path):
    config = branded("esphome", boot_ms=30_000)
    async with (
        plugged_in(tmp_path, config, restarts_when_opened=True) as device,
        agent(tmp_path) as bench,
    ):
        assert (await bench.result(await bench.join()))["redirect"] == PAGE
        assert device.received.count(START) > 4


async def test_a_wrong_password_is_explained_by_what_the_device_sees(tmp_path: Path):
    async with plugged_in(tmp_path, LAMP) as device, agent(tmp_path) as bench:
        job = await bench.join(network=WRONG)
        asked = await bench.asks(job)
        assert asked.question
        assert "password is most likely wrong" in asked.question.meaning
        assert asked.question.networks[0]["ssid"] == "HomeNet"
        await bench.jobs.answer(job, {"action": "retry", "password": "correct horse"})
        assert (await bench.result(job))["redirect"] == PAGE
        assert device.firmware.state == 4


async def test_a_device_that_cannot_look_for_networks_is_set_up(tmp_path: Path):
    async with (
        plugged_in(tmp_path, branded("tasmota", scans="refused")),
        agent(tmp_path) as bench,
    ):
        assert await bench.result(await bench.join())
        facts = await bench.result(await bench.start("identify"))
        assert facts["scans"] is False


async def test_a_device_in_a_network_is_moved_only_when_that_is_said(tmp_path: Path):
    async with (
        plugged_in(tmp_path, branded("wled", joined=True)) as device,
        agent(tmp_path) as bench,
    ):
        job = await bench.join()
        asked = await bench.asks(job)
        assert asked.question
        assert PAGE in asked.question.meaning
        await bench.jobs.answer(job, {"action": "stop"})
        assert (await bench.jobs.wait(job)).state is JobState.CANCELLED
        assert device.firmware.credentials is None

        refused = await bench.jobs.wait(await bench.join(attended=False))
        assert refused.error
        assert refused.error.facts["field"] == "confirmed"
        assert device.firmware.credentials is None
        await bench.result(await bench.join(attended=False, confirmed=True))
        assert device.firmware.credentials

        moved = await bench.start(
            "configure", network={"kind": "wifi", "ssid": "Office", "password": "s3cret"}
        )
        assert (await bench.result(moved))["network"] == "Office"


async def test_a_device_that_is_unplugged_while_it_joins_goes_on_when_it_is_back(tmp_path: Path):
    config = branded("esphome", join_ms=1e6, give_up_ms=1e6)
    async with plugged_in(tmp_path, config) as device, agent(tmp_path) as bench:
        job = await bench.join()
        while not device.firmware.credentials:
            await bench.until_something_is_said()
        device.unplug()
        asked = await bench.asks(job)
        assert asked.question
        assert asked.question.step == "join"
        device.firmware.config = LAMP
        device.firmware.credentials = None
        device.firmware.restart()
        await device.start()
        assert (await bench.result(job))["redirect"] == PAGE


async def test_a_job_that_is_cancelled_while_it_joins_lets_the_port_go(tmp_path: Path):
    config = branded("esphome", join_ms=1e6, give_up_ms=1e6)
    async with plugged_in(tmp_path, config) as device, agent(tmp_path) as bench:
        job = await bench.join()
        while not device.firmware.credentials:
            await bench.until_something_is_said()
        await bench.jobs.cancel(job)
        assert (await bench.jobs.wait(job)).state is JobState.CANCELLED
        device.firmware.config = LAMP
        device.restart()
        assert await bench.result(await bench.start("identify"))


@pytest.mark.parametrize(
    "moment",
    [
        "before read",
        "before record sending",
        "after record sending",
        "before configure",
        "after configure",
        "before save done",
        "after save done",
    ],
)
async def test_a_kill_at_each_moment_leaves_what_the_next_start_can_tell(bench: Bench, moment: str):
    async with plugged_in(bench.folder, LAMP, bench.world) as device:
        await killed(bench, moment, cloud="none", name="lamp")
        await bench.start_agent(clock=bench.hurried)
        (job,) = await bench.jobs.list(10)
        assert job.state is (JobState.DONE if moment == "after save done" else JobState.INTERRUPTED)
        if moment in {"before read", "before record sending"}:
            assert device.firmware.credentials is None
            assert job.error
            assert job.error.meaning.startswith("Nothing was left behind.")
        elif job.error:
            assert "was given the settings of HomeNet" in job.error.meaning
        request = {"kind": "provision", "board": bench.board.id, "cloud": "none", "confirmed": True}
        request |= {"network": {"kind": "wifi", "ssid": "HomeNet", "password": PASSWORD}}
        again = await bench.jobs.wait(await bench.jobs.start(request, attended=False))
        assert again.state is JobState.DONE, again
        assert again.result
        assert again.result["redirect"] == PAGE
        await bench.stop_agent()


# --- ports that no catalogue knows -----------------------------------------------------------


async def test_an_unknown_board_that_speaks_improv_is_found_out(bench: Bench):
    async with plugged_in(None, LAMP) as device:
        with unlisted(bench.ports, device.address):
            await bench.start_agent(clock=bench.hurried)
            request = {"kind": "configure", "board": bench.board.id, "network": HOME}
            job = await bench.jobs.wait(await bench.jobs.start(request, attended=True))
            assert job.result
            assert job.result["device"]["name"] == "Kitchen lamp"
            assert job.steps[0].message == "it speaks Improv Wi-Fi"
            await bench.stop_agent()


async def test_an_unknown_board_that_speaks_2_0_never_hears_improv(bench: Bench):
    device = await bench.plug(model="uno_r4_wifi")
    for file in bench.ports.glob("*.json"):
        file.unlink()
    with unlisted(bench.ports, device.port.address):
        await bench.start_agent(clock=bench.hurried)
        started = {"kind": "identify", "board": bench.board.id}
        job = await bench.jobs.wait(await bench.jobs.start(started, attended=True))
        assert job.result
        assert job.result["protocol"] == "2.0"
        assert job.steps[0].message == "it does not speak Improv Wi-Fi"
        await bench.stop_agent()


async def test_what_a_device_cannot_do_is_refused_before_it_is_opened(tmp_path: Path):
    async with plugged_in(tmp_path, LAMP) as device, agent(tmp_path) as bench:
        await bench.result(await bench.start("identify"))
        device.received.clear()
        with pytest.raises(NotSupported, match="forget its network"):
            await bench.start("forget")
        with pytest.raises(NotSupported, match="show which one it is"):
            await bench.start("blink")
        with pytest.raises(NotSupported, match="Ethernet"):
            await bench.join(network={"kind": "ethernet"})
        with pytest.raises(InputError, match="network"):
            await bench.join(network=None)
        with pytest.raises(InputError, match="none"):
            await bench.join(cloud="arduino", procedure="improv")
        assert not device.received


async def test_nothing_secret_is_kept(tmp_path: Path):
    async with plugged_in(tmp_path, LAMP), agent(tmp_path) as bench:
        await bench.result(await bench.join(network=HOME))
    kept = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert any(b"HomeNet" in file.read_bytes() for file in kept)
    assert not any(b"correct horse" in file.read_bytes() for file in kept)
