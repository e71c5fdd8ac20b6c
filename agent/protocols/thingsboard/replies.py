"""The reply to a provision request: a decision of the server, or none.

Only a ``status`` that is one of three words is a decision; an HTTP status is not. The reply counts,
never what was sent: prepared devices get what an administrator stored for them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import msgspec

from agent.errors import InputError
from agent.protocols.thingsboard.requests import (
    ACCESS_TOKEN,
    LWM2M_CREDENTIALS,
    MQTT_BASIC,
    X509_CERTIFICATE,
)
from agent.settings import Secret, clean_text
from agent.settings.credentials import CERTIFICATE_BYTES, AccessToken, MqttBasic

REPLY_LIMIT: Final = 65_536
"""Bytes; ThingsBoard's own limit of a message."""
Refusal: TypeAlias = Literal["NOT_FOUND", "FAILURE"]
REFUSALS: Final[dict[str | None, Refusal]] = {"NOT_FOUND": "NOT_FOUND", "FAILURE": "FAILURE"}
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


@dataclass(frozen=True, slots=True)
class StoredCertificate:
    """The server knows the device by this certificate; its key is wherever it was made."""

    base64: str
    """Without armour and line ends."""

    def is_of(self, pem: str) -> bool:
        """Whether it is the (first) certificate in ``pem``."""
        return bare_base64(pem) == self.base64


@dataclass(frozen=True, slots=True)
class Issued:
    """SUCCESS: the credentials with which the device connects from now on."""

    credentials: AccessToken | MqttBasic | StoredCertificate


@dataclass(frozen=True, slots=True)
class Refused:
    """NOT_FOUND (key, secret, switched off) or FAILURE (everything else, on purpose unclear)."""

    status: Refusal
    message: str
    """The server's sentence, fit to be shown."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """SUCCESS, so the device exists, but what it shall use cannot be read from the reply."""

    detail: str


@dataclass(frozen=True, slots=True)
class NoDecision:
    """Nothing that decides: not JSON, an error of the server's own, an unknown status."""

    detail: str


Reply: TypeAlias = Issued | Refused | Unusable | NoDecision


def parse_reply(body: bytes) -> Reply:
    """What ``body`` says. Accepts the names of fields that older documents show."""
    if len(body) > REPLY_LIMIT:
        return NoDecision(f"The answer is longer than {REPLY_LIMIT} bytes.")
    if not body:
        return NoDecision("The answer is empty.")
    try:
        # A structure a thousand levels deep is a RecursionError.
        reply = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return NoDecision("The answer is no JSON object.")
    # In an error of the server ``status`` is a number.
    both = (reply.get("status"), reply.get("provisionDeviceStatus"))
    status = next((each for each in both if isinstance(each, str)), None)
    message = _sentence(reply.get("errorMsg")) or _sentence(reply.get("message"))
    if status in REFUSALS:
        return Refused(REFUSALS[status], message)
    if status == "SUCCESS":
        return _issued(reply)
    if status is not None:
        return NoDecision(f"The answer has the unknown status “{clean_text(status, 40)}”.")
    return NoDecision(f"It said: {message}" if message else "The answer has no status.")


def bare_base64(pem: str) -> str:
    """The base64 text of the first certificate in ``pem``, which may have no armour."""
    head, mark, rest = pem.partition("-----BEGIN CERTIFICATE-----")
    inner = rest.partition("-----END")[0] if mark else head
    return "".join(inner.split())


def _issued(reply: dict[str, object]) -> Issued | Unusable:
    kind = reply.get("credentialsType")
    value = reply.get("credentialsValue")
    if value is None and isinstance(reply.get("accessToken"), str):
        kind, value = kind or ACCESS_TOKEN, reply["accessToken"]
    if kind is None and isinstance(value, str):
        kind = ACCESS_TOKEN
    try:
        if kind == ACCESS_TOKEN and isinstance(value, str):
            token = AccessToken(token=Secret(value))
            token.check()
            return Issued(token)
        if kind == MQTT_BASIC and isinstance(value, dict):
            basic = _basic(value)
            basic.check()
            return Issued(basic)
    except InputError as error:
        problem = f"{error.facts['field']} {error.facts['problem']}"
        return Unusable(f"What it gave cannot be used: {problem}.")
    if kind == X509_CERTIFICATE and isinstance(value, str):
        text = bare_base64(value)
        if len(text) <= CERTIFICATE_BYTES and _BASE64.fullmatch(text):
            return Issued(StoredCertificate(text))
        return Unusable("What it gave is no certificate.")
    if kind == LWM2M_CREDENTIALS:
        return Unusable("It keeps this device with credentials of LWM2M, which it does not tell.")
    if isinstance(kind, str) and kind not in {ACCESS_TOKEN, MQTT_BASIC, X509_CERTIFICATE}:
        return Unusable(f"It gave credentials of the unknown kind “{clean_text(kind, 40)}”.")
    return Unusable("It gave no credentials, or in a form that is not known.")


def _basic(value: dict[object, object]) -> MqttBasic:
    """The reply says ``userName`` where the request says ``username``."""

    def text(*names: str) -> str:
        return next((each for name in names if isinstance(each := value.get(name), str)), "")

    return MqttBasic(
        client_id=text("clientId"),
        username=text("userName", "username"),
        password=Secret(text("password")),
    )


def _sentence(value: object) -> str:
    return clean_text(" ".join(value.split())) if isinstance(value, str) else ""
