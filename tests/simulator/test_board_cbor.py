"""The board's own reading and writing of messages, with its leniency and its limits."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.protocols.v2.messages import Tag
from agent.simulator import board_cbor
from agent.simulator.board_cbor import (
    Address,
    CommandReceived,
    Halted,
    NetworkKind,
    Received,
    Refused,
    Settings,
    TimestampReceived,
    decode,
)
from tests.simulator.replay import vectors_of


@pytest.mark.parametrize("vector", vectors_of("cbor_to_board"))
def test_vectors_to_the_board_are_read_as_the_board_reads_them(vector: dict[str, Any]) -> None:
    payload, recorded = bytes.fromhex(vector["cbor"]), vector["board"]
    if recorded["accepted"] is None:
        with pytest.raises(Halted):
            decode(payload)
    elif not recorded["accepted"]:
        with pytest.raises(Refused):
            decode(payload)
    else:
        assert _described(decode(payload)) == {**recorded, "accepted": True}


def _described(message: Received) -> dict[str, Any]:
    """A message in the words of the vector files."""
    if isinstance(message, Settings):
        values: dict[str, Any] = {name: _shown(value) for name, value in message.values.items()}
        return {
            "accepted": True,
            "message": "network",
            "setting": {"type": message.kind.name, **values},
        }
    name, value = (
        ("cmd", message.code)
        if isinstance(message, CommandReceived)
        else ("timestamp", message.seconds)
    )
    described = {
        "accepted": True,
        "message": "command" if name == "cmd" else "timestamp",
        name: value,
    }
    return described | ({"uninitialised": True} if value is None else {})


def _shown(value: bytes | int | Address) -> Any:
    if isinstance(value, Address):
        return {"type": f"IPv{value.version}", "bytes": value.data.hex()}
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"hex": value.hex()}
    return value


@pytest.mark.parametrize("vector", vectors_of("cbor_from_board"))
def test_vectors_from_the_board_are_written_as_the_board_writes_them(
    vector: dict[str, Any],
) -> None:
    written = _written(vector["fields"])
    assert (written.hex() if written is not None else None) == vector["cbor"]


def _written(fields: dict[str, Any]) -> bytes | None:
    versions = {
        "wifi_fw_version": Tag.WIFI_FIRMWARE,
        "sketch_version": Tag.SKETCH_VERSION,
        "netconfig_lib_version": Tag.LIBRARY_VERSION,
    }
    message = fields["message"]
    if message in versions:
        return board_cbor.encode_version(versions[message], fields["version"])
    if message == "status":
        return board_cbor.encode_status(fields["code"])
    if message == "wifi_list":
        return board_cbor.encode_network_list([(_raw(s), rssi) for s, rssi in fields["networks"]])
    if message == "uhwid":
        return board_cbor.encode_uhwid(bytes.fromhex(fields["uhwid"]))
    if message == "jwt":
        return board_cbor.encode_token(fields.get("jwt", "j" * fields["length"]).encode())
    if message == "public_key":
        return board_cbor.encode_public_key(fields["pem"])
    assert message == "ble_mac"
    return board_cbor.encode_ble_address(bytes.fromhex(fields["mac"]) or bytes(6))


def _raw(name: Any) -> bytes:
    return bytes.fromhex(name["hex"]) if isinstance(name, dict) else name.encode()


@given(st.binary(max_size=64))
@example(bytes.fromhex("da00012009869f"))
def test_any_payload_is_accepted_refused_or_halts_the_board(payload: bytes) -> None:
    try:
        message = decode(payload)
    except (Refused, Halted):
        return
    assert isinstance(message, CommandReceived | TimestampReceived | Settings)


@given(st.sampled_from(sorted(Tag)), st.binary(max_size=80))
def test_any_content_behind_a_known_tag_is_accepted_refused_or_halts_the_board(
    tag: Tag, content: bytes
) -> None:
    payload = b"\xda" + int(tag).to_bytes(4, "big") + content
    with contextlib.suppress(Refused, Halted):
        decode(payload)


def test_an_array_that_declares_more_elements_than_there_are_is_only_noticed_behind_a_string() -> (
    None
):
    assert decode(bytes.fromhex("da000120038518c8")) == CommandReceived(200)
    with pytest.raises(Refused):
        decode(bytes.fromhex("da000120048361616162"))


def test_a_string_in_chunks_is_joined() -> None:
    settings = decode(bytes.fromhex("da00012004827f61616162ff6163"))
    assert isinstance(settings, Settings)
    assert (settings.text("ssid"), settings.text("pwd")) == (b"ab", b"c")


def test_an_indefinite_list_of_bands_halts_the_board_unless_it_is_empty() -> None:
    rest = "616161626163"
    with pytest.raises(Halted):
        decode(bytes.fromhex("da0001200885" + "6131" + "9f01ff" + rest))
    settings = decode(bytes.fromhex("da0001200885" + "6131" + "9fff" + rest))
    assert isinstance(settings, Settings)
    assert settings.values["band"] == board_cbor.DEFAULT_CATM1_BANDS


def test_deep_nesting_in_an_ignored_element_is_refused_and_costs_no_stack() -> None:
    head = bytes.fromhex("da0001200986" + "40" * 4)
    with pytest.raises(Refused):
        decode(head + b"\x81" * 5000 + b"\x01\x01")


def test_settings_of_an_adapter_that_was_not_built_in_are_refused() -> None:
    wifi = bytes.fromhex("da000120048261616162")
    with pytest.raises(Refused):
        decode(wifi, {NetworkKind.ETHERNET})


def test_settings_do_not_show_their_passwords() -> None:
    settings = decode(bytes.fromhex("da00012004826161" + "66736563726574"))
    assert "secret" not in repr(settings)
