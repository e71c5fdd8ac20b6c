"""An entry as bytes: what was sealed together cannot be taken apart, changed or swapped."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clouds.vault_entry import (
    ENTRY_BYTES,
    Damaged,
    Plain,
    Stored,
    key_id,
    parse_entry,
    parse_key,
    seal,
    server_of,
    unseal,
)
from agent.settings import Secret
from agent.settings.credentials import (
    CA_BYTES,
    CERTIFICATE_BYTES,
    KEY_BYTES,
    AccessToken,
    Certificate,
    CloudSettings,
)
from tests.clouds.vaults import basic, certificate, settings, token

KEY = secrets.token_bytes(32)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
plains = st.builds(
    Plain,
    id=st.text("0123456789abcdef", min_size=8, max_size=8),
    board=texts,
    board_name=texts,
    cloud=texts,
    device=texts,
    server=texts,
    credentials=st.sampled_from(["", "access_token", "mqtt_basic", "certificate"]),
    state=st.sampled_from(["pending", "proven", "earlier"]),
    order=st.integers(0, 1 << 53),
    made_at=st.floats(0, 1e11),
    proven_at=st.none() | st.floats(0, 1e11),
    job=texts,
    key=st.just(key_id(KEY)),
    hardware_id=st.just(msgspec.UNSET) | texts,
)
kept = st.sampled_from(
    [None, settings(), settings(credentials=basic()), settings(credentials=certificate())]
)
PLAIN = Plain(
    id="0a1b2c3d",
    board="b1",
    board_name="UNO",
    cloud="thingsboard",
    device="d",
    server="mqtts://tb.test:8883",
    credentials="access_token",
    state="proven",
    order=3,
    made_at=1.5,
    proven_at=2.5,
    job="7",
    key=key_id(KEY),
)
CHANGES = {
    "id": "0a1b2c3e",
    "board": "b2",
    "board_name": "MKR",
    "cloud": "other",
    "device": "e",
    "server": "mqtts://evil.test:8883",
    "credentials": "mqtt_basic",
    "state": "earlier",
    "order": 4,
    "made_at": 1.25,
    "proven_at": None,
    "job": "8",
    "key": "0" * 16,
    "hardware_id": "24a1",
}


def signed_again(stored: Stored, **changes: Any) -> Stored:
    """With a check value that is right, as somebody who means it would write it."""
    changed = msgspec.structs.replace(stored, **changes)
    return msgspec.structs.replace(changed, check=changed.digest())


@given(plain=plains, given_=kept)
def test_an_entry_comes_back_from_its_bytes(plain: Plain, given_: CloudSettings | None) -> None:
    stored = parse_entry(seal(plain, given_, KEY))
    assert stored.plain == plain
    assert unseal(stored, KEY) == given_


def test_the_longest_credentials_fit() -> None:
    def pem(what: str, size: int) -> str:
        text = f"-----BEGIN {what}-----\n-----END {what}-----"
        return text.replace("\n", "\n" + "A" * (size - len(text) - 1) + "\n")

    longest = CloudSettings(
        cloud="thingsboard",
        name="\U0001f40c" * 63,
        host="h" * 253,
        port=65535,
        scheme="mqtts",
        ca=pem("CERTIFICATE", CA_BYTES),
        credentials=Certificate(
            certificate=pem("CERTIFICATE", CERTIFICATE_BYTES),
            key=Secret(pem("PRIVATE KEY", KEY_BYTES)),
        ),
    )
    longest.check()
    names = ("board", "board_name", "cloud", "device", "server", "hardware_id")
    wide = dict.fromkeys(names, "\U0001f40c" * 255)
    data = seal(msgspec.structs.replace(PLAIN, **wide), longest, KEY)
    assert len(data) < ENTRY_BYTES
    assert unseal(parse_entry(data), KEY) == longest


@pytest.mark.parametrize("field", CHANGES)
def test_no_plain_part_can_be_changed_without_the_key(field: str) -> None:
    assert set(CHANGES) == set(Plain.__struct_fields__) - {"format"}
    stored = parse_entry(seal(PLAIN, settings(), KEY))
    changed = signed_again(stored, plain=msgspec.structs.replace(PLAIN, **{field: CHANGES[field]}))
    assert parse_entry(msgspec.json.encode(changed)) == changed
    with pytest.raises(Damaged):
        unseal(changed, KEY)


def test_credentials_cannot_be_moved_to_another_entry() -> None:
    one = parse_entry(seal(PLAIN, settings("one"), KEY))
    other = msgspec.structs.replace(PLAIN, id="ffffffff", board="b2")
    two = parse_entry(seal(other, settings("two"), KEY))
    with pytest.raises(Damaged):
        unseal(signed_again(one, nonce=two.nonce, sealed=two.sealed), KEY)


def test_another_key_and_a_cut_seal_open_nothing() -> None:
    stored = parse_entry(seal(PLAIN, settings(), KEY))
    with pytest.raises(Damaged):
        unseal(stored, secrets.token_bytes(32))
    for changes in ({"nonce": b""}, {"nonce": b"x" * 500}, {"sealed": b""}, {"sealed": b"x" * 15}):
        with pytest.raises(Damaged):
            unseal(signed_again(stored, **changes), KEY)


def test_the_same_credentials_are_sealed_otherwise_each_time() -> None:
    one, two = (parse_entry(seal(PLAIN, settings(), KEY)) for _ in range(2))
    assert one.nonce != two.nonce
    assert one.sealed != two.sealed


@given(at=st.integers(0, 10_000), change=st.integers(1, 255))
def test_a_changed_byte_is_noticed_without_a_key(at: int, change: int) -> None:
    before = seal(PLAIN, settings(), KEY)
    data = bytearray(before)
    data[at % len(data)] ^= change
    try:
        stored = parse_entry(bytes(data))
    except Damaged:
        return
    assert stored == parse_entry(before)  # the line's end


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_bytes_of_any_kind_are_an_entry_or_damaged(data: bytes) -> None:
    with pytest.raises(Damaged):
        parse_entry(data)


def test_deep_nesting_is_damaged() -> None:
    with pytest.raises(Damaged):
        parse_entry(b'{"plain":' * 5000)


@pytest.mark.parametrize("text", [None, "", "zz", "00", KEY.hex()[:-2], KEY.hex() + "00"])
def test_a_text_that_is_not_the_key_is_none(text: str | None) -> None:
    assert parse_key(KEY.hex() + "\n", key_id(KEY)) == KEY
    assert parse_key(KEY.hex(), "0" * 16) is None
    assert parse_key(text, key_id(KEY)) is None


def test_a_server_is_shown_as_an_address() -> None:
    assert server_of(settings()) == "mqtts://tb.test:8883"
    assert server_of(msgspec.structs.replace(settings(), host="::1")) == "mqtts://[::1]:8883"


def test_nothing_of_an_entry_shows_its_credentials() -> None:
    given_ = settings(credentials=AccessToken(token=Secret("MARKER-shown")))
    assert "MARKER" not in repr(given_)
    assert "MARKER" not in repr(parse_entry(seal(PLAIN, given_, KEY)))
    assert token("MARKER-shown") == given_.credentials


def test_an_entry_without_hardware_id_has_the_bytes_that_it_always_had() -> None:
    assert b"hardware_id" not in msgspec.json.encode(PLAIN)
    told = msgspec.structs.replace(PLAIN, hardware_id="24a1")
    assert parse_entry(seal(told, None, KEY)).plain == told
