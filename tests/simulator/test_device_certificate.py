"""The certificate that a 1.0 board rebuilds from its slots is the one that its cloud signed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.v1.certificate import compress
from agent.protocols.v1.commands import Command, encode_command
from agent.simulator.arduino_keys import Authority, read_csr
from agent.simulator.device_certificate import (
    COMPRESSED_SLOT,
    DEVICE_ID_SLOT,
    pack_dates,
    rebuild,
    unpack_dates,
)
from agent.simulator.secure_element import SecureElementChip
from tests.simulator.v1_replay import frames_in, send, v1_board

DEVICE_ID = "01234567-89ab-cdef-0123-456789abcdef"


@given(
    st.integers(2000, 2031),
    st.integers(0, 15),
    st.integers(0, 31),
    st.integers(0, 31),
    st.integers(0, 31),
)
def test_dates_fit_three_bytes(year: int, month: int, day: int, hour: int, years: int) -> None:
    dates = (year, month, day, hour, years)
    assert unpack_dates(pack_dates(*dates)) == dates


def test_a_year_that_does_not_fit_is_cut_off() -> None:
    assert unpack_dates(pack_dates(2032, 1, 1, 0, 31))[0] == 2000


@pytest.mark.parametrize(
    "moment", [datetime(2026, 1, 2, 3, 44, tzinfo=UTC), datetime(2028, 2, 29, 23, tzinfo=UTC)]
)
def test_what_the_cloud_signed_is_what_the_board_rebuilds(moment: datetime) -> None:
    authority, board = Authority(), v1_board()
    (frame,) = frames_in(send(board, encode_command(Command.CSR, DEVICE_ID.encode())))
    key = read_csr(bytes.fromhex(frame["payload"]).decode(), DEVICE_ID)
    issued = authority.issue(DEVICE_ID, key, moment.timestamp())
    certificate = compress(
        {
            "not_before": issued.not_before,
            "serial": issued.serial,
            "authority_key_identifier": issued.authority_key_id,
            "signature_asn1_x": issued.signature_x,
            "signature_asn1_y": issued.signature_y,
        }
    )
    commands = [
        (Command.BEGIN_STORAGE, b""),
        *certificate.fields,
        (Command.END_STORAGE, b""),
        (Command.RECONSTRUCT, b""),
    ]
    for command, data in commands:
        (answer,) = frames_in(send(board, encode_command(command, data)))
        assert answer["payload"] == "02", command
    rebuilt = x509.load_der_x509_certificate(rebuild(board.memory.element))
    assert rebuilt == x509.load_pem_x509_certificate(issued.pem.encode())
    authority.public_key.verify(
        rebuilt.signature, rebuilt.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256())
    )
    assert rebuilt.not_valid_after_utc.year == moment.year + 31


def test_slots_that_were_never_written_rebuild_nothing() -> None:
    with pytest.raises(KeyError):
        rebuild(SecureElementChip())


def test_a_device_id_that_is_no_text_rebuilds_nothing() -> None:
    element = SecureElementChip()
    element.generate(0)
    element.slots = {
        COMPRESSED_SLOT: b"\1" * 64 + pack_dates(2026, 1, 1, 0, 31),
        11: bytes([1]) * 36,
        DEVICE_ID_SLOT: b"\xff\xfe",
    }
    with pytest.raises(ValueError, match="ascii"):
        rebuild(element)
