"""Images of simulated boards: what the real tools and our own readers say of them."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from agent.catalog import Catalog
from agent.protocols.elf import parse_elf
from agent.protocols.uf2 import parse_uf2
from agent.simulator.images import (
    SMALLEST_BYTES,
    ImageIdentity,
    build_image,
    read_identity,
    read_running,
)

CATALOG = Catalog.load()
FLASHABLE = [model for model in CATALOG.models if model.fqbn is not None]


def model(model_id: str):
    found = CATALOG.get(model_id)
    assert found is not None
    return found


def identity(fqbn: str | None) -> ImageIdentity:
    return ImageIdentity(runs="provisioning-2.0", fqbn=fqbn or "", version="0.6.2")


@pytest.mark.parametrize("model", FLASHABLE, ids=lambda model: model.id)
def test_a_board_that_was_flashed_with_it_knows_what_it_runs(model):
    file = build_image(identity(model.fqbn), model)
    assert read_identity(file) == identity(model.fqbn)
    assert read_identity(b"\xff" * 8192 + file + b"\xff" * 100) == identity(model.fqbn)
    assert build_image(identity(model.fqbn), model) == file


def test_other_sketches_have_no_identity():
    file = build_image(identity("x"), model("mkr_wifi_1010"))
    assert read_identity(b"") is None
    assert read_identity(bytes(4096)) is None
    broken = file.replace(b'"runs"', b'"walk"')
    assert read_identity(broken) is None
    assert read_identity(file[: file.index(b'"runs"')]) is None


@pytest.mark.parametrize(
    ("model_id", "start", "ram_end"),
    [
        ("mkr_wifi_1010", 0x2000, 0x2000_8000),
        ("uno_r4_wifi", 0x4000, 0x2000_8000),
        ("wio_terminal", 0x4000, 0x2003_0000),
        ("portenta_h7", 0x0804_0000, 0x2408_0000),
        ("opta", 0x0804_0000, 0x2408_0000),
        ("portenta_c33", 0x1_0000, 0x2008_0000),
    ],
)
def test_an_image_for_a_cortex_m_begins_with_a_vector_table(model_id, start, ram_end):
    file = build_image(identity("x"), model(model_id), 5000)
    assert len(file) == 5000
    stack, reset, *handlers = struct.unpack_from("<48I", file)
    assert stack == ram_end
    no_faults = model_id == "mkr_wifi_1010"
    assert [handler == 0 for handler in handlers[2:9]] == [no_faults] * 7
    for handler in (reset, *handlers[:2], *handlers[9 if no_faults else 2 :]):
        assert handler % 2 == 1
        assert start < handler < start + len(file)


def test_the_image_of_an_rp2040_is_an_elf_or_a_uf2_at_its_flash():
    elf = parse_elf(build_image(identity("x"), model("nano_rp2040_connect")))
    (segment,) = elf.segments
    assert (elf.machine, segment.address) == (40, 0x1000_0000)
    uf2 = parse_uf2(build_image(identity("x"), model("pico_w")))
    assert uf2.segments[0].address == 0x1000_0000
    assert uf2.family == 0xE48B_FF56


@pytest.mark.parametrize(
    ("model_id", "chip"), [("esp32", "ESP32"), ("esp32c6", "ESP32-C6"), ("esp8266", "ESP8266")]
)
def test_esptool_finds_nothing_wrong_with_an_image_for_its_chips(model_id, chip, tmp_path):
    path = Path(tmp_path / "image.bin")
    path.write_bytes(build_image(identity("x"), model(model_id)))
    done = subprocess.run(
        [sys.executable, "-m", "esptool", "image-info", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"image type: {chip}\n" in done.stdout
    assert "(valid)" in done.stdout
    assert "invalid" not in done.stdout


def test_an_image_too_small_for_its_identity_is_not_built():
    with pytest.raises(ValueError, match="at least"):
        build_image(identity("x"), model("esp32"), SMALLEST_BYTES - 1)
    with pytest.raises(ValueError, match="too long"):
        build_image(ImageIdentity(runs="application", fqbn="f" * 600), model("esp32"))


def test_an_image_runs_only_if_all_of_it_is_there():
    image = build_image(identity("x"), model("mkr_wifi_1010"), 5000)
    rest = b"\xff" * 3000
    assert read_running(image + rest) == identity("x")
    assert read_running(image[:-1] + b"\0" + rest) is None
    assert read_running(image[:4096] + rest) is None
    assert read_running(b"\xff" * 256 + image[256:] + rest) is None
    esp = build_image(identity("x"), model("esp32c3"))
    assert read_running(esp + rest) == identity("x")
    assert read_running(esp[:9000] + rest) is None


@pytest.mark.parametrize(
    "beginning",
    [
        bytes.fromhex("0080002009200000"),
        b"\0" * 256 + bytes.fromhex("00200420f7010010"),
        b"\xe9\x01",
    ],
    ids=["cortex", "rp2040", "espressif"],
)
def test_somebody_elses_sketch_runs_if_it_begins_like_one(beginning):
    assert read_running(beginning + bytes(9000)) == ImageIdentity(runs="other", fqbn="")


@pytest.mark.parametrize(
    "flash", [b"", b"\xff" * 9000, bytes(9000), bytes.fromhex("0080002008200000") + bytes(90)]
)
def test_erased_flash_and_noise_do_not_start(flash):
    assert read_running(flash) is None
