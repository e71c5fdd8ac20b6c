"""The examples of the specification, as the C++ SDK makes and reads them: both ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.protocols.improv import gatt
from agent.protocols.improv.messages import CurrentState, ErrorState, Rpc, RpcResult, wifi_settings
from agent.protocols.improv.packets import PacketDecoder, encode_message

VECTORS = Path(__file__).parents[2] / "vectors"


def vectors(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((VECTORS / name).read_text(encoding="utf-8"))[
        "vectors"
    ]
    return found


SERIAL = vectors("improv-serial.json")
BLE = vectors("improv-ble.json")


def message(vector: dict[str, Any]) -> Rpc | RpcResult | CurrentState | ErrorState:
    if "state" in vector:
        return CurrentState(vector["state"])
    if "error" in vector:
        return ErrorState(vector["error"])
    if "strings" in vector:
        return RpcResult(vector["command"], tuple(map(bytes.fromhex, vector["strings"])))
    return Rpc(vector["command"], bytes.fromhex(vector["data"]))


@pytest.mark.parametrize("vector", SERIAL, ids=lambda vector: vector["id"])
def test_a_packet_is_read(vector: dict[str, Any]) -> None:
    assert PacketDecoder().feed(bytes.fromhex(vector["packet"])) == [message(vector)]


@pytest.mark.parametrize(
    "vector",
    [vector for vector in SERIAL if not vector["id"].endswith("-padded")],
    ids=lambda vector: vector["id"],
)
def test_a_packet_is_written(vector: dict[str, Any]) -> None:
    assert encode_message(message(vector)).hex() == vector["packet"]


@pytest.mark.parametrize("vector", BLE, ids=lambda vector: vector["id"])
def test_a_value_is_read_and_written(vector: dict[str, Any]) -> None:
    value, expected = bytes.fromhex(vector["value"]), message(vector)
    if isinstance(expected, Rpc):
        assert gatt.encode_command(expected) == value
        assert gatt.parse_command(value) == expected
    else:
        assert isinstance(expected, RpcResult)
        assert gatt.encode_result_value(expected) == value
        assert gatt.parse_value(gatt.RPC_RESULT_UUID, value) == expected


@pytest.mark.parametrize(
    "vector",
    [vector for vector in SERIAL + BLE if vector["id"].startswith("wifi-settings")],
    ids=lambda vector: vector["id"],
)
def test_the_sdk_reads_the_settings_that_we_write(vector: dict[str, Any]) -> None:
    ssid, _, password = vector["sdk_cpp"].removeprefix("1 ").partition("/")
    rpc = wifi_settings(bytes.fromhex(ssid), bytes.fromhex(password))
    assert rpc.data.hex() == vector["data"]
