"""Partition tables: which settings area is meant, and which is not touched."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import NvsRefused
from agent.flash.esp_partitions import read_table, settings_area
from agent.simulator.esp_table import ROWS, table

OTHER = ("keys", 1, 2, 0x3F_0000, 0x3000, 0)


def test_a_table_is_read():
    found = read_table(table())
    assert [each.label for each in found] == ["nvs", "otadata", "app0", "spiffs"]
    assert (found[0].type, found[0].subtype, found[0].offset, found[0].size) == (
        1,
        2,
        0x9000,
        0x5000,
    )


def test_a_table_without_a_digest_is_read_to_its_end():
    data = table()[: len(ROWS) * 32] + b"\xff" * 64
    assert len(read_table(data)) == len(ROWS)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff" * 0xC00, "nothing is there"),
        (bytes(range(256)) * 12, "encrypted, or the table"),
        (table()[:12] + b"\x01" + table()[13:], "check value"),
        (b"", "nothing is there"),
    ],
)
def test_what_is_no_table_is_told_with_the_reason(data, why):
    with pytest.raises(NvsRefused) as refused:
        read_table(data)
    assert why in refused.value.report().meaning


def test_the_usual_area_is_taken_the_only_one_or_the_one_that_is_named():
    assert settings_area(read_table(table((*ROWS, OTHER)))).label == "nvs"
    assert settings_area(read_table(table((*ROWS[1:], OTHER)))).label == "keys"
    assert settings_area(read_table(table((*ROWS, OTHER))), "keys").label == "keys"


@pytest.mark.parametrize(
    ("rows", "label", "problem"),
    [
        (ROWS[1:], "", "not clear which"),
        ((OTHER, ("more", 1, 2, 0x9000, 0x3000, 0)), "", "not clear which"),
        (ROWS, "keys", "no partition keys"),
        (ROWS, "app0", "no partition app0"),
        ((("nvs", 1, 2, 0x9000, 0x5000, 1),), "", "encrypted"),
        ((("nvs", 1, 2, 0x9000, 0x5000, 2),), "", "read-only"),
    ],
)
def test_an_area_that_is_missing_or_must_not_be_written_is_refused(rows, label, problem):
    with pytest.raises(NvsRefused, match=problem) as refused:
        settings_area(read_table(table(rows)), label)
    assert refused.value.report().remedy


@given(st.binary(max_size=3200))
def test_any_bytes_are_a_table_or_none(data):
    for each in (data, table()[:64] + data):
        with contextlib.suppress(NvsRefused):
            read_table(each)
