"""The vault as one file for another computer, sealed with a passphrase (scrypt, AES-256-GCM)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from agent.clouds.vault_entry import Plain
from agent.errors import InputError, VaultSealed
from agent.settings.credentials import CloudSettings, parse_settings, reveal_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.settings import Secret

PASSPHRASE_CHARS: Final = 12
"""At least; the file may lie about for long, and who has it can try at leisure."""
FILE_BYTES: Final = 1 << 30
"""A full vault (10 000 entries of 40 KiB at most) with room to spare; larger is another file."""

_N: Final = 1 << 17
_R: Final = 8
_P: Final = 1
"""128 MiB and a third of a second for each try (OWASP, password storage, 2024)."""
_N_MAX: Final = 1 << 20
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32


class _Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    mooring_vault: Literal[1] = 1
    scrypt_n: Annotated[int, Meta(ge=2, le=_N_MAX)] = _N
    scrypt_r: Literal[8] = _R
    scrypt_p: Literal[1] = _P
    salt: Annotated[bytes, Meta(max_length=64)]
    nonce: Annotated[bytes, Meta(min_length=_NONCE_BYTES, max_length=_NONCE_BYTES)]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    head: _Head
    sealed: bytes


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    plain: Plain
    settings: dict[str, Any]


def require_passphrase(passphrase: Secret) -> None:
    """Raise :class:`InputError` for one that is too short to seal anything with."""
    if len(passphrase.reveal()) < PASSPHRASE_CHARS:
        problem = f"is shorter than {PASSPHRASE_CHARS} characters"
        raise InputError(field="passphrase", problem=problem)


def seal_entries(entries: Iterable[tuple[Plain, CloudSettings]], passphrase: Secret) -> bytes:
    """The bytes of the file; takes a third of a second."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    require_passphrase(passphrase)
    content = msgspec.json.encode(
        [_Entry(plain=plain, settings=reveal_settings(settings)) for plain, settings in entries]
    )
    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    head = _Head(salt=salt, nonce=nonce)
    sealed = AESGCM(_derive(passphrase, head)).encrypt(nonce, content, msgspec.json.encode(head))
    return msgspec.json.encode(_File(head=head, sealed=sealed)) + b"\n"


def open_entries(data: bytes, passphrase: Secret, name: str) -> list[tuple[Plain, CloudSettings]]:
    """What such a file holds; ``name`` of the file is for errors.

    Raises :class:`InputError` for a file of another kind, and :class:`VaultSealed`.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        file = msgspec.json.decode(data, type=_File)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        problem = "is no file that “mooring vault export” wrote, or it was damaged"
        raise InputError(field=name, problem=problem) from None
    head = file.head
    try:
        key = _derive(passphrase, head)
        content = AESGCM(key).decrypt(head.nonce, file.sealed, msgspec.json.encode(head))
    except (InvalidTag, ValueError):
        raise VaultSealed(file=name) from None
    try:
        entries = msgspec.json.decode(content, type=list[_Entry])
    except msgspec.MsgspecError:  # its seal was good
        raise InputError(field=name, problem="was written by a newer Mooring") from None
    return [(each.plain, parse_settings(each.settings, CloudSettings)) for each in entries]


def _derive(passphrase: Secret, head: _Head) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    scrypt = Scrypt(
        salt=head.salt, length=_KEY_BYTES, n=head.scrypt_n, r=head.scrypt_r, p=head.scrypt_p
    )
    return scrypt.derive(passphrase.reveal().encode("utf-8", "surrogatepass"))
