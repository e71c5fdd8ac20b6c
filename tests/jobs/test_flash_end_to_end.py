"""Writing a sketch with real parts: ports, bootloaders, the store, SQLite; and all that may fail."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import (
    ImageRefused,
    InputError,
    NotSupported,
    PortBusy,
    SketchUnknown,
)
from agent.flash.flashers import Flashers
from agent.jobs.flash_effects import Upload
from agent.jobs.job import JobState
from agent.simulator.board_flash import SambaFlash
from agent.simulator.config import BootloaderConfig
from tests.jobs.agent_bench import Hasty
from tests.jobs.flashing import (
    asks,
    ended,
    fault,
    flash,
    flashed,
    happens,
    in_step,
    running,
    sketch,
    told,
)
from tests.jobs.stores import sketches_in

if TYPE_CHECKING:
    from agent.simulator.device import SimulatedDevice
    from tests.jobs.bench import Bench

MKR, UNO, NANO = "mkr_wifi_1010", "uno_r4_wifi", "nano_rp2040_connect"
EACH = pytest.mark.parametrize("model", [MKR, UNO, NANO])
SAMBA = pytest.mark.parametrize("model", [MKR, UNO])
HASTE = 8
"""A bootloader has a good second to appear, on a busy computer, too."""


async def begin(bench: Bench, model: str, *faults: Any, **config: Any) -> SimulatedDevice:
    """One board with the provisioning sketch, and an agent whose pauses are short."""
    device = await bench.plug(*faults, model=model, **config)
    await bench.start_agent(clock=Hasty(HASTE))
    return device


async def works(bench: Bench, device: SimulatedDevice, model: str) -> None:
    """The board can be written to, and runs what was written."""
    job = await flashed(bench, image=sketch(bench, model, "other"))
    assert job.state is JobState.DONE, job
    await running(device, "other")


# --- the way it should go --------------------------------------------------------------------


@EACH
async def test_a_sketch_of_somebodys_own_is_written_and_runs(bench: Bench, model: str):
    device = await begin(bench, model)
    before = bench.board
    file = sketch(bench, model)
    job = await flashed(bench, image=file)
    assert job.state is JobState.DONE, job
    await running(device, "application")
    assert {step.state.value for step in job.steps} == {"done"}
    assert job.result
    assert job.result["sketch"] == file.name
    assert job.result["bytes"] == len(file.data)
    after = bench.board
    assert (after.id, after.holder) == (before.id, None)
    shares = [c.progress for c in bench.changes if c.step == "write" and c.progress is not None]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] >= 0.8
    assert await bench.journal.unsettled() == []


async def test_an_esp_is_written_by_its_tool(bench: Bench):
    device = await begin(bench, "esp32", sketch="other")
    job = await flashed(bench, model="esp32", image=sketch(bench, "esp32", "other"))
    assert job.state is JobState.DONE, job
    assert "flashed" in told(bench)
    await running(device, "other")


@SAMBA
@pytest.mark.parametrize("serial", ["none", "other"])
async def test_a_loader_may_have_no_serial_number_or_another(bench: Bench, model: str, serial: Any):
    device = await begin(bench, model, bootloader=BootloaderConfig(serial_number=serial))
    before = bench.board.id
    await works(bench, device, model)
    assert bench.board.id == before


async def test_a_port_may_glitch_before_it_stays(bench: Bench):
    device = await begin(bench, MKR, bootloader=BootloaderConfig(comes="glitch"))
    await works(bench, device, MKR)


async def test_a_board_that_waits_in_its_bootloader_is_written_without_a_touch(bench: Bench):
    device = await begin(bench, MKR)
    device.press_reset(times=2)
    await happens(bench, lambda: "bootloader" in told(bench))
    await works(bench, device, MKR)
    assert "touch" not in told(bench)


async def test_what_the_board_speaks_is_known_from_what_was_written(bench: Bench):
    await bench.publish()
    await begin(bench, MKR, sketch="other")
    assert (await flashed(bench, sketch="provisioning")).state is JobState.DONE
    assert bench.board.provisioning.installed == "2.0"
    assert (await flashed(bench, sketch="provisioning-1.0")).state is JobState.DONE
    assert bench.board.provisioning.installed == "1.0"
    assert (await flashed(bench, image=sketch(bench, MKR))).state is JobState.DONE
    assert bench.board.provisioning.installed is None


@SAMBA
async def test_two_boards_of_one_model_are_written_at_once_and_not_swapped(bench: Bench, model):
    first = await bench.plug(model=model, bootloader=BootloaderConfig(serial_number="none"))
    second = await bench.plug(model=model, bootloader=BootloaderConfig(serial_number="none"))
    await bench.start_agent()
    ids = {board.ports[0].serial_number: board.id for board in bench.boards.list()}
    numbers = await asyncio.gather(
        flash(bench, board=ids[first.board.serial_number], image=sketch(bench, model, "other")),
        flash(bench, board=ids[second.board.serial_number], image=sketch(bench, model)),
    )
    for number in numbers:
        job = await ended(bench, number)
        assert job.state is JobState.DONE, job
    await running(first, "other")
    await running(second, "application")
    assert {board.id for board in bench.boards.list()} == set(ids.values())


async def test_a_sketch_that_shows_nothing_on_usb_was_written_all_the_same(bench: Bench):
    # It does not come back: to the agent a pulled board and a silent sketch look the same.
    await begin(bench, MKR, fault("restart", "unplug"))
    number = await flash(bench, image=sketch(bench, MKR))
    job = await ended(bench, number)
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["notes"] == ["The sketch does not show itself on USB."]


def heal(device: SimulatedDevice) -> None:
    """Cells that leaked hold what is written again."""
    flash = device._flash
    assert isinstance(flash, SambaFlash)
    flash.memory.flips.clear()


# --- what is refused before anything is touched ----------------------------------------------


def bad_files(bench: Bench, model: str) -> dict[str, Upload]:
    good = sketch(bench, model)
    return {
        "empty": Upload(name="empty.bin", data=b""),
        "too large": Upload(name="large.bin", data=good.data[:8] + bytes(300_000)),
        "not what it says": Upload(name="blink.uf2", data=good.data),
        "another kind": Upload(name="blink.elf", data=b"\x7fELF" + bytes(4000)),
        "no sketch": Upload(name="photo.bin", data=b"\xff\xd8\xff\xe0" + bytes(4000)),
        "for another board": sketch(bench, "esp32", "other", name="blink.bin"),
    }


@SAMBA
@pytest.mark.parametrize(
    "what",
    ["empty", "too large", "not what it says", "another kind", "no sketch", "for another board"],
)
async def test_a_file_that_does_not_fit_touches_nothing(bench: Bench, model: str, what: str):
    device = await begin(bench, model)
    job = await flashed(bench, image=bad_files(bench, model)[what])
    assert job.state is JobState.FAILED
    assert job.error
    assert job.error.code in {ImageRefused.code, InputError.code}
    assert "touch" not in told(bench)
    await running(device, "provisioning-2.0")
    assert job.steps[0].state.value == "failed"
    assert await bench.journal.facts(job.id) == []
    assert sketches_in(bench.folder, bench.arduino).store.list() == []


async def test_a_file_is_told_by_the_name_that_it_came_with(bench: Bench):
    await begin(bench, MKR)
    data = sketch(bench, MKR).data
    for name in ("blink.bin", "the same.bin"):
        job = await flashed(bench, image=Upload(name=name, data=data))
        assert job.result
        assert job.result["sketch"] == name
        assert name in job.steps[0].message


async def test_a_sketch_for_another_board_is_written_only_by_the_name_of_this_one(bench: Bench):
    device = await begin(bench, MKR)
    other = sketch(bench, "nano_33_iot", "other")
    kept = await sketches_in(bench.folder, bench.arduino).keep(
        "nano.bin", other.data, "arduino:samd:nano_33_iot"
    )
    job = await flashed(bench, sketch=kept.sketch.sha256[:12])
    assert job.error
    assert job.error.code == ImageRefused.code
    assert "arduino:samd:nano_33_iot" in job.error.title
    with pytest.raises(InputError, match=MKR):
        await flash(bench, sketch="nano.bin", override="nano_33_iot")
    assert "touch" not in told(bench)
    job = await flashed(bench, sketch="nano.bin", override=MKR)
    assert job.state is JobState.DONE, job
    await running(device, "other")


async def test_an_override_lifts_no_limit_of_size(bench: Bench):
    await begin(bench, MKR)
    large = Upload(name="large.bin", data=bytes(300_000))
    job = await flashed(bench, image=large, override=MKR)
    assert job.error
    assert job.error.code == ImageRefused.code
    assert "touch" not in told(bench)


async def test_a_sketch_that_was_damaged_in_the_store_is_not_written(bench: Bench):
    device = await begin(bench, MKR)
    assert (await flashed(bench, image=sketch(bench, MKR))).state is JobState.DONE
    (path,) = (bench.folder / "sketches").glob("*/blink.bin")
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    touches = told(bench).count("touch")
    job = await flashed(bench, sketch="blink.bin")
    assert job.error
    assert job.error.code == "sketch-damaged"
    assert told(bench).count("touch") == touches
    await running(device, "application")


async def test_a_sketch_that_is_not_in_the_store_is_told(bench: Bench):
    await begin(bench, MKR)
    job = await flashed(bench, sketch="nothing")
    assert job.error
    assert job.error.code == SketchUnknown.code


async def test_a_provisioning_sketch_comes_from_the_store_when_offline_and_its_age_is_told(bench):
    index = await bench.publish()
    device = await begin(bench, MKR, sketch="other")
    assert (await flashed(bench, sketch="provisioning-1.0")).state is JobState.DONE
    await bench.stop_agent()
    index.down = True
    for kept in (bench.folder / "sketches").glob("index*"):
        kept.unlink()
    await bench.start_agent(clock=Hasty(HASTE))
    job = await flashed(bench, sketch="provisioning-1.0")
    assert job.state is JobState.DONE, job.error
    assert job.result
    assert "The sketch of the store is used" in job.result["notes"][0]
    await running(device, "provisioning-1.0")


async def test_without_the_internet_and_a_store_nothing_is_touched(bench: Bench):
    device = await begin(bench, MKR)
    bench.cloud.down = True
    job = await flashed(bench, sketch="provisioning")
    assert job.state is JobState.FAILED
    assert job.error
    assert job.error.code == "cloud-unreachable"
    assert "touch" not in told(bench)
    await running(device, "provisioning-2.0")


async def test_a_cloud_that_refuses_the_sketch_is_told(bench: Bench):
    await bench.publish()
    await begin(bench, MKR)
    bench.cloud.faults.answer("binary", 403, times=None)
    job = await flashed(bench, sketch="provisioning")
    assert job.state is JobState.FAILED
    assert job.error
    assert job.error.code.startswith("cloud-")
    assert "touch" not in told(bench)


async def test_a_tool_that_is_missing_is_named_with_the_mend(bench: Bench, tmp_path):
    await bench.plug(model="esp32", sketch="other")
    flashers = Flashers({"esptool": str(tmp_path / "no-such-tool")})
    await bench.start_agent(clock=Hasty(HASTE), flashers=flashers)
    job = await flashed(bench, model="esp32", image=sketch(bench, "esp32", "other"))
    assert job.error
    assert job.error.code == "flash-tool"
    assert "esptool" in job.error.title
    assert job.error.remedy


async def test_a_second_job_on_the_board_is_told_who_holds_it(bench: Bench):
    await begin(bench, MKR)
    number = await flash(bench, image=sketch(bench, MKR))
    with pytest.raises(PortBusy, match="Writing a sketch"):
        await flash(bench, image=sketch(bench, MKR))
    assert (await ended(bench, number)).state is JobState.DONE


# --- the board goes --------------------------------------------------------------------------


@EACH
async def test_a_board_that_is_pulled_out_at_the_touch_and_comes_back_is_written(bench, model):
    device = await begin(bench, model, fault("touch", "unplug", back_after=0.1))
    await works(bench, device, model)


@pytest.mark.parametrize(
    ("model", "at"), [(MKR, "erase"), (MKR, "write"), (UNO, "write"), (NANO, "write")]
)
async def test_a_board_that_is_pulled_out_and_comes_back_is_written_again(bench, model, at):
    device = await begin(bench, model, fault(at, "unplug", back_after=0.1))
    await works(bench, device, model)


async def test_a_board_that_stays_away_is_asked_for_and_goes_on_by_itself(bench: Bench):
    device = await begin(bench, MKR, fault("write", "unplug", after=2))
    number = await flash(bench, image=sketch(bench, MKR))
    job = await asks(bench, number)
    assert job.question
    assert job.question.title == "The board is gone. Plug it in again."
    await device.plug()
    job = await ended(bench, number)
    assert job.state is JobState.DONE, job
    await running(device, "application")


async def test_a_board_that_is_pulled_out_before_it_was_touched_is_as_it_was(bench: Bench):
    await bench.publish()
    device = await begin(bench, MKR)
    bench.cloud.faults.slow("binary", 0.5)
    number = await flash(bench, sketch="provisioning")
    await in_step(bench, number, "fetch")
    device.unplug()
    job = await ended(bench, number)
    assert job.state is JobState.FAILED
    assert job.error
    assert job.error.code == "port-gone"
    assert await bench.journal.unsettled() == []


# --- the bootloader --------------------------------------------------------------------------


async def test_a_bootloader_that_never_comes_is_asked_about(bench: Bench):
    await begin(bench, MKR, bootloader=BootloaderConfig(comes="never"))
    number = await flash(bench, image=sketch(bench, MKR))
    job = await asks(bench, number)
    assert job.question
    assert job.question.error
    assert job.question.error.code == "flash-no-bootloader"
    assert "Press RESET twice" in job.question.meaning
    await bench.jobs.answer(number, {"action": "stop"})
    job = await ended(bench, number)
    assert job.state is JobState.FAILED
    assert await bench.journal.unsettled() == []


async def test_a_silent_bootloader_is_asked_about(bench: Bench):
    await begin(bench, MKR, bootloader=BootloaderConfig(silent=True))
    number = await flash(bench, image=sketch(bench, MKR))
    job = await asks(bench, number)
    assert job.question
    assert job.question.error
    assert job.question.error.code == "flash-no-bootloader"
    await bench.jobs.answer(number, {"action": "stop"})
    assert (await ended(bench, number)).state is JobState.FAILED


async def test_a_bootloader_that_comes_by_hand_answers_the_question(bench: Bench):
    device = await begin(bench, MKR, fault("write", "silence"))
    number = await flash(bench, image=sketch(bench, MKR))
    # It fell silent in the middle; reset is what helps.
    await happens(bench, lambda: "write" in [event.step for event in bench.events])
    device.unplug()
    await device.plug()
    job = await ended(bench, number)
    assert job.state is JobState.DONE, job
    await running(device, "application")


async def test_the_wrong_board_coming_back_is_told(bench: Bench):
    await bench.publish()
    await begin(bench, MKR, bootloader=BootloaderConfig(back_as="51A000000042"))
    number = await flash(bench, sketch="provisioning")
    job = await asks(bench, number)
    assert job.question
    assert job.question.error
    assert job.question.error.code == "board-other"
    await bench.jobs.answer(number, {"action": "stop"})
    job = await ended(bench, number)
    assert (job.state, job.error and job.error.code) == (JobState.FAILED, "board-other")
    assert await bench.journal.unsettled() == []


async def test_a_byte_that_flips_is_found_and_the_board_can_be_written_again(bench: Bench):
    device = await begin(bench, MKR, fault("write", "flip", after=1))
    number = await flash(bench, image=sketch(bench, MKR))
    job = await asks(bench, number)
    assert job.question
    assert job.question.error
    assert job.question.error.code == "flash-verify"
    await bench.jobs.answer(number, {"action": "stop"})
    job = await ended(bench, number)
    assert (job.state, job.error and job.error.code) == (JobState.FAILED, "flash-verify")
    assert device.status().in_bootloader
    heal(device)
    mended = await flashed(bench, image=sketch(bench, MKR, "other"))
    assert mended.state is JobState.DONE, mended
    await running(device, "other")


# --- cancelled -------------------------------------------------------------------------------


async def test_a_cancel_before_the_point_of_no_return_leaves_the_board_as_it_is(bench: Bench):
    await bench.publish()
    device = await begin(bench, MKR, sketch="other")
    bench.cloud.faults.slow("binary", 5.0)
    number = await flash(bench, sketch="provisioning")
    await in_step(bench, number, "fetch")
    await bench.jobs.cancel(number)
    job = await ended(bench, number)
    assert (job.state, job.error) == (JobState.CANCELLED, None)
    assert "touch" not in told(bench)
    await running(device, "other")
    await works(bench, device, MKR)


@EACH
async def test_a_cancel_behind_it_leaves_a_bootloader_that_takes_the_next_sketch(bench, model):
    device = await begin(bench, model)
    # A folder takes a file much faster than a port: enough is left of it when the cancel comes.
    size = 1_500_000 if model == NANO else 120_000
    number = await flash(bench, image=sketch(bench, model, size=size))
    await in_step(bench, number, "write")
    await bench.jobs.cancel(number)
    job = await ended(bench, number)
    assert job.state is JobState.CANCELLED, job
    assert job.error
    assert job.error.code == "flash-stopped"
    assert device.status().in_bootloader
    assert await bench.journal.unsettled() == []
    await works(bench, device, model)


async def test_a_flash_needs_a_model_that_is_known(bench: Bench):
    await begin(bench, "esp32", sketch="other")
    with pytest.raises((InputError, NotSupported)):
        await flash(bench, image=sketch(bench, "esp32", "other"))
