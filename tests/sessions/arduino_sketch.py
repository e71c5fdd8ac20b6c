"""The example sketch of docs/examples, compiled with this computer's compiler, and its memory."""

from __future__ import annotations

import hashlib
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from agent.protocols import board_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).parent / "arduino"
EXAMPLE = Path(__file__).parent.parent.parent / "docs" / "examples" / "mooring_console"
AVR = Path("/usr/share/arduino/hardware/arduino/avr")
AVR_CORE = AVR / "cores" / "arduino"
"""Where Debian has the Arduino core for AVR."""
TABLE_BYTES = 4000
"""``MOORING_TABLE_BYTES`` where there is no AVR."""
UNO_TABLE_BYTES = 480
SLOT = struct.Struct("<HH8s")


def compile_console(program: Path, keys: str) -> Path:
    """The console of the example with these keys and nothing else; it watches its own memory."""
    sanitizers = ["-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover"]
    return _compile(program, "console.cpp", *sanitizers, f'-DKEYS="{keys}"')


def compile_example(program: Path, *defines: str) -> Path:
    """The example sketch as it is in the documentation."""
    chosen = [f"-D{each}" for each in defines]
    return _compile(program, "main.cpp", '-DSKETCH="mooring_console.ino"', *chosen)


def compile_for_uno(folder: Path) -> tuple[Path, Path]:
    """The example with the real Arduino core, and a simulated ATmega328P to run it on."""
    sketch, chip = folder / "uno.elf", folder / "uno"
    options = ["-Os", "-mmcu=atmega328p", "-DF_CPU=16000000L", "-DARDUINO=10819"]
    options += ["-DARDUINO_ARCH_AVR", "-ffunction-sections", "-Wl,--gc-sections"]
    options += [f"-I{AVR_CORE}", f"-I{AVR / 'variants/standard'}", f"-I{EXAMPLE}"]
    options += [f"-I{AVR / 'libraries/EEPROM/src'}"]
    core_c = [str(AVR_CORE / name) for name in ("wiring.c", "hooks.c", "wiring_digital.c")]
    subprocess.run(["avr-gcc", *options, "-c", *core_c], check=True, cwd=folder)
    core = ("HardwareSerial.cpp", "HardwareSerial0.cpp", "Print.cpp", "main.cpp", "abi.cpp")
    sources = [str(EXAMPLE / "mooring_console.ino"), *(str(AVR_CORE / name) for name in core)]
    flags = ["-std=gnu++11", "-fno-exceptions", "-fno-threadsafe-statics", "-Wall", "-Wextra"]
    linked = ["-x", "none", "wiring.o", "hooks.o", "wiring_digital.o", "-o", str(sketch)]
    made = ["avr-g++", *options, *flags, "-include", "Arduino.h", "-x", "c++", *sources, *linked]
    subprocess.run(made, check=True, cwd=folder)
    host = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", str(HERE / "uno.c"), "-o", str(chip)]
    subprocess.run([*host, "-lsimavr", "-lelf"], check=True)
    return chip, sketch


def _compile(program: Path, source: str, *options: str) -> Path:
    command = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{HERE}", f"-I{EXAMPLE}"]
    subprocess.run([*command, *options, str(HERE / source), "-o", str(program)], check=True)
    return program


def read_eeprom(file: Path, table_bytes: int = TABLE_BYTES) -> dict[str, bytes]:
    """The settings that count, as the sketch would find them after a loss of power."""
    slot_bytes = SLOT.size + table_bytes
    memory = file.read_bytes().ljust(2 * slot_bytes, b"\xff") if file.exists() else b""
    best: tuple[int, bytes] = (0, b"")
    for number in range(2) if memory else ():
        slot = memory[number * slot_bytes :]
        generation, used, check = SLOT.unpack_from(slot)
        table = slot[SLOT.size :][:used]
        whole = used <= table_bytes and generation % 2 == number
        if whole and hashlib.sha256(slot[:4] + table).digest()[:8] == check:
            best = max(best, (generation, table))
    words = best[1].split(b"\0")[:-1]
    return {words[i].decode(): words[i + 1] for i in range(0, len(words), 2)}


def write_eeprom(file: Path, values: Mapping[str, bytes], table_bytes: int = TABLE_BYTES) -> None:
    """A memory that holds these settings."""
    table = board_keys.table(values)
    head = struct.pack("<HH", 1, len(table))
    slot = head + hashlib.sha256(head + table).digest()[:8] + table
    file.write_bytes(b"\xff" * (SLOT.size + table_bytes) + slot)
