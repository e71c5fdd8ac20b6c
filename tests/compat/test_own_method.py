"""The vendor's command lines that Mooring carries out itself, and those that it must not."""

from __future__ import annotations

import pytest

from agent.catalog import Catalog
from agent.compat.command_line import split
from agent.compat.own_method import writes_sketch

FILE = '"{build.path}/{build.project_name}.bin"'
DFUSE = f"dfu-util --device 0x2341:0x0366 -D {FILE} -a0 --dfuse-address=0x08040000:leave"


@pytest.fixture(scope="module")
def catalog():
    return Catalog.load()


def ours(catalog, model: str, line: str, extension: str = ".bin") -> bool:
    words = split(line)
    found = catalog.get(model)
    assert found is not None
    return writes_sketch(words[0], words[1:], found, extension)


OURS = [
    ("mkr_wifi_1010", f"bossac -i -d --port={{serial.port.file}} -U true -i -e -w -v {FILE} -R"),
    ("nano_33_iot", f"bossac.exe --port={{serial.port.file}} -U -i -e -w -v -o 0x2000 {FILE} -R"),
    ("nano_33_iot", f"bossac -p {{serial.port}} -U -i -e -w -v --offset=8192 {FILE} -R"),
    ("wio_terminal", f"bossac -U -i --offset=0x4000 -w -v {FILE} -R"),
    ("uno_r4_wifi", f"bossac --port={{serial.port.file}} -U -e -w {FILE} -R"),
    ("giga_r1_wifi", f"dfu-util --device 2341:0366 -D {FILE} -a0 --dfuse-address=0x08040000:leave"),
    ("giga_r1_wifi", DFUSE),
    ("portenta_c33", f"dfu-util --device 2341:0068,:0368 -D {FILE} -a0 -Q"),
    ("portenta_c33", f"dfu-util --device 0x2341:0x0068,:0x0368 -D {FILE} -a0 -R"),
    ("nano_esp32", f"dfu-util -d 2341:0070 -D {FILE} -Q"),
    ("esp32", f"esptool --chip esp32 --port {{serial.port}} -b 921600 write-flash -z 0x0 {FILE}"),
    ("esp32", f"esptool.py --chip esp32 --before default_reset write_flash -z 0x0 {FILE}"),
]


@pytest.mark.parametrize(("model", "line"), OURS)
def test_a_line_that_writes_the_sketch_as_the_model_wants_it_is_ours(catalog, model, line):
    assert ours(catalog, model, line)


def test_an_elf_for_the_rp2040_is_ours(catalog):
    line = 'rp2040load -v -D "{build.path}/{build.project_name}.elf"'
    assert ours(catalog, "nano_rp2040_connect", line, ".elf")
    assert not ours(catalog, "nano_rp2040_connect", line, ".bin")
    assert not ours(catalog, "mkr_wifi_1010", line, ".elf")


OTHERS = [
    ("mkr_wifi_1010", f"bossac -e -w -v -o 0x0 {FILE} -R"),
    ("mkr_wifi_1010", f"bossac -e -w -v -o x {FILE} -R"),
    ("mkr_wifi_1010", f"bossac -e -v {FILE} -R"),
    ("mkr_wifi_1010", f"bossac -e -w -b {FILE} -R"),
    ("mkr_wifi_1010", f"bossac -e -w -s=1 {FILE}"),
    ("mkr_wifi_1010", f"bossac -w {FILE} {FILE}"),
    ("mkr_wifi_1010", "bossac -w {runtime.platform.path}/other.bin"),
    ("mkr_wifi_1010", f"bossac -w --port=/dev/ttyACM9 {FILE}"),
    ("mkr_wifi_1010", f"bossac -w -o 0x2000 -o 0 {FILE}"),
    ("mkr_wifi_1010", f"avrdude -w {FILE}"),
    ("esp32", f"bossac -e -w {FILE}"),
    ("giga_r1_wifi", f"dfu-util -d 2341:0366 -D {FILE} -a2 --dfuse-address=0xA0000000:leave"),
    ("giga_r1_wifi", f"dfu-util -d 2341:0366 -D {FILE} -a0 --dfuse-address=0x08140000:leave"),
    ("giga_r1_wifi", f"dfu-util -d 2341:0366 -D {FILE} -a0 --dfuse-address=0x08040000"),
    ("giga_r1_wifi", f"dfu-util -d 2341:035b -D {FILE} -a0 --dfuse-address=0x08040000:leave"),
    ("giga_r1_wifi", f"dfu-util -d 2341:0366 -U {FILE}"),
    ("giga_r1_wifi", f"dfu-util -D {FILE} -a0 --dfuse-address=0x08040000:leave"),
    ("portenta_c33", f"dfu-util -d 2341:0368 -D {FILE} -a1 -R"),
    ("portenta_c33", f"dfu-util -d 2341:0368 -D {FILE} -a0 -s 0x10000:leave"),
    ("esp32", f"esptool --chip esp32s3 write_flash 0x0 {FILE}"),
    ("esp32", f"esptool write_flash --flash_mode dio 0x0 {FILE}"),
    ("esp32", f"esptool write_flash 0x10000 {FILE}"),
    ("esp32", f"esptool write_flash 0x0 {FILE} 0x8000 {FILE}"),
    ("esp32", f"esptool write_flash -e 0x0 {FILE}"),
    ("esp32", "esptool erase_flash"),
    ("portenta_x8", f"adb push {FILE} /tmp/arduino/m4-user-sketch.elf"),
]


@pytest.mark.parametrize(("model", "line"), OTHERS)
def test_a_line_that_does_anything_else_is_left_to_the_tool(catalog, model, line):
    assert not ours(catalog, model, line)
