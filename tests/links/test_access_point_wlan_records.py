"""The records of wlanapi.h: sizes as Windows has them, and bytes that are cut or wrong."""

from __future__ import annotations

import ctypes
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.links import access_point_wlan_records as records
from agent.links.access_point_wlan import Connected, Heard

GUID = "0f5b1c9e-1234-5678-9abc-def012345678"


@pytest.mark.parametrize(
    ("record", "size", "places"),
    [
        (records.Guid, 16, {}),
        (records.Interface, 532, {"state": 528}),
        (records.Ssid, 36, {"data": 4}),
        (records.AvailableNetwork, 628, {"ssid": 512, "quality": 604, "secured": 608}),
        (records.Connection, 604, {"profile": 8, "ssid": 520, "bssid": 560, "secured": 588}),
        (records.RadioStates, 772, {"states": 4}),
        (records.ConnectionNews, 568, {"ssid": 516, "reason": 560}),
    ],
)
def test_a_record_is_laid_out_as_in_the_header(record, size, places):
    assert ctypes.sizeof(record) == size
    assert {name: getattr(record, name).offset for name in places} == places


def test_the_name_of_an_adapter_is_written_as_windows_writes_it():
    assert str(records.Guid.parse(GUID)) == GUID
    assert bytes(records.Guid.parse(GUID).data) == uuid.UUID(GUID).bytes_le
    with pytest.raises(ValueError):
        records.Guid.parse("no guid")


def filled(record_type, /, **values):
    record = record_type()
    for name, value in values.items():
        setattr(record, name, value)
    return record


def ssid(name: bytes, length: int | None = None):
    record = records.Ssid(length=len(name) if length is None else length)
    ctypes.memmove(record.data, name, len(name))
    return record


def wide(text: str):
    record = records.WideName()
    data = text.encode("utf-16-le")
    ctypes.memmove(record, data, len(data))
    return record


def network(name: bytes, **values) -> bytes:
    values = {"kind": records.INFRASTRUCTURE, "quality": 70} | values
    return bytes(filled(records.AvailableNetwork, ssid=ssid(name), **values))


def listed(*networks: bytes, count: int | None = None) -> bytes:
    number = len(networks) if count is None else count
    return number.to_bytes(4, "little") + bytes(4) + b"".join(networks)


def test_a_connection_names_its_profile_and_network():
    made = filled(
        records.Connection, state=records.CONNECTED, profile=wide("Büro 🛥"), ssid=ssid(b"\xffx")
    )
    assert records.read_connection(bytes(made)) == Connected("Büro 🛥", b"\xffx")
    made.state = 5
    assert records.read_connection(bytes(made)) is None
    assert records.read_connection(bytes(made)[:-1]) is None


def test_networks_are_read_once_each_and_others_are_left_out():
    data = listed(
        network(b"board"),
        network(b"board"),
        network(b"home", secured=1, quality=250),
        network(b""),
        network(b"ad hoc", kind=2),
    )
    assert records.read_networks(data) == [Heard(b"board", 70, False), Heard(b"home", 100, True)]


def test_a_length_that_is_too_large_ends_with_the_field():
    assert len(ssid(b"x", 4000).value) == 32


@pytest.mark.parametrize("data", [b"", b"\x05\0\0\0", listed(network(b"a"), count=9)])
def test_a_list_that_is_cut_gives_what_is_whole(data):
    assert len(records.read_networks(data)) == (1 if len(data) > 600 else 0)


@given(st.binary(max_size=1400))
def test_no_bytes_break_the_reading(data):
    records.read_networks(data)
    records.read_connection(data)
    records.read_radio(data)


def radio(*states: tuple[int, int]) -> bytes:
    made = records.RadioStates(count=len(states))
    for index, (software, hardware) in enumerate(states):
        made.states[index] = records.RadioState(index, software, hardware)
    return bytes(made)


def test_a_radio_is_on_by_both_switches_and_what_is_unknown_counts_as_on():
    assert records.read_radio(radio((1, 1)))
    assert not records.read_radio(radio((2, 1)))
    assert not records.read_radio(radio((1, 2)))
    assert records.read_radio(radio((2, 1), (1, 1)))
    assert records.read_radio(radio())
    assert records.read_radio(b"")


@pytest.mark.system("win32")
def test_the_two_records_with_pointers_have_the_size_of_64_bits():
    assert ctypes.sizeof(records.Parameters) == 40
    assert ctypes.sizeof(records.Notification) == 40
