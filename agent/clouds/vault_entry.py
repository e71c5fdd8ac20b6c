"""An entry of the vault as bytes: plain parts that people see, and credentials that are sealed.

AES-256-GCM with the plain parts as associated data: neither can be changed or swapped alone. A
check value over everything tells damage from a missing key, without any key.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from agent.errors import InputError
from agent.settings import Secret
from agent.settings.credentials import (
    AccessToken,
    Certificate,
    CloudSettings,
    MqttBasic,
    parse_settings,
    reveal_settings,
)

State: TypeAlias = Literal["pending", "proven", "earlier"]
"""Not yet seen to work; works, as far as known; worked until a newer one did."""

Kind: TypeAlias = Literal["", "access_token", "mqtt_basic", "certificate"]
"""Kind of credentials; empty: none yet."""

ENTRY_BYTES: Final = 64 << 10
"""The longest credentials (certificate, key and authorities, 28 KiB) take 38 KiB when sealed."""
KEY_BYTES: Final = 32
KEY_ID: Final = re.compile(r"[0-9a-f]{16}")
GROUP_CHARS: Final = 16
ORDER_MAX: Final = 1 << 53

_NONCE_BYTES: Final = 12
_CONTEXT: Final = b"mooring vault entry\0"


class Damaged(Exception):
    """These bytes are not those that were written."""


class Plain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of an entry without a key."""

    format: Literal[1] = 1
    id: str
    board: str
    board_name: str
    cloud: str
    device: str
    """Name of the device in the cloud."""
    server: str
    """Scheme, host and port: ``mqtts://tb.example.com:8883``."""
    credentials: Kind
    state: State
    order: Annotated[int, Meta(ge=0, le=ORDER_MAX)] = 0
    """Of those of a board and cloud that were proven, the highest was last; clocks may go back."""
    made_at: float
    """Unix seconds."""
    proven_at: float | None = None
    job: str
    """Job that made it."""
    key: str
    """Id of the key that it is sealed with."""
    hardware_id: str | UnsetType = UNSET
    """What the board said of itself, hex digits; in no file where nobody asked it."""

    @property
    def group(self) -> str:
        """The same for all entries of one board in one cloud."""
        return group_of(self.board, self.cloud, self.device)

    @property
    def file_name(self) -> str:
        """Name of its file."""
        return f"{self.group}-{self.id}.json"


class Stored(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry as its file holds it."""

    plain: Plain
    nonce: bytes
    sealed: bytes
    check: bytes
    """SHA-256 of the rest."""

    def digest(self) -> bytes:
        """What :attr:`check` must be."""
        parts = (_associated(self.plain), self.nonce, self.sealed)
        return hashlib.sha256(b"".join(len(p).to_bytes(4, "big") + p for p in parts)).digest()


def group_of(board: str, cloud: str, device: str) -> str:
    """Begins the names of the files of one board in one cloud.

    What is made for a file has no board: there it is one device, so that ten thousand of them are
    not one group.
    """
    whose = f"{board}\n{cloud}" if board else f"\n{cloud}\n{device}"
    return hashlib.sha256(whose.encode()).hexdigest()[:GROUP_CHARS]


def key_id(key: bytes) -> str:
    """Names a key and tells nothing about it."""
    return hmac.digest(key, b"mooring vault key", "sha256")[:8].hex()


def seal(plain: Plain, settings: CloudSettings | None, key: bytes) -> bytes:
    """The bytes of an entry's file; ``plain.key`` names ``key``."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE_BYTES)
    content = msgspec.json.encode(None if settings is None else reveal_settings(settings))
    sealed = AESGCM(key).encrypt(nonce, content, _associated(plain))
    stored = Stored(plain=plain, nonce=nonce, sealed=sealed, check=b"")
    return msgspec.json.encode(msgspec.structs.replace(stored, check=stored.digest())) + b"\n"


def parse_entry(data: bytes) -> Stored:
    """What the bytes of a file are; raises :class:`Damaged`."""
    try:
        stored = msgspec.json.decode(data, type=Stored)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Damaged from None
    if not hmac.compare_digest(stored.digest(), stored.check):
        raise Damaged
    return stored


def unseal(stored: Stored, key: bytes) -> CloudSettings | None:
    """The credentials; None: the cloud has not given any yet. Raises :class:`Damaged`."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        content = AESGCM(key).decrypt(stored.nonce, stored.sealed, _associated(stored.plain))
        plain = msgspec.json.decode(content)
        return None if plain is None else parse_settings(plain, CloudSettings)
    except (InvalidTag, ValueError, InputError):  # a nonce of another length; a newer format
        raise Damaged from None


def kind_of(settings: CloudSettings | None) -> Kind:
    """Of the credentials of ``settings``."""
    match settings.credentials if settings is not None else None:
        case AccessToken():
            return "access_token"
        case MqttBasic():
            return "mqtt_basic"
        case Certificate():
            return "certificate"
    return ""


def server_of(settings: CloudSettings) -> str:
    """Where the board connects to, in one text."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{settings.scheme}://{host}:{settings.port}"


def new_id() -> str:
    """Short, because people type it."""
    return secrets.token_hex(4)


def key_text(key: bytes) -> Secret:
    """A key as the keyring and the file hold it."""
    return Secret(key.hex())


def parse_key(text: str | None, wanted: str) -> bytes | None:
    """The key whose id is ``wanted``; None: this text is not that key."""
    try:
        key = bytes.fromhex((text or "").strip())
    except ValueError:
        return None
    return key if len(key) == KEY_BYTES and key_id(key) == wanted else None


def _associated(plain: Plain) -> bytes:
    return _CONTEXT + msgspec.json.encode(plain)
