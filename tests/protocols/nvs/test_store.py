"""Reading NVS: partitions of Espressif's generator, and damaged ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.nvs.entries import Item, crc, name_item, read_item, string_item
from agent.protocols.nvs.merge import make
from agent.protocols.nvs.pages import PAGE_BYTES, NvsBroken, Problem
from agent.protocols.nvs.store import read_store
from tests.protocols.nvs.judge import PARTITION, V1, V2, generated

NUMBERS = {
    "u8": 200,
    "i8": -100,
    "u16": 60_000,
    "i16": -30_000,
    "u32": 4_000_000_000,
    "i32": -2_000_000_000,
    "u64": 1 << 63,
    "i64": -(1 << 62),
}


@pytest.mark.parametrize("version", [V1, V2])
def test_everything_that_the_generator_writes_is_read(version):
    blob = bytes(range(256)) * 5
    entries: list[tuple[str, str, object]] = [("first", "namespace", None)]
    entries += [("text", "string", "Grüße"), ("own", "string", "")]
    entries += [(name, name, number) for name, number in NUMBERS.items()]
    entries += [("second", "namespace", None), ("text", "string", "x" * 1000)]
    entries += [("blob", "binary", blob)]
    store = read_store(generated(entries, version=version))
    assert store.namespaces() == {b"first": 1, b"second": 2}
    assert store.get("first", "text") == "Grüße".encode()
    assert store.get("first", "own") == b""
    assert {name: store.get("first", name) for name in NUMBERS} == NUMBERS
    assert store.get("second", "text") == b"x" * 1000
    assert store.get("second", "blob") == blob
    assert store.keys("second") == ["text", "blob"]
    assert store.get("second", "u8") is None
    assert store.get("third", "text") is None


def test_a_blob_over_several_pages_is_put_together():
    blob = bytes(range(251)) * 40
    store = read_store(generated([("n", "namespace", None), ("b", "binary", blob)]))
    assert len(store.pages) == 3
    assert store.get("n", "b") == blob


def test_a_blank_partition_holds_nothing():
    store = read_store(b"\xff" * PARTITION)
    assert (store.namespaces(), list(store.items()), len(store.blank)) == ({}, [], 5)


def problem(image: bytes) -> Problem:
    with pytest.raises(NvsBroken) as broken:
        read_store(image)
    return broken.value.problem


def changed(image: bytes, place: int, value: bytes) -> bytes:
    return image[:place] + value + image[place + len(value) :]


VALUES = {"a": b"x" * 40, "b": b"y", "c": b"z" * 100}
IMAGE = make(PARTITION, "n", VALUES)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (b"", Problem.SIZE),
        (b"\xff" * 8192, Problem.SIZE),
        (IMAGE[:-1], Problem.SIZE),
        (changed(IMAGE, 4, b"\x09"), Problem.HEADER),
        (changed(IMAGE, 28, b"\x09"), Problem.HEADER),
        (changed(IMAGE, 0, b"\xf0\xff\xff\xff"), Problem.HEADER),
        (changed(IMAGE, 0, b"\xf8\xff\xff\xff"), Problem.FREEING),
        (changed(IMAGE, PAGE_BYTES, b"\x00"), Problem.HEADER),
        (changed(IMAGE, 3 * PAGE_BYTES, IMAGE[:PAGE_BYTES]), Problem.SEQUENCE),
        (changed(IMAGE, 64 + 40, b"\x00"), Problem.ENTRY),  # the first of several items
        (changed(IMAGE, 32 + 31, b"\xf0"), Problem.ENTRY),  # written behind empty ones
        (bytes(PARTITION), Problem.HEADER),
        (b"firmware" * (PARTITION // 8), Problem.HEADER),
    ],
)
def test_damage_is_named(image, expected):
    assert problem(image) is expected


def test_a_newer_version_is_not_touched():
    page = bytearray(IMAGE[:PAGE_BYTES])
    page[8] = 0xFD
    page[28:32] = crc(bytes(page[4:28])).to_bytes(4, "little")
    assert problem(bytes(page) + IMAGE[PAGE_BYTES:]) is Problem.VERSION


def test_an_encrypted_partition_is_recognised():
    image = generated(
        [("n", "namespace", None), ("k", "string", "secret" * 30)], key="1f" * 32 + "2e" * 32
    )
    assert problem(image) is Problem.ENCRYPTED


def test_a_partition_without_a_blank_page_is_not_touched():
    pages = [make(PARTITION, "n", {f"k{number}": b"v"})[:PAGE_BYTES] for number in range(5)]
    numbered = []
    for number, each in enumerate(pages):
        page = bytearray(each)
        page[4:8] = number.to_bytes(4, "little")
        page[28:32] = crc(bytes(page[4:28])).to_bytes(4, "little")
        numbered.append(bytes(page))
    assert problem(b"".join(numbered)) is Problem.NO_BLANK


def test_an_item_that_was_being_written_when_power_went_does_not_count():
    # The last item is "c": its first entry is there, the rest was never marked.
    end = 64 + (1 + 2 + 3) * 32
    half = changed(IMAGE, 32, bytes([0xAA, 0xEA]) + b"\xff" * 30)
    half = changed(half, end + 32, b"\xff" * 200)
    store = read_store(half)
    assert store.get("n", "a") == VALUES["a"]
    assert store.get("n", "c") is None


def test_damage_in_a_page_that_is_full_is_named():
    image = generated([("n", "namespace", None), ("b", "binary", b"x" * 5000)])
    assert problem(changed(image, 64 + 40, b"\0")) is Problem.ENTRY


def test_a_damaged_value_is_none():
    store = read_store(changed(IMAGE, 64 + 32 + 32 + 32 + 40, b"!"))
    assert store.get("n", "a") is None
    assert store.get("n", "c") == VALUES["c"]


@given(st.integers(0, 254), st.text("abc_", min_size=1, max_size=15), st.binary(max_size=3000))
def test_an_item_is_read_back_and_any_changed_bit_of_its_entry_is_noticed(number, key, value):
    value = value.replace(b"\0", b".")
    raw = string_item(number, key.encode(), value)
    item = read_item(raw + b"\xff" * 64)
    assert isinstance(item, Item)
    assert (item.namespace, item.key, item.payload) == (number, key.encode(), value + b"\0")
    for bit in range(0, 256, 7):
        damaged = bytearray(raw)
        damaged[bit // 8] ^= 1 << bit % 8
        assert read_item(bytes(damaged)) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_an_item_or_none(data):
    read_item(data)
    read_item(name_item(b"n", 1) + data)


@given(
    st.lists(st.tuples(st.integers(0, PARTITION - 1), st.integers(0, 255)), max_size=20),
)
def test_any_damage_is_named_or_read(damage):
    image = bytearray(IMAGE)
    for place, value in damage:
        image[place] = value
    try:
        store = read_store(bytes(image))
    except NvsBroken:
        return
    for key in store.keys("n"):
        store.get("n", key)
    assert store.to_bytes() == bytes(image)
