"""What a person is told before a job starts; no board is asked, and no lease is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.clouds.devices import NewDevice
from agent.errors import InputError, UnknownBoard
from tests.jobs.flashing import happens

if TYPE_CHECKING:
    from agent.simulator.device import SimulatedDevice
    from tests.jobs.bench import Bench

MKR = "mkr_wifi_1010"


async def begin(
    bench: Bench, model: str = MKR, sketch: str = "provisioning-1.0"
) -> SimulatedDevice:
    device = await bench.plug(model=model, sketch=sketch)
    await bench.start_agent(clock=bench.hurried)
    return device


async def test_what_is_not_known_is_said_and_nothing_is_asked_of_the_board(bench: Bench):
    await begin(bench)
    advice = await bench.jobs.decide(bench.board.id, "arduino")
    assert advice.procedure == "flash-then-2.0"
    assert "is not known" in advice.reason
    assert advice.flashes
    assert {fate.fate for fate in advice.fates} == {"kept", "lost", "new"}
    assert advice.old_devices == ()
    assert bench.board.holder is None
    assert [event.event for event in bench.events] == ["plugged"]


@pytest.mark.parametrize(("installed", "procedure"), [("1.0", "migrate"), ("2.0", "provision-2.0")])
async def test_what_an_earlier_job_found_counts(bench: Bench, installed, procedure):
    await begin(bench)
    bench.boards.learn(bench.board.id, installed=installed)
    assert (await bench.jobs.decide(bench.board.id, "arduino")).procedure == procedure


async def test_a_board_in_its_bootloader_is_seen_whatever_was_known(bench: Bench):
    device = await begin(bench)
    bench.boards.learn(bench.board.id, installed="2.0")
    device.press_reset(times=2)
    await happens(bench, lambda: bench.board.state.value == "bootloader")
    advice = await bench.jobs.decide(bench.board.id, "arduino")
    assert advice.procedure == "flash-then-2.0"
    assert advice.reason == "It is in its bootloader; no sketch runs."


async def test_older_devices_are_named(bench: Bench):
    device = await begin(bench)
    fqbn = "arduino:samd:mkrwifi1010"
    made = NewDevice(name="old kitchen", fqbn=fqbn, serial_number=device.board.serial_number)
    old = await (await bench.arduino.devices()).create(made, ())
    advice = await bench.jobs.decide(bench.board.id, "arduino")
    assert [(each.id, each.name) for each in advice.old_devices] == [(old.id, "old kitchen")]


async def test_advice_is_given_without_the_cloud_and_without_an_account(bench: Bench):
    await begin(bench)
    bench.cloud.down = True
    assert (await bench.jobs.decide(bench.board.id, "arduino")).old_devices == ()
    await bench.arduino.logout()
    assert (await bench.jobs.decide(bench.board.id, "arduino")).flashes
    assert (await bench.jobs.decide(bench.board.id)).flashes
    assert (await bench.jobs.decide(bench.board.id, "none")).procedure


async def test_another_way_can_be_asked_about_within_what_is_possible(bench: Bench):
    await begin(bench)
    advice = await bench.jobs.decide(bench.board.id, "arduino", "provision-1.0")
    assert (advice.procedure, advice.overridden) == ("provision-1.0", True)
    assert "migrate" in advice.possible
    with pytest.raises(InputError, match="procedure"):
        await bench.jobs.decide(bench.board.id, "arduino", "lora-1.0")
    with pytest.raises(InputError, match="cloud"):
        await bench.jobs.decide(bench.board.id, "nimbus")
    with pytest.raises(UnknownBoard):
        await bench.jobs.decide("nothing")


async def test_a_board_of_several_candidates_is_named_by_the_person(bench: Bench):
    await begin(bench, "esp32", "other")
    assert (await bench.jobs.decide(bench.board.id, "arduino")).procedure == "unsupported"
    named = await bench.jobs.decide(bench.board.id, "arduino", model="esp32")
    assert named.procedure == "secret-key"
    assert not named.flashes
