"""Credentials as ThingsBoard keeps and compares them.

Every device has one entry with an id that is unique on the server: the token itself, or a hash.
Source: cloud-thingsboard, section 5; DeviceCredentialsServiceImpl, DefaultTransportApiService.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_ARMOUR: Final = re.compile(r"-----(?:BEGIN|END) CERTIFICATE-----|[\r\n]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class CredentialsType(StrEnum):
    """How a device proves itself; the value is what travels."""

    ACCESS_TOKEN = "ACCESS_TOKEN"  # noqa: S105 - the name of a kind
    X509_CERTIFICATE = "X509_CERTIFICATE"
    MQTT_BASIC = "MQTT_BASIC"
    LWM2M_CREDENTIALS = "LWM2M_CREDENTIALS"


class WrongCredentialsError(ValueError):
    """The server does not store these; the text is the server's."""


@dataclass(frozen=True, slots=True)
class BasicLogin:
    """What an MQTT client says when it connects; empty is the same as absent."""

    client_id: str = ""
    username: str = ""
    password: str = field(default="", repr=False)

    def as_json(self) -> dict[str, str]:
        """With the names of replies: ``userName``, where requests say ``username``."""
        return {"clientId": self.client_id, "userName": self.username, "password": self.password}


@dataclass(frozen=True, slots=True)
class StoredCredentials:
    """The entry of one device."""

    kind: CredentialsType
    id: str = field(repr=False)
    certificate: str = ""
    """Base64 in one line, without armour."""
    basic: BasicLogin | None = None

    @property
    def value(self) -> str | dict[str, str] | None:
        """``credentialsValue`` of a reply."""
        match self.kind:
            case CredentialsType.ACCESS_TOKEN:
                return self.id
            case CredentialsType.X509_CERTIFICATE:
                return self.certificate
            case CredentialsType.MQTT_BASIC:
                return self.basic.as_json() if self.basic else None
            case CredentialsType.LWM2M_CREDENTIALS:
                return None


def sha3(text: str) -> str:
    """SHA3-256 in hex; a certificate's text loses its armour and line ends before."""
    return hashlib.sha3_256(trim_certificate(text).encode()).hexdigest()


def trim_certificate(text: str) -> str:
    """A certificate in one line without armour. Blanks stay, as on the server."""
    return _ARMOUR.sub("", text)


def token_credentials(token: str) -> StoredCredentials:
    """An access token."""
    return _checked(StoredCredentials(CredentialsType.ACCESS_TOKEN, token))


def certificate_credentials(certificate: str) -> StoredCredentials:
    """A certificate, PEM or the base64 of it; what it holds is not looked at, as on the server."""
    line = trim_certificate(certificate)
    return StoredCredentials(CredentialsType.X509_CERTIFICATE, sha3(line), certificate=line)


def basic_credentials(login: BasicLogin) -> StoredCredentials:
    """Client id, user name and password of MQTT."""
    if not (login.client_id or login.username):
        raise WrongCredentialsError("Both mqtt client id and user name are empty!")
    if login.client_id and login.password and not login.username:
        raise WrongCredentialsError("Password cannot be specified along with client id")
    if not login.client_id:
        key = login.username
    elif not login.username:
        key = sha3(login.client_id)
    else:
        key = sha3(f"{login.client_id}|{login.username}")
    return _checked(StoredCredentials(CredentialsType.MQTT_BASIC, key, basic=login))


def _checked(credentials: StoredCredentials) -> StoredCredentials:
    if not credentials.id:
        raise WrongCredentialsError("Device credentials id should be specified!")
    login = credentials.basic or BasicLogin()
    if any(map(_CONTROL.search, (credentials.id, login.client_id, login.username, login.password))):
        raise WrongCredentialsError("credentialsId must not contain control characters!")
    return credentials


def find_mqtt_login(
    find: Callable[[str], StoredCredentials | None], client_id: str, username: str, password: str
) -> StoredCredentials | None:
    """The entry that a CONNECT without a certificate proves; ``find`` looks one up by its id.

    A password is not looked at where the user name is a token.
    """
    said = BasicLogin(client_id, username, password)
    if not username:
        found = find(sha3(client_id)) if client_id else None
        return found if found is not None and _judge(found, said) == "valid" else None
    found = find(sha3("|".join(part for part in (client_id, username) if part)))
    if found is not None and found.kind is CredentialsType.MQTT_BASIC:
        verdict = _judge(found, said)
        if verdict != "other":
            return found if verdict == "valid" else None
    found = find(username)
    if found is None or found.kind is CredentialsType.ACCESS_TOKEN:
        return found
    return found if _judge(found, said) == "valid" else None


def _judge(stored: StoredCredentials, said: BasicLogin) -> str:
    """``valid``, ``wrong`` (password), or ``other`` (not the one that is meant)."""
    known = stored.basic
    if known is None:
        return "other"
    if known.client_id and known.client_id != said.client_id:
        return "other"
    if known.username and known.username != said.username:
        return "other"
    return "valid" if not known.password or known.password == said.password else "wrong"
