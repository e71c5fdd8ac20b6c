"""Files of a person, before they go into the store."""

from __future__ import annotations

import hashlib

import pytest

from agent.catalog import Catalog
from agent.errors import ImageRefused, InputError
from agent.flash.local import read_local
from agent.flash.sketch import SKETCH_LIMIT
from agent.simulator.images import ImageIdentity, build_image

CATALOG = Catalog.load()
MKR = "arduino:samd:mkrwifi1010"
RP2040 = "arduino:mbed_nano:nanorp2040connect"
PICO = "rp2040:rp2040:rpipicow"


def image(fqbn: str) -> bytes:
    model = CATALOG.by_fqbn(fqbn)
    assert model is not None
    return build_image(ImageIdentity(runs="application", fqbn=fqbn), model)


@pytest.mark.parametrize(
    ("name", "made_for", "fqbn"),
    [
        ("a.bin", MKR, MKR),
        ("a.BIN", MKR, f"{MKR}:option=1"),
        ("a.elf", RP2040, RP2040),
        ("a.uf2", PICO, RP2040),
        ("a.elf", RP2040, PICO),
        ("a.bin", MKR, "not:in_the:catalogue"),
    ],
)
def test_a_file_that_the_board_takes_is_described(tmp_path, name, made_for, fqbn):
    data = image(made_for)
    tmp_path.joinpath(name).write_bytes(data)
    sketch, read = read_local(tmp_path / name, fqbn, CATALOG, version="1", now=5.0)
    assert read == data
    assert sketch.sha256 == hashlib.sha256(data).hexdigest()
    assert (sketch.size, sketch.fqbn, sketch.kind) == (len(data), fqbn, "local")
    assert (sketch.version, sketch.fetched_at, sketch.kept) == ("1", 5.0, True)


@pytest.mark.parametrize(
    ("name", "data", "fqbn", "problem"),
    [
        ("a.bin", b"", MKR, "empty"),
        ("a.bin", image(MKR) * 17, MKR, "room for 253952"),
        ("a.elf", image(RP2040), MKR, "takes .bin, not .elf"),
        ("a", image(MKR), MKR, "without extension"),
        ("a.uf2", image(MKR), PICO, "content"),
    ],
)
def test_a_file_that_is_not_for_the_board_is_refused(tmp_path, name, data, fqbn, problem):
    tmp_path.joinpath(name).write_bytes(data)
    with pytest.raises(ImageRefused) as caught:
        read_local(tmp_path / name, fqbn, CATALOG, now=0.0)
    assert problem in caught.value.report().title


def test_what_cannot_be_read_or_named_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a file"):
        read_local(tmp_path / "none.bin", MKR, CATALOG, now=0.0)
    with pytest.raises(InputError, match="not a file"):
        read_local(tmp_path, MKR, CATALOG, now=0.0)
    with pytest.raises(InputError, match="not an FQBN"):
        read_local(tmp_path / "a.bin", "mkr", CATALOG, now=0.0)


def test_a_file_larger_than_any_flash_is_not_read_to_its_end(tmp_path):
    with tmp_path.joinpath("a.bin").open("wb") as file:
        file.truncate(SKETCH_LIMIT + 1)
    with pytest.raises(InputError, match="larger than"):
        read_local(tmp_path / "a.bin", MKR, CATALOG, now=0.0)
