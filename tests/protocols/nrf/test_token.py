"""Attestation tokens: what they say, and what is no token."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.nrf import cose
from agent.protocols.nrf.cose import Damaged, Problem
from agent.protocols.nrf.token import encode_body, parse_token
from agent.simulator.nrf_identity import ModemIdentity

MODEM = ModemIdentity("THINGY91X_0001")
NONCE = bytes(range(16))
TOKEN = MODEM.attest(NONCE)
BODY, SIGNATURE = TOKEN.split(".")


def problem(text: str) -> Problem:
    with pytest.raises(Damaged) as raised:
        parse_token(text)
    return raised.value.problem


def test_a_token_says_which_device_made_it_and_for_which_nonce():
    token = parse_token(TOKEN)
    assert token.device_id == str(MODEM.device_id)
    assert token.chip_name == "nRF9151 LACA"
    assert token.firmware_id == str(MODEM.firmware_id)
    assert token.signed
    assert token.fresh(NONCE)
    assert not token.fresh(bytes(16))
    assert token.text.reveal() == TOKEN
    assert TOKEN not in repr(token)
    assert SIGNATURE not in repr(token)


def test_a_token_has_the_length_of_the_real_ones():
    assert (len(BODY), len(SIGNATURE)) == (76, 103)


@pytest.mark.parametrize(
    "text",
    [
        f"  {TOKEN}\r\n",
        f'"{TOKEN}"',
        f'%ATTESTTOKEN: "{TOKEN}"',
        f"{TOKEN[:60]}\r\n{TOKEN[60:120]}\n{TOKEN[120:]}",
    ],
)
def test_what_comes_along_when_a_token_is_copied_is_left_out(text):
    assert parse_token(text).text.reveal() == TOKEN


@given(st.integers(1, len(TOKEN) - 1))
def test_a_token_that_was_cut_anywhere_is_noticed(length):
    found = problem(TOKEN[:length])
    assert found in {Problem.CUT, Problem.UNSIGNED}
    if length != len(TOKEN) - 4:  # the mark that it is CBOR, which need not be there
        problem(TOKEN[-length:])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", Problem.EMPTY),
        ('""', Problem.EMPTY),
        (f"{TOKEN}.AA", Problem.PARTS),
        (f".{SIGNATURE}", Problem.PARTS),
        (TOKEN.replace("2", "+", 1), Problem.ALPHABET),
        ("…" + TOKEN, Problem.ALPHABET),
        (BODY, Problem.UNSIGNED),
        (f"{BODY}.", Problem.CUT),
        (f"{SIGNATURE}.{BODY}", Problem.CUT),
        (f"{SIGNATURE}.{SIGNATURE}", Problem.FORM),
        (f"{TOKEN}AAAA", Problem.FORM),
    ],
)
def test_what_is_no_token_is_named(text, found):
    assert problem(text) is found


def test_a_token_without_signature_will_do_where_only_the_device_is_asked_for():
    token = parse_token(BODY, unsigned=True)
    assert (token.device_id, token.signed) == (str(MODEM.device_id), False)


def test_another_message_of_the_modem_is_no_token():
    body = bytearray(encode_body(MODEM.device_id.bytes, 6, MODEM.firmware_id.bytes, NONCE))
    body[4] = 5  # a response of provisioning
    assert problem(f"{base64.urlsafe_b64encode(body).decode()}.{SIGNATURE}") is Problem.KIND
    assert problem(MODEM.sign_key(bytes(60), sec_tag=1, request=True)) is Problem.FORM


def test_a_chip_that_nobody_knows_yet_is_no_obstacle():
    body = encode_body(MODEM.device_id.bytes, 99, MODEM.firmware_id.bytes, NONCE)
    token = parse_token(base64.urlsafe_b64encode(body).decode().rstrip("="), unsigned=True)
    assert (token.chip, token.chip_name) == (99, "")


@given(
    st.binary(min_size=16, max_size=16), st.integers(0, 300), st.binary(min_size=16, max_size=16)
)
def test_what_is_written_is_read_again(device_id, chip, nonce):
    body = encode_body(device_id, chip, bytes(16), nonce)
    signed = cose.encode(cose.Signed(cose.IDENTITY_KEY, None, bytes(64)))
    token = parse_token(cose.join(body, signed))
    assert (token.device_id.replace("-", ""), token.chip) == (device_id.hex(), chip)
    assert token.fresh(nonce)


@given(st.text(st.characters(max_codepoint=0x2FFF), max_size=300))
def test_any_text_is_a_token_or_damaged(text):
    with pytest.raises(Damaged):
        parse_token(text)


@given(st.binary(max_size=120), st.binary(max_size=120))
def test_any_bytes_are_a_token_or_damaged(body, signature):
    with pytest.raises(Damaged):
        parse_token(cose.join(body, signature))
