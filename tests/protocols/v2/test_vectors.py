"""The codec against vectors recorded from the reference firmware."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import cbor2
import pytest

from agent.protocols.v2.frames import (
    PAYLOAD_LIMIT,
    Frame,
    FrameDecoder,
    Noise,
    PacketType,
    crc16_x25,
    encode_frame,
)
from agent.protocols.v2.messages import (
    BleAddress,
    Command,
    FromBoard,
    HardwareId,
    LibraryVersion,
    Malformed,
    Network,
    NetworkList,
    PublicKey,
    SketchVersion,
    Status,
    Tag,
    Timestamp,
    ToBoard,
    Token,
    Unknown,
    WifiFirmware,
    decode_from_board,
    encode_from_board,
    encode_to_board,
)
from agent.protocols.v2.status import STATUSES
from agent.settings import Secret
from agent.settings.network import GSM, NB, CatM1, Cellular, Ethernet, LoRa, WiFi

if TYPE_CHECKING:
    from collections.abc import Callable


def test_frames_agree_with_the_vectors(frames_vector: dict[str, Any]):
    vector = frames_vector
    if vector["op"] == "crc16":
        assert f"{crc16_x25(bytes.fromhex(vector['input'])):04x}" == vector["crc16"]
        return
    assert vector["op"] == "build_frame"
    kind, payload = vector["type"], bytes.fromhex(vector["payload"])
    frame = bytes.fromhex(vector["frame"])
    assert encode_frame(kind, payload) == frame
    known = kind in set(PacketType)
    expected = Frame(PacketType(kind), payload) if known else Noise(frame)
    assert FrameDecoder(PAYLOAD_LIMIT).feed(frame) == [expected]


def raw(value: str | dict[str, str]) -> bytes:
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value.encode()


def message_of(fields: dict[str, Any]) -> FromBoard:
    match fields["message"]:
        case "status":
            return Status(fields["code"])
        case "wifi_list":
            return NetworkList(tuple(Network(raw(n), rssi) for n, rssi in fields["networks"]))
        case "uhwid":
            return HardwareId(bytes.fromhex(fields["uhwid"]))
        case "jwt":
            return Token(Secret(fields["jwt"]))
        case "public_key":
            return PublicKey(fields["pem"])
        case "ble_mac":
            return BleAddress(bytes.fromhex(fields["mac"]))
        case "wifi_fw_version":
            return WifiFirmware(fields["version"])
        case "sketch_version":
            return SketchVersion(fields["version"])
        case "netconfig_lib_version":
            return LibraryVersion(fields["version"])
    raise AssertionError(fields)


def test_messages_of_a_board_agree_with_the_vectors(cbor_from_board_vector: dict[str, Any]):
    vector = cbor_from_board_vector
    fields = vector["fields"]
    if fields["message"] == "status" and fields["code"]:
        assert STATUSES[fields["code"]].name == fields["name"]
    if vector["cbor"] is None:
        return  # what a board's buffers cannot hold is for the simulated board to know
    payload = bytes.fromhex(vector["cbor"])
    assert decode_from_board(payload) == message_of(fields)
    assert encode_from_board(message_of(fields)) == payload


def address(value: bytes) -> str:
    return str(ipaddress.ip_address(value)) if value else ""


def to_board(tag: int, items: list[Any]) -> ToBoard:
    """What a host would have to be asked to send, to send this."""
    match tag, items:
        case Tag.TIMESTAMP, [int(unix_s)]:
            return Timestamp(unix_s)
        case Tag.COMMAND, [int(code)]:
            return Command(code)
        case Tag.WIFI, [str(ssid), str(password)]:
            return WiFi(ssid=ssid, password=Secret(password))
        case Tag.LORA, [str(eui), str(key), int(band), str(mask), str(kind)]:
            return LoRa(
                app_eui=eui, app_key=Secret(key), band=band, channel_mask=mask, device_class=kind
            )
        case Tag.GSM | Tag.NB | Tag.CELLULAR, [str(pin), str(apn), str(login), str(password)]:
            words = {"pin": Secret(pin), "apn": apn, "login": login, "password": Secret(password)}
            modems: dict[int, Callable[..., ToBoard]] = {Tag.GSM: GSM, Tag.NB: NB}
            return modems.get(tag, Cellular)(**words)
        case Tag.CATM1, [str(pin), list() | tuple() as bands, str(apn), str(login), str(password)]:
            return CatM1(
                pin=Secret(pin), bands=list(bands), apn=apn, login=login, password=Secret(password)
            )
        case Tag.ETHERNET, [bytes(), bytes(), bytes(), bytes(), int(timeout), int(response)]:
            ip, dns, gateway, netmask = map(address, items[:4])
            return Ethernet(
                ip=ip,
                dns=dns,
                gateway=gateway,
                netmask=netmask,
                timeout_ms=timeout,
                response_timeout_ms=response,
            )
    raise NotForAHost(f"{tag:#x} {items!r}")


class NotForAHost(Exception):
    """The board takes it, but no host may send it."""


def well_formed(payload: bytes) -> ToBoard:
    """The message of a payload in the shortest encoding, with nothing missing or extra."""
    item = cbor2.loads(payload)
    if cbor2.dumps(item) != payload:
        raise NotForAHost("not the shortest encoding")
    message = to_board(item.tag, item.value)
    if isinstance(message, (Timestamp, Command)):
        number = message.unix_s if isinstance(message, Timestamp) else message.code
        if number < 0:
            raise NotForAHost("a negative number")
    elif isinstance(message, Ethernet) and any(a and not any(a) for a in item.value[:4]):
        raise NotForAHost("an address of zero bytes instead of none")
    return message


def test_messages_of_the_host_agree_with_the_vectors(cbor_to_board_vector: dict[str, Any]):
    payload = bytes.fromhex(cbor_to_board_vector["cbor"])
    try:
        message = well_formed(payload)
    except (NotForAHost, cbor2.CBORDecodeError, AttributeError, ValueError):
        # Most bad input; what the board makes of it is for the simulated board to know.
        assert not isinstance(decode_from_board(payload), Token)
        return
    if cbor_to_board_vector["board"]["accepted"]:
        assert encode_to_board(message) == payload


def test_most_vectors_that_a_board_accepts_are_messages_a_host_can_send():
    """So that the test above does not pass by leaving everything out."""
    taken = 0
    for payload in (
        "da00012002811a684ee180",
        "da000120038118c8",
        "da000120048267486f6d654e65746d636f727265637420686f727365",
        "da00012008856431323334806b61706e2e6578616d706c656060",
        "da0001200986404040402020",
        "da00012005856741505045554931664150504b4559056530313131306141",
        "da00012012846063696f746060",
    ):
        taken += well_formed(bytes.fromhex(payload)) is not None
    assert taken == 7
    with pytest.raises(NotForAHost):
        well_formed(bytes.fromhex("da00012002811b0000000067066fe4"))


def test_every_frame_of_the_session_vectors_is_decoded(sessions_vector: dict[str, Any]):
    steps = [{"board": sessions_vector.get("at_boot", [])}, *sessions_vector["steps"]]
    pieces = [piece for step in steps for piece in step.get("board", [])]
    stream = b"".join(bytes.fromhex(p["hex"] if "text" in p else p["frame"]) for p in pieces)
    decoded = [piece for piece in FrameDecoder().feed(stream) if isinstance(piece, Frame)]
    assert [encode_frame(frame.type, frame.payload).hex() for frame in decoded] == [
        piece["frame"] for piece in pieces if "frame" in piece
    ]
    for frame in decoded:
        if frame.type is PacketType.DATA:
            message = decode_from_board(frame.payload)
            assert not isinstance(message, (Unknown, Malformed))
            assert encode_from_board(message) == frame.payload
