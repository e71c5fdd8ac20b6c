"""The attestation token: proof that whoever shows it has the board at hand.

Whoever posts it first owns the board, so it is a secret as long as the board is unclaimed. A
desktop tool can check its form, not its signature: only the service has the public key. Its age
is not in it: a token is fresh if it has the nonce that was asked for.
Source: modem_credentials_parser of nrfcloud-utils; AT command reference, %ATTESTTOKEN.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from agent.protocols.nrf import cose
from agent.protocols.nrf.cose import Damaged, Problem
from agent.protocols.v2 import cbor
from agent.settings import Secret

IDENTITY: Final = 1
"""The message that a token is."""
SELF_DESCRIBED: Final = 55799
SHORTEST: Final = 54
"""Bytes of a body without its tag."""
_CHIPS: Final = {
    1: "nRF9160 SIAA",
    2: "nRF9160 SIBA",
    3: "nRF9160 SIAA",
    4: "nRF9161 LACA",
    5: "nRF9131 LACA",
    6: "nRF9151 LACA",
}


@dataclass(frozen=True, slots=True)
class AttestationToken:
    """What a token says, and the token itself."""

    text: Secret
    """As it is posted: without anything around it."""
    device_id: str
    """UUID in its usual form, lower case."""
    chip: int
    firmware_id: str
    """UUID of the build of the modem's firmware."""
    nonce: bytes
    signed: bool
    """It has a signature, without which nothing can be claimed."""

    @property
    def chip_name(self) -> str:
        """As printed on the chip; empty if it is not known."""
        return _CHIPS.get(self.chip, "")

    def fresh(self, nonce: bytes) -> bool:
        """It was made in answer to this nonce."""
        return self.nonce == nonce


def parse_token(text: str, *, unsigned: bool = False) -> AttestationToken:
    """Read a token that came from a board or from a person; raises :class:`Damaged`.

    ``unsigned``: one without signature will do, because only the device id is wanted.
    """
    text = text.strip()
    if text.startswith("%ATTESTTOKEN:"):
        text = text.removeprefix("%ATTESTTOKEN:")
    text = "".join(text.split()).strip("\"'")
    data, signed = cose.split(text, SHORTEST)
    try:
        device_id, chip, firmware_id, nonce = _read(data)
    except cbor.CborError as error:
        raise Damaged(cose.problem_of(error)) from None
    if signed is None and not unsigned:
        raise Damaged(Problem.UNSIGNED)
    if signed is not None and signed.payload is not None:
        raise Damaged(Problem.KIND)
    return AttestationToken(
        text=Secret(text),
        device_id=str(uuid.UUID(bytes=device_id)),
        chip=chip,
        firmware_id=str(uuid.UUID(bytes=firmware_id)),
        nonce=nonce,
        signed=signed is not None,
    )


def encode_body(device_id: bytes, chip: int, firmware_id: bytes, nonce: bytes) -> bytes:
    """The body as the modem writes it."""
    items = (IDENTITY, device_id, chip, firmware_id, nonce)
    written = (cbor.integer(i) if isinstance(i, int) else cbor.byte_string(i) for i in items)
    return cbor.tagged(SELF_DESCRIBED, *written)


def _read(data: bytes) -> tuple[bytes, int, bytes, bytes]:
    items = cose.Items(data)
    if items.tag() not in {None, SELF_DESCRIBED} or items.array() != 5:
        raise Damaged(Problem.FORM)
    if items.integer() != IDENTITY:
        raise Damaged(Problem.KIND)
    device_id, chip = items.byte_string(), items.integer()
    firmware_id, nonce = items.byte_string(), items.byte_string()
    items.end()
    sizes = len(device_id), len(firmware_id), len(nonce)
    if sizes != (cose.UUID_BYTES, cose.UUID_BYTES, cose.NONCE_BYTES) or chip < 0:
        raise Damaged(Problem.FORM)
    return device_id, chip, firmware_id, nonce
