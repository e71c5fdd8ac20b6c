"""The container of what a modem signs: ``BODY.COSE``, both base64url without padding.

COSE is a COSE_Sign1 of RFC 9052: ECDSA with SHA-256 on P-256 by a key that is burnt into the modem
and whose public half only the service holds. Source: modem_credentials_parser of nrfcloud-utils.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from agent.protocols.v2 import cbor

TEXT_LIMIT: Final = 8192
"""Characters of a container; the longest, with a CSR, has some 900."""
SIGNATURE_BYTES: Final = 64
UUID_BYTES: Final = 16
NONCE_BYTES: Final = 16
TAG: Final = 18
PROTECTED: Final = bytes((0xA1, 0x01, 0x26))
"""``{1: -7}``: ECDSA with SHA-256."""
IDENTITY_KEY: Final = -2
_KEY_ID: Final = 4
_NIL: Final = (7, 22)
_MAP: Final = 5
_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]*")
_SHORTEST: Final = 76
"""Bytes of a COSE part without tag and payload."""


class Problem(Enum):
    """What is wrong with a container."""

    EMPTY = "it is empty"
    PARTS = "it has not two parts with a dot between them"
    ALPHABET = "it has characters that do not belong there"
    CUT = "its end is missing, as when a terminal cuts a line at its width"
    FORM = "it is not made as the modem makes it"
    KIND = "it is something else that the modem signs"
    UNSIGNED = "its signature is missing"
    DIGEST = "its signed digest is that of something else"


class Damaged(ValueError):
    """A container that cannot be used."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class Items(cbor.Reader):
    """Reads items, and knows where they end."""

    __slots__ = ()

    def end(self) -> None:
        """Nothing may follow."""
        if self._at != len(self._data):
            raise cbor.CborError("something follows")

    def nil_or_bytes(self) -> bytes | None:
        """A byte string, or nil."""
        at = self._at
        if self.head() == _NIL:
            return None
        self._at = at
        return self.byte_string()

    def map(self) -> int:
        """Number of pairs of the map that begins here."""
        major, count = self.head()
        if major != _MAP:
            raise cbor.CborError("a map was expected")
        return count

    def tag(self) -> int | None:
        """The tag that stands here, if there is one."""
        at = self._at
        major, number = self.head()
        if major == cbor.TAG:
            return number
        self._at = at
        return None


@dataclass(frozen=True, slots=True)
class Signed:
    """The COSE part."""

    key: int
    """Which key signed; :data:`IDENTITY_KEY` on boards that are sold."""
    payload: bytes | None
    """None: the signature is over the body."""
    signature: bytes


def split(text: str, shortest: int) -> tuple[bytes, Signed | None]:
    """Body, of at least ``shortest`` bytes, and signature if there is one.

    What comes along when a token is copied (spaces, line ends, quotes) is left out; raises
    :class:`Damaged`.
    """
    text = "".join(text[:TEXT_LIMIT].split()).strip("\"'")
    if not text:
        raise Damaged(Problem.EMPTY)
    body, dot, rest = text.partition(".")
    if "." in rest or not body:
        raise Damaged(Problem.PARTS)
    data = _decode(body)
    if len(data) < shortest:
        raise Damaged(Problem.CUT)
    return data, _signed(_decode(rest)) if rest or dot else None


def join(body: bytes, cose: bytes) -> str:
    """The text of a container."""
    parts = (base64.urlsafe_b64encode(part).decode("ascii").rstrip("=") for part in (body, cose))
    return ".".join(parts)


def to_be_signed(payload: bytes) -> bytes:
    """The bytes over which the signature is made (RFC 9052, 4.4)."""
    parts = (cbor.byte_string(PROTECTED), cbor.byte_string(b""), cbor.byte_string(payload))
    return b"".join((cbor.head(cbor.ARRAY, 4), cbor.text(b"Signature1"), *parts))


def encode(signed: Signed) -> bytes:
    """The COSE part as the modem writes it."""
    payload = b"\xf6" if signed.payload is None else cbor.byte_string(signed.payload)
    key = cbor.byte_string(cbor.integer(signed.key))
    unprotected = cbor.head(_MAP, 1) + cbor.integer(_KEY_ID) + key
    items = (cbor.byte_string(PROTECTED), unprotected, payload, cbor.byte_string(signed.signature))
    return cbor.tagged(TAG, *items)


def problem_of(error: cbor.CborError) -> Problem:
    """Whether it only ends too early, or is wrong."""
    return Problem.CUT if "too early" in str(error) else Problem.FORM


def _decode(text: str) -> bytes:
    if not _ALPHABET.fullmatch(text):
        raise Damaged(Problem.ALPHABET)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except binascii.Error:
        raise Damaged(Problem.CUT) from None


def _signed(data: bytes) -> Signed:
    if len(data) < _SHORTEST:
        raise Damaged(Problem.CUT)
    try:
        return _read_signed(data)
    except cbor.CborError as error:
        raise Damaged(problem_of(error)) from None


def _read_signed(data: bytes) -> Signed:
    items = Items(data)
    if items.tag() not in {None, TAG} or items.array() != 4 or items.byte_string() != PROTECTED:
        raise Damaged(Problem.FORM)
    key = None
    for _ in range(min(items.map(), 8)):
        name, value = items.integer(), items.byte_string()
        if name == _KEY_ID:
            key = Items(value).integer()
    payload, signature = items.nil_or_bytes(), items.byte_string()
    items.end()
    if key is None or len(signature) != SIGNATURE_BYTES:
        raise Damaged(Problem.FORM)
    return Signed(key, payload, signature)
