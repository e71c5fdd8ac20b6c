"""Boards of provisioning 1.0 and without any: updated, or given a device and a header file."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from agent.simulator.config import BoardConfig
from tests.cli.conftest import Mooring, running_agent
from tests.cli.flashing import OLD_DEVICE, OLD_MKR, SERIAL, workshop
from tests.cli.person import Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.system("linux", "darwin")

LORA = BoardConfig(model="mkr_wan_1310", serial_number="BBBB7777", sketch="other")
KEYED = BoardConfig(model="nano_esp32", serial_number="EEEE5555", sketch="other")

BRIDGED = BoardConfig(model="esp32", serial_number="0001EE", sketch="other")


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Mooring]:
    async with workshop(tmp_path, OLD_MKR, LORA, KEYED, BRIDGED) as mooring:
        yield mooring


@pytest.fixture(params=["alone", "through the agent"])
async def mooring(request: pytest.FixtureRequest, alone: Mooring) -> AsyncIterator[Mooring]:
    if request.param == "alone":
        yield alone
        return
    async with running_agent(alone):
        yield alone


@pytest.fixture
async def person(alone: Mooring) -> AsyncIterator[Person[Mooring]]:
    person = Person(alone)
    yield person
    await person.close()


def provision(serial_number: str, *words: str) -> tuple[str, ...]:
    return ("provision", serial_number, "--cloud", "arduino", "--name", "kitchen", *words)


# --- migrate ------------------------------------------------------------------------------------


async def test_a_board_goes_from_1_0_to_online_in_2_0(mooring: Mooring):
    network = mooring.demo.network
    ended = await mooring.run(
        *("migrate", SERIAL, "--name", "kitchen", "--ssid", network.ssid),
        *("--password-stdin", "--delete-old-device", "--yes", "--json"),
        stdin=network.password.reveal() + "\n",
    )
    assert ended.status == 0, ended.err
    *steps, last = ended.lines
    done = [step["step"] for step in steps if step["step_state"] == "done"]
    assert done[:5] == ["look", "fetch", "enter", "write", "restart"]
    assert done[-2:] == ["online", "retire"]
    assert (last["state"], last["device"], last["procedure"]) == ("done", "kitchen", "migrate")
    assert [device["name"] for device in last["old_devices"]] == [OLD_DEVICE]
    assert last["deleted"] == [device["id"] for device in last["old_devices"]]
    assert network.password.reveal() not in ended.out + ended.err


async def test_prepare_only_stops_with_the_new_sketch_and_needs_no_network(alone: Mooring):
    ended = await alone.run("migrate", SERIAL, "--prepare-only", "--yes")
    assert ended.status == 0, ended.err
    assert "is ready for provisioning 2.0 (sketch 0.6.2" in ended.out
    assert alone.claims == []


async def test_what_nobody_can_be_asked_must_be_given(alone: Mooring):
    cases = {(): "--yes", ("--json",): "--yes", ("--yes",): "--ssid or --network"}
    for words, named in cases.items():
        ended = await alone.run("migrate", SERIAL, *words)
        assert (ended.status, named in ended.err) == (2, True), words
    lora = await alone.run(*provision(LORA.serial_number))
    assert (lora.status, "--yes" in lora.err) == (2, True)
    lora = await alone.run(*provision(LORA.serial_number, "--yes"))
    assert (lora.status, "frequency_plan" in lora.err) == (2, True)
    impossible = await alone.run(*provision(KEYED.serial_number, "--procedure", "migrate"))
    assert impossible.status == 2
    assert "migrate is not possible for this board" in impossible.err
    no_network = await alone.run(*provision(SERIAL))
    assert (no_network.status, "--ssid or --network" in no_network.err) == (2, True)
    assert alone.demo.boards.events == ()


async def test_a_person_is_told_what_is_lost_and_kept_and_may_refuse(person: Person[Mooring]):
    await person.start("migrate", SERIAL, "--ssid", "HomeNet")
    await person.sees("Password of “HomeNet”")
    person.types("correct horse\n")
    await person.sees("Update this board to provisioning 2.0?")
    await person.sees("It runs the sketch of provisioning 1.0")
    await person.sees("lost  the sketch on the board: It is overwritten")
    await person.sees("new   the device in the cloud")
    await person.sees("kept  ")
    await person.sees(f"older devices of the board:\r\n  {OLD_DEVICE}")
    await person.sees("Update to provisioning 2.0? (yes or no): ")
    person.types("perhaps\n")
    await person.sees("Update to provisioning 2.0? (yes or no): ")
    person.types("no\n")
    assert await person.status() == 1
    assert "Restart into the bootloader" not in person.shown


async def test_a_person_agrees_watches_and_chooses_a_network_of_the_board(person: Person[Mooring]):
    await person.start("migrate", SERIAL, "--name", "kitchen")
    await person.sees("(yes or no): ")
    person.types("yes\n")
    await person.sees("✓ Restart into the bootloader")
    await person.sees("✓ Write and verify the sketch")
    await person.sees("Which network shall the board join?")
    await person.sees("1  HomeNet  -45 dBm")
    await person.sees("another one (hidden)")
    await person.sees("Stop")
    await person.sees("Your choice (1-")
    person.types("1\n")
    await person.sees("Password (empty for an open network): ")
    person.types("correct horse\n")
    await person.sees(f"Delete “{OLD_DEVICE}”")
    await person.sees("2  Delete it")
    person.types("1\n")
    await person.sees("Online as kitchen")
    await person.sees(f"Older device {OLD_DEVICE} (")
    await person.sees("still in the cloud")
    assert await person.status() == 0


# --- boards without 2.0 -------------------------------------------------------------------------


async def test_provisioning_1_0_ends_with_a_header_file_that_only_this_user_reads(
    mooring: Mooring, tmp_path: Path
):
    header = tmp_path / "arduino_secrets.h"
    words = provision(SERIAL, "--procedure", "provision-1.0", "--header", str(header), "--json")
    ended = await mooring.run(*words, "--yes")
    assert ended.status == 0, ended.err
    assert ended.lines[-1]["header"] == str(header)
    assert ended.lines[-1]["procedure"] == "provision-1.0"
    assert "#define SECRET_SSID" in header.read_text("utf-8")
    assert stat.S_IMODE(header.stat().st_mode) == 0o600
    assert "SECRET_SSID" not in ended.out + ended.err
    again = await mooring.run(*words, "--yes")
    assert (again.status, again.document["error"]["code"]) == (2, "input")
    assert "is there already" in again.err
    assert len((await mooring.run("jobs", "--json")).document["jobs"]) == 1


async def test_a_board_without_a_secure_element_gets_a_key_that_only_its_file_has(
    alone: Mooring, tmp_path: Path
):
    header = tmp_path / "s.h"
    ended = await alone.run(*provision(KEYED.serial_number, "--header", str(header)))
    assert ended.status == 0, ended.err
    (line,) = [each for each in header.read_text().splitlines() if "SECRET_DEVICE_KEY" in each]
    key = line.split('"')[1]
    assert len(key) >= 16
    assert key not in ended.out + ended.err
    for path in alone.home.rglob("*"):
        if path.is_file():
            assert key.encode() not in path.read_bytes(), path


async def test_a_header_for_standard_output_is_all_that_stands_there(alone: Mooring):
    ended = await alone.run(*provision(KEYED.serial_number, "--header", "-"))
    assert ended.status == 0, ended.err
    assert ended.out.startswith("//")
    assert "SECRET_DEVICE_KEY" in ended.out
    assert "✓" not in ended.out
    assert "✓ Make the device" in ended.err
    as_json = await alone.run(*provision(KEYED.serial_number, "--header", "-", "--json"))
    assert "SECRET_DEVICE_KEY" in as_json.lines[-1]["header_text"]


async def test_a_lost_header_can_be_had_again_from_the_agent_that_made_it(
    alone: Mooring, tmp_path: Path
):
    async with running_agent(alone):
        first, second = tmp_path / "first.h", tmp_path / "second.h"
        ended = await alone.run(
            *provision(KEYED.serial_number, "--header", str(first), "--json"),
        )
        job = ended.lines[-1]["job"]
        saved = await alone.run("job", job, "--header", str(second))
        assert saved.status == 0, saved.err
        assert first.read_text() == second.read_text()
    gone = await alone.run("job", job, "--header", "-")
    assert (gone.status, gone.out) == (2, "")
    assert "no longer kept" in gone.err


async def test_a_lora_board_asks_for_its_frequency_plan(person: Person[Mooring], tmp_path: Path):
    header = tmp_path / "s.h"
    await person.start(*provision(LORA.serial_number, "--header", str(header)))
    await person.sees("Write the sketch? (yes or no): ")
    person.types("y\n")
    await person.sees("Which frequency plan")
    await person.sees("1  Europe 863-870 MHz")
    await person.sees("Stop")
    await person.sees("Your choice (1-4): ")
    person.types("1\n")
    await person.sees("EUI ")
    await person.sees(", App EUI ")
    assert await person.status() == 0
    assert "SECRET_APP_KEY" in header.read_text()


async def test_a_board_that_may_be_several_models_needs_a_word(alone: Mooring, tmp_path: Path):
    header = tmp_path / "s.h"
    words = provision(BRIDGED.serial_number, "--header", str(header))
    ended = await alone.run(*words)
    assert (ended.status, "--model: is needed" in ended.err) == (2, True)
    assert "esp32s3" in ended.err
    ended = await alone.run(*words, "--model", "esp32s3")
    assert ended.status == 0, ended.err
    assert "SECRET_DEVICE_KEY" in header.read_text()
