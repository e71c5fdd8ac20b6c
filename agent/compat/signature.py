"""Who may send command lines and addresses of tools: the owner of one RSA key.

RSASSA-PKCS1-v1_5 with SHA-256 over the exact UTF-8 bytes of the text, in hexadecimal digits. Only
that text is covered: no board, port or program, and no date. Source: agent-api-compat, section 8.3.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.errors import InputError, UploadUnsigned
from agent.settings import clean_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

SIGNATURE_KEY: Final = Path(__file__).with_name("arduino_signature_key.pem")
"""The vendor's public key, as its own agent carries it."""
SETTING: Final = "compat.signature_key"
"""What names another key."""
KEY_BITS_MIN: Final = 2048
SIGNATURE_CHARS_MAX: Final = 4096
"""Twice the length of a key of 8192 bits in bytes, with room."""

_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")


class CommandKey:
    """A public key that signatures are checked with."""

    def __init__(self, pem: bytes) -> None:
        """``pem``: a ``PUBLIC KEY`` of RSA; :class:`InputError` says what else it is."""
        self._key = _load(pem)

    @classmethod
    def of_vendor(cls) -> CommandKey:
        """The key of the vendor's own service."""
        return cls(SIGNATURE_KEY.read_bytes())

    @classmethod
    def of_file(cls, path: str) -> CommandKey:
        """The key in a file, as the settings name it; empty: the vendor's.

        :class:`InputError` if it cannot be read: the vendor's never stands in for another one.
        """
        if not path:
            return cls.of_vendor()
        try:
            pem = Path(path).expanduser().read_bytes()
        except (OSError, RuntimeError) as error:
            detail = getattr(error, "strerror", None) or str(error)
            problem = f"names the file {clean_text(path, 200)}, which cannot be read ({detail})"
            raise InputError(field=SETTING, problem=problem) from None
        return cls(pem)

    def check(self, text: str, signature: str) -> None:
        """Raise :class:`UploadUnsigned` unless ``signature`` is one of this key over ``text``."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        if len(signature) > SIGNATURE_CHARS_MAX or not _HEX.fullmatch(signature):
            raise UploadUnsigned(detail="What came as a signature is none.")
        try:
            message = text.encode()
            self._key.verify(bytes.fromhex(signature), message, PKCS1v15(), SHA256())
        except (InvalidSignature, UnicodeEncodeError):
            detail = "It was not signed with the key of the service that may do that."
            raise UploadUnsigned(detail=detail) from None


def _load(pem: bytes) -> RSAPublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        problem = "is not a public key in PEM form (BEGIN PUBLIC KEY)"
        raise InputError(field=SETTING, problem=problem) from None
    if not isinstance(key, RSAPublicKey) or key.key_size < KEY_BITS_MIN:
        problem = f"is not an RSA key of {KEY_BITS_MIN} bits or more"
        raise InputError(field=SETTING, problem=problem)
    return key
