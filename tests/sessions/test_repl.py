"""Delivery to boards with Python: simulated boards behind real links."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.errors import (
    BoardHasNoDelivery,
    DeliveryFailed,
    DeliveryUnproven,
    DigestDiffers,
    DriveInTheWay,
    InputError,
    PortGone,
    SettingNotTaken,
    SettingsTooLong,
)
from agent.links.open import open_link
from agent.sessions import repl
from agent.settings import Secret
from agent.settings.credentials import AccessToken, BoardSettings, Certificate, CloudSettings
from agent.settings.network import WiFi
from agent.simulator.config import LineFaults
from agent.simulator.repl_board import SimulatedRepl
from agent.simulator.repl_firmware import ReplConfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MICRO = ReplConfig()
CIRCUIT = ReplConfig(
    firmware="circuitpython",
    version=(9, 2, 1),
    machine="Adafruit Feather ESP32-S3 with ESP32S3",
    platform="ESP32S3",
    unique_id="4283a1b2c3d4",
)
BOTH = pytest.mark.parametrize("config", [MICRO, CIRCUIT], ids=["micropython", "circuitpython"])
TOKEN = "m4rker-t0ken"


def settings(token: str = TOKEN, *, network: bool = True, name: str = "bench 7") -> BoardSettings:
    cloud = CloudSettings(
        cloud="thingsboard",
        name=name,
        host="tb.example.org",
        port=1883,
        scheme="mqtt",
        credentials=AccessToken(token=Secret(token)),
    )
    wifi = WiFi(ssid="Büro", password=Secret("pass word 1")) if network else None
    return BoardSettings(network=wifi, cloud=cloud)


@asynccontextmanager
async def board(config: ReplConfig, **options: Any) -> AsyncIterator[SimulatedRepl]:
    simulated = SimulatedRepl(config, tcp=True, **options)
    await simulated.start()
    try:
        yield simulated
    finally:
        simulated.unplug()
        await asyncio.sleep(0)  # the sockets close in the loop's next turn


@asynccontextmanager
async def delivery(simulated: SimulatedRepl, **options: Any) -> AsyncIterator[repl.ReplDelivery]:
    opened = await repl.open_repl(await open_link(simulated.address, repl.BAUD), **options)
    try:
        yield opened
    finally:
        await opened.close()


def tell_nobody(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


def values(simulated: SimulatedRepl) -> dict[str, object]:
    """What the board's program reads, by the names of the table."""
    files = simulated.disk.files
    if simulated.config.firmware == "micropython":
        found: dict[str, object] = json.loads(files.get("/mooring.json", b"{}"))
        return found
    names = {"CIRCUITPY_WIFI_SSID": "wifi_ssid", "CIRCUITPY_WIFI_PASSWORD": "wifi_pass"}
    names |= {f"MOORING_TB_{key}": f"tb_{key.lower()}" for key in ("HOST", "PORT", "NAME", "TOKEN")}
    found = {ours: simulated.disk.getenv(theirs) for theirs, ours in names.items()}
    return {name: value for name, value in found.items() if value is not None}


FULL = {
    "wifi_ssid": "Büro",
    "wifi_pass": "pass word 1",
    "tb_host": "tb.example.org",
    "tb_port": "1883",
    "tb_name": "bench 7",
    "tb_token": TOKEN,
}


@BOTH
async def test_a_board_says_what_it_is_and_is_left_as_it_was(config):
    async with board(config) as simulated:
        async with delivery(simulated) as opened:
            found = await opened.identify()
        assert simulated.disk.steps == 0
        assert simulated.firmware is not None
        assert simulated.firmware.mode == "program"
        assert simulated.firmware.starts == 2
    assert found.holds == ""
    assert found.networks
    if config is MICRO:
        assert (found.firmware, found.version) == ("MicroPython", "1.26.0")
        assert (found.hardware_id, found.family) == ("e6614c311b7e6f35", "rp2040")
    else:
        assert (found.firmware, found.version) == ("CircuitPython", "9.2.1")
        # Its firmware tells the digits of each byte of an Espressif chip's address swapped.
        assert (found.hardware_id, found.family) == ("24381a2b3c4d", "esp32s3")


@BOTH
async def test_settings_reach_the_file_and_the_program_starts_with_them(config):
    steps: list[tuple[int, int]] = []
    async with board(config) as simulated:
        simulated.disk.files["/main.py"] = b"theirs"
        async with delivery(simulated) as opened:
            await opened.put(settings(), lambda done, total: steps.append((done, total)))
            assert simulated.firmware is not None
            assert simulated.firmware.mode == "program"
            assert values(simulated) == FULL
            assert (await opened.identify()).holds == "bench 7"
        assert set(simulated.disk.files) == {"/main.py", f"/{file_name(config)}"}
        assert simulated.disk.files["/main.py"] == b"theirs"
    total = steps[-1][1]
    assert steps == sorted(steps)
    assert steps[-1] == (total, total)


def file_name(config: ReplConfig) -> str:
    return "mooring.json" if config.firmware == "micropython" else "settings.toml"


