"""Detached OpenPGP signatures by one pinned key.

The check is Sequoia's. One rule differs: a pinned key is trusted because Mooring carries it, so a
date on which it ended does not count. The vendor's key for its list of sketches says that it ended
on 2023-12-02 and was never renewed, and the vendor's own client does not look at that date either
(arduino/arduino-cloud-cli c6c9ee2: internal/binary/gpgkey, internal/binary/index.go); Sequoia
refuses whatever such a key signed later. The vendor's key for its list of tools is of 2014: it is
bound to its name and to its subkeys with SHA-1, so Sequoia sees no valid key in it at all. For these
cases the same signature is checked as RFC 4880, section 5.2.4 says, with RSA from ``cryptography``
and each key of the pinned file. Whoever asks for it also gets signatures over data with SHA-1 there.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pysequoia import Cert, Sig

_RSA: Final = frozenset({1, 3})
"""Public-key algorithms: RSA, RSA for signatures only (RFC 4880, 9.1)."""
_HASHES: Final = {8: "SHA256", 9: "SHA384", 10: "SHA512"}
"""Hash algorithms that may sign; MD5 and SHA-1 are none (RFC 4880, 9.4)."""
_SHA1: Final = {2: "SHA1"}
_BINARY: Final = 0


class SignatureWrong(Exception):
    """The signature is not one of the pinned key over this data; the text says why."""


def check_detached(
    data: bytes, signature: bytes, key: bytes, *, sha1: bool = False
) -> datetime | None:
    """Check ``signature`` over ``data`` by ``key`` (all binary or armoured); when it was made.

    ``sha1``: a signature of an old RSA key may be made with SHA-1. Only for a signer who still does
    that, and for data that also comes over an encrypted way: two texts with the same SHA-1 can be
    made by somebody who gets the first one signed.
    Raises :class:`SignatureWrong`.
    """
    from pysequoia import Cert, Sig, verify

    try:
        cert = Cert.from_bytes(key)
    except RuntimeError as error:
        raise SignatureWrong(f"the pinned key cannot be read ({_first_line(error)})") from None
    try:
        found = Sig.from_bytes(signature)
    except (RuntimeError, ValueError) as error:
        raise SignatureWrong(f"it is no signature ({_first_line(error)})") from None

    def pinned(_ids: Sequence[str]) -> list[Cert]:
        return [cert]

    try:
        verify(data, store=pinned, signature=found)
    except RuntimeError:
        if cert.is_revoked or not _too_old_for_sequoia(found, cert):
            raise SignatureWrong("its signature does not match the pinned key") from None
        _check_rsa(data, found, cert, _HASHES | _SHA1 if sha1 else _HASHES)
    return found.created


def _too_old_for_sequoia(found: Sig, cert: Cert) -> bool:
    """Whether the age of the key is a reason for Sequoia's refusal: its end, or how it is bound."""
    try:
        made, end = found.created, cert.expiration
    except RuntimeError:
        return True
    return made is not None and end is not None and made >= end


def _check_rsa(data: bytes, found: Sig, cert: Cert, hashes: Mapping[int, str]) -> None:
    from pysequoia.packet import PacketPile, Tag

    try:
        signature: bytes = next(iter(PacketPile.from_bytes(bytes(found)))).body
        packets = list(PacketPile.from_bytes(bytes(cert)))
    except RuntimeError:
        packets, signature = [], b""
    keys = [packet.body for packet in packets if packet.tag in (Tag.PublicKey, Tag.PublicSubkey)]
    if not any(_is_by(key, signature, data, hashes) for key in keys):
        raise SignatureWrong("its signature does not match the pinned key") from None


def _is_by(key: bytes, signature: bytes, data: bytes, allowed: Mapping[int, str]) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    try:
        modulus, exponent = _rsa_numbers(key)
        algorithm, covered, value = _signature_parts(signature, allowed)
        public = RSAPublicNumbers(exponent, modulus).public_key()
        size = (public.key_size + 7) // 8
        trailer = covered + b"\x04\xff" + struct.pack(">I", len(covered))
        public.verify(
            value.to_bytes(size, "big"), data + trailer, PKCS1v15(), getattr(hashes, algorithm)()
        )
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, OverflowError, struct.error):
        return False
    return True


def _rsa_numbers(body: bytes) -> tuple[int, int]:
    """Modulus and exponent of a version 4 key packet (RFC 4880, 5.5.2)."""
    version, _created, algorithm = struct.unpack_from(">BIB", body)
    if version != 4 or algorithm not in _RSA:
        raise ValueError(algorithm)
    modulus, end = _integer(body, 6)
    exponent, _ = _integer(body, end)
    return modulus, exponent


def _signature_parts(body: bytes, allowed: Mapping[int, str]) -> tuple[str, bytes, int]:
    """Hash, the part of the packet that is signed too, and the number (RFC 4880, 5.2.3)."""
    version, kind, key_algorithm, hash_algorithm, hashed = struct.unpack_from(">BBBBH", body)
    if version != 4 or kind != _BINARY or key_algorithm not in _RSA:
        raise ValueError(kind)
    if hash_algorithm not in allowed:
        raise ValueError(hash_algorithm)
    end = 6 + hashed
    (unhashed,) = struct.unpack_from(">H", body, end)
    value, _ = _integer(body, end + 2 + unhashed + 2)
    return allowed[hash_algorithm], body[:end], value


def _integer(body: bytes, at: int) -> tuple[int, int]:
    """A multiprecision integer and where the next one begins (RFC 4880, 3.2)."""
    (bits,) = struct.unpack_from(">H", body, at)
    end = at + 2 + (bits + 7) // 8
    if end > len(body):
        raise ValueError(bits)
    return int.from_bytes(body[at + 2 : end], "big"), end


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
