from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.v2 import cbor
from agent.protocols.v2.messages import (
    BleAddress,
    Command,
    CommandCode,
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
    Token,
    Unknown,
    WifiFirmware,
    decode_from_board,
    encode_from_board,
    encode_to_board,
)
from agent.settings import Secret
from agent.settings.network import CatM1, Ethernet, WiFi

ascii_text = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
messages: st.SearchStrategy[FromBoard] = st.one_of(
    st.builds(Status, st.integers(-0x8000, 0x7FFF)),
    st.builds(
        NetworkList,
        st.lists(
            st.builds(Network, st.binary(max_size=32), st.integers(-120, 120)), max_size=20
        ).map(tuple),
    ),
    st.builds(HardwareId, st.binary(min_size=32, max_size=32)),
    st.builds(Token, ascii_text.map(Secret)),
    st.builds(PublicKey, ascii_text),
    st.builds(BleAddress, st.sampled_from([b"", bytes(6), b"\xff" * 6])),
    st.builds(WifiFirmware, ascii_text),
    st.builds(SketchVersion, ascii_text),
    st.builds(LibraryVersion, ascii_text),
)


@given(messages)
def test_a_message_of_a_board_survives_the_round_trip(message: FromBoard):
    assert decode_from_board(encode_from_board(message)) == message


@given(st.binary(max_size=80), st.sampled_from(Tag))
def test_decoding_never_raises(rest: bytes, tag: Tag):
    decode_from_board(rest)
    decode_from_board(cbor.head(cbor.TAG, tag) + rest)
    decode_from_board(cbor.head(cbor.TAG, tag) + b"\x81" + rest)


@given(messages, st.data())
def test_a_message_that_is_cut_short_is_malformed(message: FromBoard, data: st.DataObject):
    payload = encode_from_board(message)
    cut = data.draw(st.integers(0, len(payload) - 1))
    assert isinstance(decode_from_board(payload[:cut]), Malformed)


def test_a_tag_of_newer_firmware_keeps_its_bytes():
    payload = cbor.tagged(0x012018, cbor.integer(7))
    assert decode_from_board(payload) == Unknown(0x012018, payload)


def test_a_newer_element_behind_the_known_ones_does_no_harm():
    assert decode_from_board(cbor.tagged(Tag.STATUS, cbor.integer(2), b"\xf6")) == Status(2)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(cbor.tagged(Tag.STATUS), id="status without a code"),
        pytest.param(cbor.tagged(Tag.STATUS, cbor.integer(40000)), id="status of 17 bits"),
        pytest.param(cbor.tagged(Tag.STATUS, cbor.text(b"2")), id="status as text"),
        pytest.param(cbor.tagged(Tag.NETWORK_LIST, cbor.text(b"a")), id="name without a strength"),
        pytest.param(
            cbor.tagged(Tag.NETWORK_LIST, cbor.text(b"a"), cbor.integer(2**40)),
            id="absurd strength",
        ),
        pytest.param(
            cbor.head(cbor.TAG, Tag.NETWORK_LIST) + cbor.head(cbor.ARRAY, 2**63),
            id="endless list",
        ),
        pytest.param(cbor.tagged(Tag.HARDWARE_ID, cbor.byte_string(bytes(31))), id="short id"),
        pytest.param(cbor.tagged(Tag.TOKEN, cbor.text(b"a.b.c")), id="token as text"),
        pytest.param(cbor.tagged(Tag.TOKEN, cbor.byte_string(b"\xff")), id="token not ASCII"),
        pytest.param(cbor.tagged(Tag.PUBLIC_KEY, cbor.text(b"\xff")), id="key not ASCII"),
        pytest.param(cbor.tagged(Tag.BLE_ADDRESS, cbor.byte_string(bytes(5))), id="short address"),
        pytest.param(cbor.integer(5), id="no tag"),
        pytest.param(cbor.head(cbor.TAG, Tag.STATUS) + cbor.integer(2), id="no array"),
        pytest.param(b"", id="empty"),
    ],
)
def test_content_that_does_not_fit_its_tag_is_malformed(payload: bytes):
    assert isinstance(decode_from_board(payload), Malformed)


def test_names_keep_their_bytes_and_versions_are_cleaned():
    names = NetworkList((Network(b"Caf\xe9", -40), Network(b"", -41)))
    assert decode_from_board(encode_from_board(names)) == names
    hostile = cbor.tagged(Tag.SKETCH_VERSION, cbor.text(b"1\x1b[31m" + b"9" * 500))
    message = decode_from_board(hostile)
    assert isinstance(message, SketchVersion)
    assert "\x1b" not in message.version
    assert len(message.version) == 200


def test_no_message_shows_a_token():
    token = Token(Secret("marker.secret"))
    assert "marker" not in repr(token)
    payload = cbor.tagged(Tag.TOKEN, cbor.text(b"marker.secret"))
    assert "marker" not in repr(decode_from_board(payload))
    assert "marker" not in repr(decode_from_board(b"\xda\x00\x01\x20\x99marker"))


@pytest.mark.parametrize("none", ["", "0.0.0.0", "::"])
def test_dhcp_is_never_sent_as_zero_bytes(none: str):
    setting = Ethernet(ip=none, dns=none, gateway=none, netmask=none)
    assert encode_to_board(setting).hex() == "da0001200986404040402020"


def test_an_ipv4_address_in_ipv6_clothes_is_sent_with_four_bytes():
    setting = Ethernet(ip="::ffff:192.168.0.2", gateway="192.168.1.1", netmask="255.255.255.0")
    assert encode_to_board(setting).hex() == ("da000120098644c0a800024044c0a8010144ffffff002020")


def test_bands_are_always_an_array_of_definite_length():
    assert encode_to_board(CatM1(apn="a")).hex() == "da0001200885608061616060"
    assert b"\x82\x01\x19\x08\x00" in encode_to_board(CatM1(bands=[1, 2048]))


def test_a_scanned_name_travels_on_as_its_bytes():
    payload = encode_to_board(WiFi(ssid_hex="436166e9", password=Secret("12345678")))
    assert payload == b"\xda\x00\x01\x20\x04\x82\x64Caf\xe9\x6812345678"


def test_commands_have_the_codes_of_the_protocol():
    assert encode_to_board(Command(CommandCode.SCAN)).hex() == "da00012003811864"
