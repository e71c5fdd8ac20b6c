"""Values of characteristics, and the advertisement."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.improv import gatt
from agent.protocols.improv.messages import (
    Capability,
    CurrentState,
    ErrorState,
    Rpc,
    RpcResult,
    Unknown,
)

BYTE = st.integers(0, 255)


@given(BYTE, st.binary(max_size=255))
def test_a_command_comes_back_as_it_was(command: int, data: bytes) -> None:
    assert gatt.parse_command(gatt.encode_command(Rpc(command, data))) == Rpc(command, data)


@given(st.binary(max_size=260), BYTE, st.integers(0, 7))
def test_one_changed_bit_in_a_command_is_noticed(data: bytes, place: int, bit: int) -> None:
    value = bytearray(gatt.encode_command(Rpc(1, data[:255])))
    value[place % len(value)] ^= 1 << bit
    assert gatt.parse_command(bytes(value)) is None


@given(st.sampled_from([*gatt.NOTIFYING_UUIDS, gatt.CAPABILITIES_UUID]), st.binary(max_size=300))
def test_any_value_is_read(uuid: str, value: bytes) -> None:
    gatt.parse_value(uuid, value)
    gatt.is_whole(value)
    gatt.parse_capabilities(value)
    gatt.parse_service_data(value)


def test_state_and_error_are_told_apart_by_their_characteristic() -> None:
    assert gatt.parse_value(gatt.STATE_UUID, b"\2") == CurrentState(2)
    assert gatt.parse_value(gatt.ERROR_UUID, b"\2") == ErrorState(2)
    assert gatt.parse_value(gatt.STATE_UUID, b"") == Unknown(1, b"")
    assert gatt.parse_value(gatt.RPC_RESULT_UUID, b"\1\0\0") == Unknown(4, b"\1\0\0")


@given(st.binary(min_size=1, max_size=80), st.data())
def test_a_value_that_was_cut_is_not_taken_for_whole(string: bytes, data: st.DataObject) -> None:
    result = RpcResult(1, (string,))
    value = gatt.encode_result_value(result)
    cut = data.draw(st.integers(0, len(value) - 1))
    assert gatt.is_whole(value)
    assert not gatt.is_whole(value[:cut])
    assert isinstance(gatt.parse_value(gatt.RPC_RESULT_UUID, value[:cut]), Unknown)
    assert gatt.parse_value(gatt.RPC_RESULT_UUID, value + b"\0") == result


@given(BYTE, st.integers(0, 255).map(Capability))
def test_an_advertisement_tells_state_and_capabilities(state: int, can: Capability) -> None:
    data = gatt.ServiceData(state, can)
    assert len(gatt.encode_service_data(data)) == gatt.SERVICE_DATA_BYTES
    assert gatt.parse_service_data(gatt.encode_service_data(data)) == data


@pytest.mark.parametrize("value", [b"", b"\2"])
def test_an_advertisement_that_is_too_short_tells_nothing(value: bytes) -> None:
    assert gatt.parse_service_data(value) is None


def test_firmware_without_the_characteristic_can_nothing() -> None:
    assert gatt.parse_capabilities(b"") == Capability(0)
