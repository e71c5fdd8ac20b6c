"""The inside of commands and results."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.improv.messages import (
    STRINGS_LIMIT,
    DeviceInfo,
    Network,
    Rpc,
    RpcResult,
    device_info,
    encode_result,
    encode_rpc,
    encode_strings,
    networks,
    parse_result,
    parse_rpc,
    parse_strings,
    wifi_settings,
)

BYTE = st.integers(0, 255)
STRINGS = (
    st.lists(st.binary(max_size=60), max_size=6)
    .map(tuple)
    .filter(lambda strings: sum(len(s) + 1 for s in strings) <= STRINGS_LIMIT)
)


@given(BYTE, st.binary(max_size=255))
def test_a_command_comes_back_as_it_was(command: int, data: bytes) -> None:
    assert parse_rpc(encode_rpc(Rpc(command, data))) == Rpc(command, data)


@given(BYTE, STRINGS, st.binary(max_size=3))
def test_a_result_comes_back_whatever_stands_behind_it(
    command: int, strings: tuple[bytes, ...], behind: bytes
) -> None:
    result = RpcResult(command, strings)
    assert parse_result(encode_result(result) + behind) == result


@given(st.binary(max_size=300))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    result = parse_result(data)
    if result is not None:
        assert data.startswith(encode_result(result))
    rpc = parse_rpc(data)
    if rpc is not None:
        assert encode_rpc(rpc) == data
    strings = parse_strings(data)
    if strings is not None:
        assert encode_strings(strings) == data


@pytest.mark.parametrize("data", [b"", b"\4", b"\4\1", b"\4\2\2x", b"\4\3\1x\5"])
def test_a_result_with_a_wrong_length_is_none(data: bytes) -> None:
    assert parse_result(data) is None


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="255"):
        encode_rpc(Rpc(1, bytes(256)))
    with pytest.raises(ValueError, match="253"):
        encode_result(RpcResult(4, (bytes(100), bytes(100), bytes(51))))
    with pytest.raises(ValueError, match="255"):
        encode_strings([bytes(256)])
    with pytest.raises(ValueError, match="too long"):
        wifi_settings(bytes(200), bytes(54))


def test_a_command_does_not_show_its_password() -> None:
    assert "hidden" not in repr(wifi_settings(b"name", b"hidden"))


def test_what_a_device_does_not_say_about_itself_is_empty() -> None:
    assert device_info((b"WLED", b"16")) == DeviceInfo(b"WLED", b"16", b"", b"")
    six = (b"a", b"b", b"c", b"d", b"e", b"f")
    assert device_info((*six, b"later")) == DeviceInfo(*six)


def test_networks_are_read_three_strings_at_a_time() -> None:
    strings = (b"Home", b"-60", b"YES", b"Guest", b"-71", b"NO", b"Eap", b"-80", b"WPA2 EAP")
    assert networks(strings) == [
        Network(b"Home", -60, secured=True),
        Network(b"Guest", -71, secured=False),
        Network(b"Eap", -80, secured=True),
    ]


@pytest.mark.parametrize(
    "strings",
    [(), (b"Home",), (b"Home", b"-60"), (b"Home", b"near", b"YES"), (b"", b"-60", b"YES")],
)
def test_what_is_no_network_is_left_out(strings: tuple[bytes, ...]) -> None:
    assert networks(strings) == []


@given(st.lists(st.binary(max_size=40), max_size=12))
def test_any_strings_are_networks_or_nothing(strings: list[bytes]) -> None:
    assert len(networks(tuple(strings))) <= len(strings) // 3
