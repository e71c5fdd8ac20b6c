"""The Bluetooth LE carrier: characteristics, their values, and the advertisement.

Source: improv-wifi.com, "Improv via BLE" (revision 2.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.protocols.improv.messages import (
    BYTE_MAX,
    Capability,
    CurrentState,
    ErrorState,
    Message,
    Rpc,
    RpcResult,
    Unknown,
    encode_rpc,
    encode_strings,
    parse_result,
    parse_rpc,
)
from agent.protocols.improv.packets import checksum

SERVICE_UUID: Final = "00467768-6228-2272-4663-277478268000"
STATE_UUID: Final = "00467768-6228-2272-4663-277478268001"
ERROR_UUID: Final = "00467768-6228-2272-4663-277478268002"
RPC_COMMAND_UUID: Final = "00467768-6228-2272-4663-277478268003"
RPC_RESULT_UUID: Final = "00467768-6228-2272-4663-277478268004"
CAPABILITIES_UUID: Final = "00467768-6228-2272-4663-277478268005"
SERVICE_DATA_UUID: Final = "00004677-0000-1000-8000-00805f9b34fb"
NOTIFYING_UUIDS: Final = (STATE_UUID, ERROR_UUID, RPC_RESULT_UUID)

SERVICE_DATA_BYTES: Final = 6
"""State, capabilities, four reserved."""
LIST_LIMIT: Final = BYTE_MAX
"""Bytes of all strings of a result, their lengths included; a list of networks ends there."""


@dataclass(frozen=True, slots=True)
class ServiceData:
    """What a device advertises."""

    state: int
    capabilities: Capability


def encode_command(rpc: Rpc) -> bytes:
    """The value to be written; above the MTU the system splits it into a long write."""
    data = encode_rpc(rpc)
    return data + bytes((checksum(data),))


def parse_command(value: bytes) -> Rpc | None:
    """The command that was written; None if its length or checksum is wrong."""
    if not value or checksum(value[:-1]) != value[-1]:
        return None
    return parse_rpc(value[:-1])


def encode_result_value(result: RpcResult) -> bytes:
    """The value of the result's characteristic; ValueError above 255 bytes of strings."""
    return encode_command(Rpc(result.command, encode_strings(result.strings)))


def is_whole(value: bytes) -> bool:
    """Whether a value has the length that it says.

    A notification carries MTU - 3 bytes at most and is cut there: then read the characteristic.
    """
    return len(value) >= 3 and len(value) >= value[1] + 3


def parse_value(uuid: str, value: bytes) -> Message:
    """The message that a notification or a reading of a characteristic is."""
    message: Message | None = None
    if uuid == STATE_UUID and len(value) == 1:
        message = CurrentState(value[0])
    elif uuid == ERROR_UUID and len(value) == 1:
        message = ErrorState(value[0])
    elif uuid == RPC_RESULT_UUID and is_whole(value):
        end = value[1] + 2
        message = parse_result(value[:end]) if checksum(value[:end]) == value[end] else None
    return Unknown(_number(uuid), value) if message is None else message


def parse_capabilities(value: bytes) -> Capability:
    """What a device can do; an empty value (older firmware) is nothing, unknown bits stay."""
    return Capability(value[0]) if value else Capability(0)


def encode_service_data(data: ServiceData) -> bytes:
    """The six bytes of an advertisement."""
    return bytes((data.state, data.capabilities)).ljust(SERVICE_DATA_BYTES, b"\0")


def parse_service_data(value: bytes) -> ServiceData | None:
    """State and capabilities out of an advertisement; None if it is too short for both."""
    if len(value) < 2:
        return None
    return ServiceData(value[0], parse_capabilities(value[1:]))


def _number(uuid: str) -> int:
    """The last digit, which tells the characteristics apart."""
    return int(uuid[-1], 16)