@BOTH
async def test_one_part_is_replaced_and_the_other_stays(config):
    async with board(config) as simulated, delivery(simulated) as opened:
        await opened.put(settings(), tell_nobody)
        await opened.put(settings("an0ther", network=False, name="new"), tell_nobody)
        assert values(simulated) == {**FULL, "tb_token": "an0ther", "tb_name": "new"}


@BOTH
async def test_the_same_settings_again_write_nothing(config):
    async with board(config) as simulated, delivery(simulated) as opened:
        await opened.put(settings(), tell_nobody)
        simulated.disk.steps = 0
        await opened.put(settings(), tell_nobody)
        # It is tried whether files can be written: one is made and removed again.
        assert simulated.disk.steps == 2


@BOTH
async def test_a_certificate_with_its_key_goes_over_whole(config):
    pem = "-----BEGIN CERTIFICATE-----\n" + "A" * 6000 + "\n-----END CERTIFICATE-----\n"
    key = "-----BEGIN PRIVATE KEY-----\n" + "B" * 3000 + "\n-----END PRIVATE KEY-----\n"
    cloud = CloudSettings(
        cloud="thingsboard",
        name="x",
        host="h",
        port=8883,
        scheme="mqtts",
        ca=pem * 2,
        credentials=Certificate(certificate=pem, key=Secret(key)),
    )
    async with board(config) as simulated, delivery(simulated) as opened:
        await opened.put(BoardSettings(cloud=cloud), tell_nobody)
        if config is MICRO:
            found = values(simulated)
            assert (found["tb_ca"], found["tb_cert"], found["tb_key"]) == (pem * 2, pem, key)
        else:
            assert simulated.disk.getenv("MOORING_TB_KEY") == key


@BOTH
async def test_what_is_erased_is_ours_alone(config):
    own = b'{"own": 1}' if config is MICRO else b'OWN = "1"\n'
    async with board(config) as simulated:
        simulated.disk.files[f"/{file_name(config)}"] = own
        async with delivery(simulated) as opened:
            await opened.put(settings(), tell_nobody)
            await opened.erase()
            assert values(simulated) == ({"own": 1} if config is MICRO else {})
            if config is CIRCUIT:
                assert simulated.disk.files["/settings.toml"] == own
            assert (await opened.identify()).holds == ""


async def test_a_file_of_ours_alone_is_removed_with_its_last_setting():
    async with board(MICRO) as simulated, delivery(simulated) as opened:
        await opened.put(settings(), tell_nobody)
        await opened.erase()
        assert simulated.disk.files == {}


@pytest.mark.parametrize("changed", ["paste", "hashing"])
@BOTH
async def test_firmware_that_lacks_something_takes_settings_too(config, changed):
    lacking = msgspec.structs.replace(config, **{changed: False})
    async with board(lacking) as simulated, delivery(simulated) as opened:
        await opened.put(settings(), tell_nobody)
        assert values(simulated) == FULL


@BOTH
async def test_noise_and_pieces_on_the_line_do_no_harm(config):
    talking = msgspec.structs.replace(config, says="sensor 21.5\n\x04>>> tricky", stubborn=1)
    async with (
        board(talking, faults=LineFaults(split=3)) as simulated,
        delivery(simulated) as opened,
    ):
        await opened.put(settings(), tell_nobody)
        assert values(simulated) == FULL


async def test_what_is_no_python_has_no_delivery():
    stubborn = ReplConfig(stubborn=100)
    async with board(stubborn) as simulated:
        with pytest.raises(BoardHasNoDelivery, match="takes settings"):
            async with delivery(simulated, limit_s=0.1):
                pass


async def test_a_drive_that_the_computer_uses_is_told_and_nothing_changes():
    config = msgspec.structs.replace(CIRCUIT, drive="in-use")
    async with board(config) as simulated:
        simulated.disk.files["/settings.toml"] = b"A=1\n"
        async with delivery(simulated) as opened:
            with pytest.raises(DriveInTheWay):
                await opened.put(settings(), tell_nobody)
            assert simulated.disk.files == {"/settings.toml": b"A=1\n"}
            simulated.disk.drive = "ejected"
            await opened.put(settings(), tell_nobody)
            assert values(simulated) == FULL
            # As before: a program cannot write to it.
            assert not simulated.disk._remounted


async def test_a_board_without_room_says_so_and_keeps_its_old_settings():
    big = "-----BEGIN CERTIFICATE-----\n" + "A" * 4000 + "\n-----END CERTIFICATE-----\n"
    cloud = settings().cloud
    assert cloud is not None
    with_ca = msgspec.structs.replace(cloud, ca=big, scheme="mqtts")
    async with board(ReplConfig(room=2048)) as simulated, delivery(simulated) as opened:
        await opened.put(settings(), tell_nobody)
        with pytest.raises(SettingsTooLong) as refused:
            await opened.put(BoardSettings(cloud=with_ca), tell_nobody)
        assert refused.value.facts["limit"] == 2048 - 512
        assert values(simulated) == FULL
        assert set(simulated.disk.files) == {"/mooring.json"}


