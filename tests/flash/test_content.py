import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.catalog import Catalog
from agent.errors import ImageRefused
from agent.flash import content
from agent.flash.content import read_image, require_format, require_size, require_vectors

MODEL = next(model for model in Catalog.load().models if model.id == "mkr_wifi_1010")


def vectors(stack: int, start: int, size: int = 64, *, faults: bool = False) -> bytes:
    """A vector table; ``faults``: with handlers for faults, as all but a Cortex-M0+ have them."""
    head = stack.to_bytes(4, "little") + start.to_bytes(4, "little")
    return head + bytes(8) + (head[4:] * 3 if faults else bytes(12)) + bytes(size - 28)


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("sketch.bin", vectors(0x20008000, 0x2101), "bin"),
        ("sketch.elf", b"\x7fELF\x01", "elf"),
        ("sketch.bin", b"\x7fELF\x01", "elf"),
        ("sketch.uf2", b"UF2\n\x57\x51\x5d\x9e", "uf2"),
        ("app.bin", b"\xe9\x03\x02\x20", "esp"),
        ("merged.bin", b"\xff" * 0x1000 + b"\xe9\x03", "esp"),
        ("blank.bin", b"\xff" * 0x1001, "bin"),
        ("sketch", b"anything", "bin"),
    ],
)
def test_the_format_of_a_file_is_told_by_its_content(name, data, expected):
    assert read_image(name, data).format == expected


@pytest.mark.parametrize("name", ["a.elf", "a.uf2", "A.UF2"])
def test_a_file_that_is_not_what_its_extension_says_is_refused(name):
    with pytest.raises(ImageRefused, match="not that of"):
        read_image(name, b"anything")


def test_an_empty_file_is_refused():
    with pytest.raises(ImageRefused, match="empty"):
        read_image("a.bin", b"")


def test_an_image_has_the_name_without_folders_and_the_digest_of_its_content():
    image = read_image("C:\\sketches\\a/b\x1b[31m.bin", b"data")
    assert "\\" not in image.name
    assert "/" not in image.name
    assert "\x1b" not in image.name
    assert image.name.endswith(".bin")
    assert image.sha256 == hashlib.sha256(b"data").hexdigest()
    assert "4 bytes" in repr(image)


def test_a_board_is_given_only_formats_that_it_takes():
    image = read_image("a.uf2", b"UF2\n" + bytes(508))
    require_format(image, MODEL, "elf", "uf2")
    with pytest.raises(ImageRefused) as refused:
        require_format(image, MODEL, "bin", "elf")
    assert "UF2" in str(refused.value)
    assert MODEL.name in str(refused.value)


OTHER_FILES = {
    "a text": "void setup() {\n  // Größe\n}\n".encode(),
    "an Intel HEX file": b":100000000C9434000C943E000C943E000C943E0082\r\n",
    "a ZIP archive": b"PK\x03\x04\x14\0\0\0",
    "a file of empty bytes": b"\xff" * 5000,
}


@pytest.mark.parametrize("any_board", [False, True])
@pytest.mark.parametrize(("what", "data"), OTHER_FILES.items(), ids=OTHER_FILES)
def test_a_file_that_is_no_memory_image_is_refused_by_what_it_is(what, data, any_board):
    image = read_image("a.bin", data, any_board=any_board)
    with pytest.raises(ImageRefused, match=f"it is {what}, and this board takes a memory image"):
        require_format(image, MODEL, "bin")
    require_format(read_image("a.bin", vectors(0x20008000, 0x2101)), MODEL, "bin")


def test_a_file_may_be_as_large_as_the_room_and_no_larger():
    image = read_image("a.bin", b"data")
    require_size(image, MODEL, 100, 100)
    with pytest.raises(ImageRefused, match="101 bytes"):
        require_size(image, MODEL, 101, 100)


CHIPS = [content.SAMD21, content.SAMD51, content.RA4M1, content.STM32H7]


@pytest.mark.parametrize("chip", CHIPS)
def test_a_sketch_that_can_start_is_accepted(chip):
    for ram in chip.ram:
        for stack, start in ((ram.stop, chip.base + 9), (ram.stop - 8, chip.base + 63)):
            data = vectors(stack, start, faults=not chip.m0)
            require_vectors(read_image("a.bin", data), MODEL, chip)


@pytest.mark.parametrize("chip", CHIPS)
def test_a_sketch_for_another_kind_of_processor_is_refused(chip):
    # RA4M1 and SAMD21 have memory at the same addresses.
    data = vectors(chip.ram[0].stop, chip.base + 9, faults=chip.m0)
    with pytest.raises(ImageRefused, match="another kind of processor"):
        require_vectors(read_image("a.bin", data), MODEL, chip)
    require_vectors(read_image("a.bin", data, any_board=True), MODEL, chip)


def test_a_sketch_for_more_memory_than_the_chip_has_is_refused():
    # Both chips have their sketches at 0x4000; only the end of their memory tells them apart.
    image = read_image("a.bin", vectors(content.SAMD51.ram[0].stop, 0x4009, faults=True))
    require_vectors(image, MODEL, content.SAMD51)
    with pytest.raises(ImageRefused, match="outside the memory"):
        require_vectors(image, MODEL, content.RA4M1)


WRONG = {
    "stack below the RAM": lambda ram, base: vectors(ram.start, base + 9),
    "stack above the RAM": lambda ram, base: vectors(0x24080004, base + 9),
    "stack not on a word": lambda ram, base: vectors(ram.stop - 2, base + 9),
    "stack nowhere": lambda ram, base: vectors(0, base + 9),
    "erased flash": lambda ram, base: b"\xff" * 64,
    "even address": lambda ram, base: vectors(ram.stop, base + 8),
    "before the image": lambda ram, base: vectors(ram.stop, base - 1),
    "behind the image": lambda ram, base: vectors(ram.stop, base + 65),
    "for another base": lambda ram, base: vectors(ram.stop, base + 0x10001),
    "too short": lambda ram, base: vectors(ram.stop, base + 9)[:7],
    "text": lambda ram, base: b":100000000C9434000C944F000C944F000C944F004F" * 2,
}


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG)
def test_a_sketch_that_cannot_start_is_refused(chip, make):
    image = read_image("a.bin", make(chip.ram[0], chip.base))
    with pytest.raises(ImageRefused):
        require_vectors(image, MODEL, chip)


@given(st.text(max_size=200), st.binary(max_size=300))
def test_whatever_a_file_is_it_is_an_image_or_refused(name, data):
    with contextlib.suppress(ImageRefused):
        image = read_image(name, data)
        assert image.data == data
        require_vectors(image, MODEL, content.SAMD21)
