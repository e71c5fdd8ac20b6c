"""The files that boards with Python keep settings in."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.board_keys import BY_NAME
from agent.protocols.repl_files import (
    NotText,
    merge_json,
    merge_toml,
    read_json,
    read_toml,
    toml_name,
)
from agent.simulator.repl_disk import Disk

if TYPE_CHECKING:
    from agent.protocols.board_keys import Group

BOTH: tuple[Group, ...] = ("network", "cloud")
CLOUD: tuple[Group, ...] = ("cloud",)
VALUES = {"wifi_ssid": b"Net", "wifi_pass": b"secret 1", "tb_host": b"tb", "tb_token": b'a"\\b'}
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1)
settings = st.dictionaries(st.sampled_from(sorted(BY_NAME)), texts.map(str.encode), max_size=6)


def test_json_holds_names_and_texts_in_ascii():
    data = merge_json(b"", {**VALUES, "wifi_ssid": "Büro".encode()}, BOTH)
    assert data.isascii()
    assert json.loads(data) == {
        "wifi_ssid": "Büro",
        "wifi_pass": "secret 1",
        "tb_host": "tb",
        "tb_token": 'a"\\b',
    }


def test_json_keeps_the_other_part_and_what_others_wrote():
    old = merge_json(b'{"my_own": [1, 2]}', VALUES, BOTH)
    new = json.loads(merge_json(old, {"tb_host": b"new"}, CLOUD))
    assert new["my_own"] == [1, 2]
    assert new["wifi_ssid"] == "Net"
    assert new["tb_host"] == "new"
    assert "tb_token" not in new


@pytest.mark.parametrize("old", [b"", b"{", b"[]", b"\xff", b"1", b"[" * 100_000])
def test_a_json_file_that_is_broken_counts_as_none(old):
    assert read_json(old) == {}
    assert read_json(merge_json(old, VALUES, BOTH)) == VALUES


def test_a_json_file_without_anything_is_none():
    assert merge_json(merge_json(b"", VALUES, BOTH), {}, BOTH) == b""
    assert merge_json(b'{"x": 1}', {}, BOTH) != b""


@pytest.mark.parametrize("merge", [merge_json, merge_toml])
def test_bytes_that_are_no_text_are_named(merge):
    with pytest.raises(NotText, match="wifi_ssid"):
        merge(b"", {"wifi_ssid": b"\xff"}, BOTH)


def test_wifi_has_the_names_of_circuitpython_and_all_else_ours():
    assert toml_name("wifi_ssid") == "CIRCUITPY_WIFI_SSID"
    assert toml_name("wifi_pass") == "CIRCUITPY_WIFI_PASSWORD"
    assert toml_name("tb_token") == "MOORING_TB_TOKEN"


def test_an_open_network_has_an_empty_password_because_circuitpython_wants_one():
    assert b'CIRCUITPY_WIFI_PASSWORD = ""\n' in merge_toml(b"", {"wifi_ssid": b"Open"}, BOTH)


def test_other_lines_of_a_toml_file_stay_byte_for_byte():
    old = (
        b"# mine\r\n"
        b'CIRCUITPY_WEB_API_PASSWORD="x" # why\r\n'
        b'CIRCUITPY_WIFI_SSID = "old"\r\n'
        b"ODD=0x10\r\n"
        b'MOORING_TB_HOST="old"\r\n'
        b"[table]\r\n"
        b'CIRCUITPY_WIFI_SSID = "in a table"\r\n'
    )
    new = merge_toml(old, VALUES, BOTH)
    assert new == (
        b"# mine\r\n"
        b'CIRCUITPY_WEB_API_PASSWORD="x" # why\r\n'
        b'CIRCUITPY_WIFI_SSID = "Net"\r\n'
        b'CIRCUITPY_WIFI_PASSWORD = "secret 1"\r\n'
        b'MOORING_TB_HOST = "tb"\r\n'
        b'MOORING_TB_TOKEN = "a\\"\\\\b"\r\n'
        b"ODD=0x10\r\n"
        b"[table]\r\n"
        b'CIRCUITPY_WIFI_SSID = "in a table"\r\n'
    )


def test_new_lines_go_before_the_first_table_where_circuitpython_finds_them():
    assert merge_toml(b"A=1\n[t]\nB=2\n", {"tb_host": b"h"}, BOTH) == (
        b'A=1\nMOORING_TB_HOST = "h"\n[t]\nB=2\n'
    )


def test_a_last_line_without_an_end_gets_one():
    assert merge_toml(b"A=1", {"tb_host": b"h"}, BOTH) == b'A=1\nMOORING_TB_HOST = "h"\n'


def test_the_other_part_of_a_toml_file_stays():
    old = merge_toml(b"", VALUES, BOTH)
    assert read_toml(merge_toml(old, {}, CLOUD)) == {
        "wifi_ssid": b"Net",
        "wifi_pass": b"secret 1",
    }
    assert merge_toml(merge_toml(b"A=1\n", VALUES, BOTH), {}, BOTH) == b"A=1\n"


@given(settings)
def test_json_is_read_back(values):
    merged = merge_json(b"", values, BOTH)
    assert read_json(merged) == values
    assert merge_json(merged, values, BOTH) == merged


@given(settings)
def test_toml_is_read_back_by_us_by_toml_and_by_the_firmware(values):
    merged = merge_toml(b"", values, BOTH)
    assert merge_toml(merged, values, BOTH) == merged
    expected = dict(values)
    if "wifi_ssid" in values:
        expected.setdefault("wifi_pass", b"")
    assert read_toml(merged) == expected
    parsed = tomllib.loads(merged.decode())
    assert parsed == {toml_name(name): value.decode() for name, value in expected.items()}
    disk = Disk(fat=True, room=1 << 20)
    disk.files["/settings.toml"] = merged
    for name, value in expected.items():
        assert disk.getenv(toml_name(name)) == value.decode()


@given(st.binary(max_size=300), settings)
def test_any_file_is_merged_and_its_other_lines_stay(old, values):
    merged = merge_toml(old, values, BOTH)
    read_toml(merged)
    left = [line for line in old.split(b"\n") if b"=" not in line and b"[" not in line]
    for line in left:
        assert line in merged
    merge_json(old, values, BOTH)
    read_json(old)


def test_a_certificate_is_one_line():
    merged = merge_toml(b"", {"tb_ca": PEM.encode()}, BOTH)
    assert merged.count(b"\n") == 1
    assert read_toml(merged) == {"tb_ca": PEM.encode()}