async def test_a_bit_that_was_stored_wrongly_is_found_and_the_old_file_stays():
    async with board(MICRO) as simulated, delivery(simulated) as opened:
        await opened.put(settings(), tell_nobody)
        simulated.disk.flip = True
        with pytest.raises(DigestDiffers):
            await opened.put(settings("other"), tell_nobody)
        assert values(simulated) == FULL
        assert set(simulated.disk.files) == {"/mooring.json"}


@BOTH
async def test_power_that_goes_at_any_step_leaves_the_old_settings_or_the_new(config):
    new = {**FULL, "tb_token": "an0ther"}
    async with board(config) as simulated:
        async with delivery(simulated) as opened:
            await opened.put(settings(), tell_nobody)
        old_files = dict(simulated.disk.files)
        simulated.disk.steps = 0
        async with delivery(simulated) as opened:
            await opened.put(settings("an0ther"), tell_nobody)
        steps = simulated.disk.steps
        assert steps > 6
        seen = set()
        for step in range(steps):
            simulated.disk.files = dict(old_files)
            async with delivery(simulated) as opened:
                simulated.disk.power_for = step
                with pytest.raises(PortGone):
                    await opened.put(settings("an0ther"), tell_nobody)
            await simulated.start()
            files = dict(simulated.disk.files)
            current = f"/{file_name(config)}"
            if current not in files:
                # Between two renames: the old one is whole beside it, and is put back.
                files[current] = files[current.rpartition(".")[0] + ".old"]
            simulated.disk.files, left = files, simulated.disk.files
            found = values(simulated)
            assert found in (FULL, new)
            seen.add(found == new)
            simulated.disk.files = left
            async with delivery(simulated) as opened:
                await opened.put(settings("f1nal"), tell_nobody)
            assert values(simulated) == {**FULL, "tb_token": "f1nal"}
            assert set(simulated.disk.files) == {current}
        assert seen == {False, True}


async def test_a_board_that_is_pulled_out_is_gone_and_can_be_delivered_to_again():
    async with board(MICRO) as simulated:
        async with delivery(simulated) as opened:

            def pull(done: int, _total: int) -> None:
                if done:
                    simulated.unplug()

            with pytest.raises(PortGone):
                await opened.put(settings(), pull)
        await simulated.start()
        async with delivery(simulated) as opened:
            await opened.put(settings(), tell_nobody)
        assert values(simulated) == FULL
        assert set(simulated.disk.files) == {"/mooring.json"}


async def test_a_delivery_that_was_cancelled_leaves_a_board_that_takes_the_next():
    async with board(MICRO) as simulated, delivery(simulated) as opened:
        begun = asyncio.Event()
        putting = asyncio.ensure_future(opened.put(settings(), lambda *_: begun.set()))
        await begun.wait()
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting
        await opened.put(settings(), tell_nobody)
        assert values(simulated) == FULL


async def test_settings_that_are_wrong_or_no_text_reach_nothing():
    async with board(CIRCUIT) as simulated, delivery(simulated) as opened:
        sent = len(simulated.received)
        with pytest.raises(InputError):
            await opened.put(BoardSettings(), tell_nobody)
        assert len(simulated.received) == sent
        with pytest.raises(SettingNotTaken, match="ssid"):
            await opened.put(BoardSettings(network=WiFi(ssid_hex="fffe")), tell_nobody)
        assert simulated.disk.files == {}


@pytest.mark.parametrize(
    ("line", "outcome", "detail"),
    [
        ("mooring: connected", "connected", ""),
        ("mooring: refused  bad token \x07", "refused", "bad token ·"),
        ("log\nmooring: network-failed 201", "network-failed", "201"),
    ],
)
async def test_what_the_program_says_of_its_connection_is_heard(line, outcome, detail):
    says = ReplConfig(says=line)
    async with (
        board(says, faults=LineFaults(split=4)) as simulated,
        delivery(simulated) as opened,
    ):
        await opened.put(settings(), tell_nobody)
        found = await opened.cloud_state(5)
    assert (found.outcome, found.detail) == (outcome, detail)


async def test_a_program_that_says_nothing_is_unknown():
    async with board(ReplConfig(says="x" * 5000)) as simulated, delivery(simulated) as opened:
        assert (await opened.cloud_state(0.1)).outcome == "unknown"


async def test_no_secret_is_in_an_error_of_the_board():
    async with board(MICRO) as simulated, delivery(simulated) as opened:
        failed: list[Exception] = []
        for step in range(12):
            simulated.disk.files = {}

            def write(*_args: object, step: int = step) -> None:
                if step == simulated.disk.steps:
                    simulated.disk.files.pop("/mooring.new", None)

            try:
                simulated.disk.steps = 0
                await opened.put(settings(), write)
            except (DeliveryFailed, DigestDiffers, DeliveryUnproven) as problem:
                failed.append(problem)
    assert failed
    assert not any(TOKEN in repr(each) + str(each.__dict__) for each in failed)
