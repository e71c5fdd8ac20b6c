"""DER as the board's library writes it."""

from __future__ import annotations

import pytest
from cryptography import x509

from agent.simulator import der
from agent.simulator.secure_element import SecureElementChip


@pytest.mark.parametrize(
    ("size", "head"),
    [(0, "0400"), (127, "047f"), (128, "048180"), (255, "0481ff"), (256, "04820100")],
)
def test_lengths_are_as_short_as_they_can_be(size: int, head: str) -> None:
    assert der.tlv(4, bytes(size)).hex() == head + "00" * size


def test_a_request_is_readable_for_others() -> None:
    pem = SecureElementChip().csr_as_board("board")
    request = x509.load_pem_x509_csr(pem.encode())
    assert request.is_signature_valid
    assert request.subject.rfc4514_string() == "CN=board"
    assert max(map(len, pem.splitlines())) == der.PEM_LINE_CHARS
