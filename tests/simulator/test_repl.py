"""Simulated boards with Python: their files, their prompt, and what power does to them."""

from __future__ import annotations

import pytest

from agent.simulator.repl_disk import Disk, PowerLost
from agent.simulator.repl_firmware import ReplConfig, ReplFirmware
from agent.simulator.tiny_python import Thrown

CIRCUITPYTHON = ReplConfig(
    firmware="circuitpython", machine="Raspberry Pi Pico W with rp2040", drive="in-use"
)


class Bench:
    """A board's firmware, and what it said since the last look."""

    def __init__(self, config: ReplConfig | None = None) -> None:
        config = config or ReplConfig()
        self.out = bytearray()
        circuitpython = config.firmware == "circuitpython"
        self.disk = Disk(fat=circuitpython, room=config.room, drive=config.drive)
        self.board = ReplFirmware(config, self.disk, self.out.extend)

    def say(self, data: bytes) -> bytes:
        self.out.clear()
        self.board.receive(data)
        return bytes(self.out)

    def raw(self) -> Bench:
        self.say(b"\x03\x03\x01")
        return self


def test_a_program_is_interrupted_and_the_prompt_comes():
    bench = Bench()
    assert bench.say(b"ignored") == b""
    assert b"KeyboardInterrupt" in bench.say(b"\x03")
    assert bench.out.endswith(
        b"MicroPython 1.26.0 on 2026-01-01; " + b"Raspberry Pi Pico W with RP2040\r\n>>> "
    )


def test_circuitpython_waits_for_a_key_first():
    bench = Bench(CIRCUITPYTHON)
    assert bench.say(b"\x03").endswith(b"Use CTRL-D to reload.\r\n")
    assert bench.say(b"\x03").endswith(b"\r\n>>> ")
    assert bench.say(b"\x04") == b"\r\nsoft reboot\r\n"
    bench.say(b"\x03")
    assert bench.say(b"\x04") == b"\r\nsoft reboot\r\n"
    assert bench.board.starts == 3


def test_raw_mode_runs_programs_and_tells_output_from_errors():
    bench = Bench().raw()
    assert bench.say(b"print(1)\x04") == b"OK1\r\n\x04\x04>"
    answer = bench.say(b"nope\x04")
    assert answer.startswith(b"OK\x04Traceback")
    assert answer.endswith(b"NameError: name 'nope' isn't defined\r\n\x04>")
    assert bench.say(b"half\x03\x04") == b"OK\r\n\r\nMPY: soft reboot\r\n"


def test_raw_paste_mode_tells_when_there_is_room():
    bench = Bench().raw()
    assert bench.say(b"\x05A\x01") == b"R\x01\x80\x00\x01"
    assert bench.say(b"#" * 300) == b"\x01\x01"
    assert bench.say(b"\nprint(2)\x04") == b"\x042\r\n\x04\x04>"
    bench.say(b"\x05A\x01")
    assert bench.say(b"half\x03").startswith(b"\x04\x04Traceback")


def test_old_firmware_takes_the_question_for_raw_mode():
    bench = Bench(ReplConfig(paste=False)).raw()
    assert bench.say(b"\x05A\x01") == b"raw REPL; CTRL-B to exit\r\n>"


def test_a_program_that_hangs_ends_when_it_is_interrupted():
    bench = Bench().raw()
    assert bench.say(b"while True:pass\x04") == b"OK"
    assert bench.say(b"x") == b""
    assert b"KeyboardInterrupt" in bench.say(b"\x03")
    assert bench.say(b"print(1)\x04") == b"OK1\r\n\x04\x04>"


def test_names_stay_until_the_soft_reset():
    bench = Bench().raw()
    bench.say(b"x=1\x04")
    assert bench.say(b"print(x)\x04") == b"OK1\r\n\x04\x04>"
    bench.say(b"\x02\x04")
    bench.raw()
    assert b"NameError" in bench.say(b"print(x)\x04")


def test_a_stubborn_program_survives_some_interrupts():
    bench = Bench(ReplConfig(stubborn=2))
    assert bench.say(b"\x03\x03") == b""
    assert bench.say(b"\x03") != b""


def test_the_drive_of_circuitpython_keeps_programs_from_writing():
    disk = Disk(fat=True, room=4096, drive="in-use")
    with pytest.raises(Thrown, match="OSError"):
        disk.open("/x", "wb")
    with pytest.raises(Thrown, match="RuntimeError"):
        disk.remount("/")
    disk.drive = "ejected"
    with pytest.raises(Thrown, match="OSError"):
        disk.open("/x", "wb")
    disk.remount("/")
    disk.open("/x", "wb")
    disk.power_on()
    with pytest.raises(Thrown, match="OSError"):
        disk.remove("/x")


@pytest.mark.parametrize(("fat", "steps"), [(True, 2), (False, 1)])
def test_a_rename_onto_a_file_is_one_step_only_with_littlefs(fat, steps):
    disk = Disk(fat=fat, room=4096)
    disk.files = {"/a": b"new", "/b": b"old"}
    disk.rename("a", "b")
    assert disk.files == {"/b": b"new"}
    assert disk.steps == steps


def test_power_goes_before_a_step():
    disk = Disk(fat=True, room=4096)
    disk.files = {"/a": b"new", "/b": b"old"}
    disk.power_for = 1
    with pytest.raises(PowerLost):
        disk.rename("a", "b")
    assert disk.files == {"/a": b"new"}


def test_a_full_disk_and_a_missing_file_are_errors_with_numbers():
    disk = Disk(fat=False, room=1024)
    file = disk.open("a", "wb")
    with pytest.raises(Thrown) as full:
        file.members["write"](b"x" * 2000)
    assert full.value.values[0] == 28
    with pytest.raises(Thrown) as missing:
        disk.open("nope", "rb")
    assert missing.value.values[0] == 2
    assert disk.statvfs("/")[3] == 2


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('K = "a"', "a"),
        ('  K="a" # b', "a"),
        (r'K = "a\"\\\n\u00e4\U0001F600"', 'a"\\\nä😀'),
        ("K = 5", None),
        ('KK = "a"', None),
        ('[t]\nK = "a"', None),
    ],
)
def test_settings_are_read_as_circuitpython_reads_them(line, value):
    disk = Disk(fat=True, room=4096)
    disk.files["/settings.toml"] = line.encode()
    assert disk.getenv("K") == value
