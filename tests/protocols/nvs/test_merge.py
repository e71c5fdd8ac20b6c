"""Putting values into NVS: what others keep, what interruptions leave, and what does not fit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.protocols.nvs.merge import NvsFull, ValueTooLong, make, merge, put_back
from agent.protocols.nvs.pages import ENTRIES, PAGE_BYTES, NvsBroken, PageState
from agent.protocols.nvs.store import Store, read_store
from tests.protocols.nvs.judge import PARTITION, V1, generated

OURS = "mooring"
OTHERS = [
    ("nvs.net80211", "namespace", None),
    ("sta.ssid", "binary", b"home".ljust(36, b"\0")),
    ("sta.apinfo", "binary", bytes(range(256)) * 3),
    ("opmode", "u8", 1),
    ("sketch", "namespace", None),
    ("count", "u32", 77),
    ("name", "string", "theirs"),
]
values = st.dictionaries(
    st.text("abcdefgh_0", min_size=1, max_size=15),
    st.binary(min_size=1, max_size=400).map(lambda data: data.replace(b"\0", b".")),
    max_size=12,
)


def held(image: bytes, namespace: str = OURS) -> dict[str, object]:
    store = read_store(image)
    return {key: store.get(namespace, key) for key in store.keys(namespace)}


def foreign(store: Store) -> list[bytes]:
    """Every item of others, byte for byte."""
    ours = store.namespaces().get(OURS.encode())
    return [
        item.raw
        for _, _, item in store.items()
        if item.namespace != ours and not (item.namespace == 0 and item.key == OURS.encode())
    ]


def test_a_small_partition_is_what_the_generator_makes():
    entries = [(OURS, "namespace", None), ("a", "string", "x"), ("b", "string", "y" * 100)]
    assert make(PARTITION, OURS, {"b": b"y" * 100, "a": b"x"}) == generated(entries)


def test_a_blob_in_one_piece_is_what_the_generator_makes():
    made = make(0x8000, OURS, {"big": b"z" * 5000})
    assert made == generated([(OURS, "namespace", None), ("big", "binary", b"z" * 5000)], 0x8000)


def test_what_others_keep_stays_byte_for_byte_and_unchanged_pages_too():
    image = generated(OTHERS)
    merged = merge(image, OURS, {"tb_host": b"h" * 30, "tb_ca": b"c" * 3000}, ())
    before, after = read_store(image), read_store(merged)
    assert foreign(after) == foreign(before)
    assert after.get("sketch", "name") == b"theirs"
    assert held(merged) == {"tb_host": b"h" * 30, "tb_ca": b"c" * 3000}
    # The second delivery finds its page behind theirs.
    again = merge(merged, OURS, {"tb_host": b"other"}, ("tb_ca",))
    assert held(again) == {"tb_host": b"other"}
    assert foreign(read_store(again)) == foreign(before)


def test_the_same_values_again_change_nothing():
    wanted = {"a": b"1", "b": b"2" * 3000, "c": b"3" * 5000}
    image = merge(generated(OTHERS), OURS, wanted, ("d",))
    assert merge(image, OURS, wanted, ("d", "a")) == image


def test_only_what_differs_is_written():
    image = make(PARTITION, OURS, {"a": b"1" * 50, "b": b"2"})
    merged = merge(image, OURS, {"a": b"1" * 50, "b": b"3"}, ())
    store = read_store(merged)
    assert [entry for page in store.pages for entry, _ in page.items] == [0, 3, 6]


def test_what_is_dropped_is_gone_and_nothing_is_added_for_it():
    image = merge(generated(OTHERS), OURS, {"a": b"1", "b": b"2"}, ())
    assert held(merge(image, OURS, {}, ("a", "b", "never"))) == {}
    assert merge(generated(OTHERS), OURS, {}, ("a",)) == generated(OTHERS)


def test_a_value_of_another_type_is_replaced():
    image = generated([(OURS, "namespace", None), ("a", "u32", 5), ("b", "binary", b"x" * 5000)])
    merged = merge(image, OURS, {"a": b"text", "b": b"short"}, ())
    assert held(merged) == {"a": b"text", "b": b"short"}


def test_a_long_value_is_a_blob_whose_pieces_begin_elsewhere_each_time():
    image = make(0x8000, OURS, {"big": b"a" * 6000})
    for letter in (b"b", b"c", b"d"):
        before = {item.chunk for _, _, item in read_store(image).items() if item.type == 0x42}
        image = merge(image, OURS, {"big": letter * 6000}, ())
        after = {item.chunk for _, _, item in read_store(image).items() if item.type == 0x42}
        assert held(image) == {"big": letter * 6000}
        assert not before & after


def test_many_changes_never_use_up_the_partition():
    image = generated(OTHERS)
    before = foreign(read_store(image))
    for number in range(400):
        image = merge(image, OURS, {"a": str(number).encode() * 40, "b": b"x"}, ())
        store = read_store(image)
        assert store.blank
        assert [page.state for page in store.pages[:-1]] == [PageState.FULL] * (
            len(store.pages) - 1
        )
    assert held(image) == {"a": b"399" * 40, "b": b"x"}
    assert sorted(foreign(read_store(image))) == sorted(before)


def test_pages_count_upwards_also_when_all_is_written_anew():
    image = make(0x3000, OURS, {"a": b"1" * 3000})
    numbers = []
    for number in range(6):
        image = merge(image, OURS, {"a": str(number).encode() * 3000}, ())
        numbers.append([page.number for page in read_store(image).pages])
    assert numbers == sorted(numbers)


def test_a_full_partition_is_refused_with_the_room_that_there_is():
    filled: list[tuple[str, str, object]] = [("n", "namespace", None)]
    filled += [(f"k{number}", "string", "v" * 3900) for number in range(4)]
    image = generated(filled)
    with pytest.raises(NvsFull) as full:
        merge(image, OURS, {"a": b"x" * 2000}, ())
    assert full.value.needed_bytes >= 2000
    assert full.value.room_bytes < 2000
    with pytest.raises(NvsFull):
        make(0x3000, OURS, {"a": b"x" * 9000})


def test_version_1_stays_version_1():
    image = generated(OTHERS[4:], version=V1)
    merged = merge(image, OURS, {"a": b"x" * 1983}, ())
    assert {page.version for page in read_store(merged).pages} == {0xFF}
    assert held(merged) == {"a": b"x" * 1983}
    with pytest.raises(ValueTooLong) as long:
        merge(image, OURS, {"a": b"x" * 1984}, ())
    assert (long.value.key, long.value.size, long.value.limit) == ("a", 1984, 1983)


@pytest.mark.parametrize("name", ["", "x" * 16, "ä", "a\0"])
def test_a_name_that_does_not_go_is_refused(name):
    with pytest.raises(ValueError, match="name"):
        make(PARTITION, OURS, {name: b"1"})
    with pytest.raises(ValueError, match="name"):
        make(PARTITION, name, {})


def test_an_item_that_was_being_written_makes_way():
    image = bytearray(make(PARTITION, OURS, {"a": b"1"}))
    # Firmware wrote the entry and lost power before it marked it.
    image[64 + 3 * 32 : 64 + 4 * 32] = b"half".ljust(32, b"\0")
    merged = merge(bytes(image), OURS, {"b": b"2"}, ())
    assert held(merged) == {"a": b"1", "b": b"2"}
    assert b"half" not in merged


def test_no_more_namespaces_than_there_are_numbers():
    names = [(f"n{number}", "namespace", None) for number in range(254)]
    with pytest.raises(NvsFull):
        merge(generated(names), OURS, {"a": b"1"}, ())


def test_what_was_lost_is_put_back_and_what_is_there_stays():
    old = merge(generated(OTHERS), OURS, {"a": b"1" * 90, "b": b"2"}, ())
    # Firmware began anew: other numbers for the same names, and another value.
    now = generated(
        [("sketch", "namespace", None), ("count", "u32", 78), (OURS, "namespace", None)]
    )
    store = read_store(put_back(now, old))
    assert store.get("sketch", "count") == 78
    assert store.get("sketch", "name") == b"theirs"
    assert store.get("nvs.net80211", "sta.apinfo") == bytes(range(256)) * 3
    assert (store.get(OURS, "a"), store.get(OURS, "b")) == (b"1" * 90, b"2")
    assert put_back(old, old) == old
    assert put_back(b"\xff" * PARTITION, generated(OTHERS)) == generated(OTHERS)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_wherever_writing_breaks_off_the_next_delivery_makes_it_whole(order):
    others = [*OTHERS, ("blob", "binary", bytes(range(256)) * 14)]
    old, wanted = generated(others), {"tb_host": b"h", "tb_ca": b"c" * 3900}
    before = sorted(foreign(read_store(old)))
    new = merge(old, OURS, wanted, ())
    pages = [at for at in range(0, len(old), PAGE_BYTES) if page_at(old, at) != page_at(new, at)]
    assert len(pages) == len(order)
    image = bytearray(old)
    for at in (pages[index] for index in order):
        for cut in range(0, PAGE_BYTES + 1, 32):
            image[at : at + PAGE_BYTES] = page_at(new, at)[:cut].ljust(PAGE_BYTES, b"\xff")
            try:
                base = put_back(bytes(image), old)
            except NvsBroken:
                base = old
            whole = merge(base, OURS, wanted, ())
            assert held(whole) == wanted
            assert sorted(foreign(read_store(whole))) == before


def page_at(image: bytes, place: int) -> bytes:
    return image[place : place + PAGE_BYTES]


def test_what_cannot_be_put_back_is_told():
    filled: list[tuple[str, str, object]] = [("n", "namespace", None)]
    filled += [(f"k{number}", "string", "v" * 3900) for number in range(4)]
    with pytest.raises(NvsFull):
        put_back(generated(OTHERS), generated(filled))


@given(values, st.lists(st.tuples(values, st.sets(st.sampled_from(["a", "b", "ab"]))), max_size=6))
@settings(max_examples=60)
def test_any_sequence_of_merges_holds_what_it_should(first, changes):
    image = generated(OTHERS)
    before = sorted(foreign(read_store(image)))
    image = merge(image, OURS, first, ())
    expected = dict(first)
    for wanted, drop in changes:
        image = merge(image, OURS, wanted, drop)
        expected = {key: value for key, value in expected.items() if key not in drop} | wanted
        store = read_store(image)
        assert held(image) == expected
        assert sorted(foreign(store)) == before
        assert len(image) == PARTITION
        assert store.blank
        assert sum(page.state == PageState.ACTIVE for page in store.pages) == 1
        assert merge(image, OURS, wanted, set(drop) - set(wanted)) == image


@given(
    st.dictionaries(
        st.text("abc", min_size=1, max_size=3),
        st.integers(1, 12_000).map(lambda size: b"x" * size),
        max_size=5,
    )
)
@settings(max_examples=60)
def test_any_sizes_fit_or_are_refused(wanted):
    try:
        image = make(0x8000, OURS, wanted)
    except NvsFull:
        assert sum(map(len, wanted.values())) > 5 * PAGE_BYTES - ENTRIES * 32 // 2
        return
    assert held(image) == wanted
