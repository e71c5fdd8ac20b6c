"""Credentials in a modem's store: %CMNG, and making keys there with %KEYGEN.

A place is a security tag and a type; the store tells the SHA-256 of what is in it and never a
private key. Source: AT command reference, %CMNG and %KEYGEN; nrfcredstore 2.1.0.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

CLOUD_TAG: Final = 16_842_753
"""Where nRF Cloud's credentials are: 0x01010001."""
HIGHEST_TAG: Final = 2_147_483_647
"""Tags above belong to the modem."""
CONTENT_BYTES: Final = 4096
"""Longest credential: a chain of two certificates has some 3000."""

LINE: Final = re.compile(r'%CMNG: ?(\d{1,10}), ?(\d{1,2}), ?"([0-9A-Fa-f]{64})".*')
KEYGEN: Final = re.compile(r'%KEYGEN: ?"([^"]+)".*')
OWN: Final = (4_294_967_292, 4_294_967_293, 4_294_967_294)
"""Tags of the modem's own keys; they cannot be deleted."""
_FORBIDDEN: Final = frozenset("\"'\\\x00")
_ATTRIBUTES: Final = re.compile(
    r"(?:[A-Za-z]{1,16}=[A-Za-z0-9 ._@:-]{1,64})(?:,[A-Za-z]{1,16}=[A-Za-z0-9 ._@:-]{1,64})*"
)


class CredentialType(IntEnum):
    """What a credential is."""

    ROOT_CA = 0
    CLIENT_CERTIFICATE = 1
    CLIENT_KEY = 2
    PSK = 3
    PSK_IDENTITY = 4
    PUBLIC_KEY = 5
    IDENTITY_PUBLIC_KEY = 6
    RESERVED = 7
    ENDORSEMENT_KEY = 8
    OWNERSHIP_KEY = 9
    NORDIC_ROOT_CA = 10
    NORDIC_PUBLIC_KEY = 11


@dataclass(frozen=True, slots=True)
class StoredCredential:
    """A place that is taken."""

    tag: int
    kind: int
    """A :class:`CredentialType`, or a number that is not known yet."""
    sha256: str
    """64 hex digits, lower case."""


def check_tag(tag: int) -> None:
    """Raises :class:`ValueError` for a tag that is not ours to write."""
    if not 0 <= tag <= HIGHEST_TAG:
        msg = f"a security tag is a number from 0 to {HIGHEST_TAG}"
        raise ValueError(msg)


def check_content(content: str) -> None:
    """Raises :class:`ValueError` for what cannot be said in a command; the text says why."""
    if not content or len(content.encode()) > CONTENT_BYTES:
        msg = f"a credential has 1 to {CONTENT_BYTES} bytes"
    elif not content.isascii():
        msg = "a credential is of ASCII characters"
    elif _FORBIDDEN & set(content):
        msg = "a credential has no quotes and no backslash"
    else:
        return
    raise ValueError(msg)


def check_attributes(attributes: str) -> None:
    """Raises :class:`ValueError` unless it is empty or as ``CN=name,O=company``."""
    if attributes and not _ATTRIBUTES.fullmatch(attributes):
        msg = "the names of a request are as CN=name,O=company, without quotes"
        raise ValueError(msg)


def list_command(tag: int | None = None, kind: CredentialType | None = None) -> str:
    """All places, those of a tag, or one."""
    words = [word for word in (tag, kind) if word is not None]
    return ",".join(("AT%CMNG=1", *(str(int(word)) for word in words)))


def write_command(tag: int, kind: CredentialType, content: str) -> str:
    """Write, or overwrite: the modem does not ask."""
    return f'AT%CMNG=0,{tag},{int(kind)},"{content}"'


def delete_command(tag: int, kind: int) -> str:
    """Empty one place."""
    return f"AT%CMNG=3,{tag},{int(kind)}"


def keygen_command(tag: int, attributes: str = "") -> str:
    """Make a private key in a place and a signing request for it."""
    return f"AT%KEYGEN={tag},2,0" + (f',"{attributes}"' if attributes else "")


def parse_list(lines: Iterable[str]) -> list[StoredCredential]:
    """Places that a list names; lines that are something else are left out."""
    found = (match for line in lines if (match := LINE.fullmatch(line)))
    return [
        StoredCredential(int(tag), int(kind), sha.lower())
        for tag, kind, sha in (m.groups() for m in found)
    ]


def digests(content: str) -> frozenset[str]:
    """SHA-256 that the store may tell of a content: a shell makes CR LF of its line ends."""
    forms = (content, content.replace("\r", "").replace("\n", "\r\n"))
    return frozenset(hashlib.sha256(form.encode()).hexdigest() for form in forms)
