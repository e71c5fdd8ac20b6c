"""Bodies of the administrator's interface (REST), as far as boards need it.

Everything that comes is read strictly: an id becomes part of a path, so it has to be a UUID.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Any, Final

import msgspec

from agent.errors import InputError
from agent.protocols.thingsboard.replies import StoredCertificate, bare_base64
from agent.protocols.thingsboard.requests import ACCESS_TOKEN, MQTT_BASIC, X509_CERTIFICATE
from agent.settings import Secret, clean_text
from agent.settings.credentials import AccessToken, Certificate, Credentials, MqttBasic

LOGIN_PATH: Final = "/api/auth/login"
RENEW_PATH: Final = "/api/auth/token"
TOKEN_HEADER: Final = "X-Authorization"  # noqa: S105 - the name of a header
DEVICE_PATH: Final = "/api/tenant/devices"
CREDENTIALS_PATH: Final = "/api/device/credentials"
PROVISION_STATE: Final = "provisionState"
ACTIVITY: Final = ("active", "lastConnectTime", "lastActivityTime")
"""Attributes that the server keeps of every device; times are Unix milliseconds."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class ErrorCode(IntEnum):
    """``errorCode`` of the one body that all errors share."""

    GENERAL = 2
    AUTHENTICATION = 10
    TOKEN_EXPIRED = 11
    CREDENTIALS_EXPIRED = 15
    NO_PERMISSION = 20
    BAD_ARGUMENT = 30
    BAD_ARGUMENTS = 31
    NOT_FOUND = 32
    TOO_MANY_REQUESTS = 33
    TOO_MANY_UPDATES = 34
    VERSION_CONFLICT = 35
    SUBSCRIPTION = 40
    ENTITY_LIMIT = 41
    DATABASE = 46


class Strategy:
    """``provisionType`` of a device profile."""

    CREATE: Final = "ALLOW_CREATE_NEW_DEVICES"
    PREPARED: Final = "CHECK_PRE_PROVISIONED_DEVICES"
    CHAIN: Final = "X509_CERTIFICATE_CHAIN"
    DISABLED: Final = "DISABLED"


class NotAsDocumented(Exception):
    """A body that is not what the interface promises."""


class Failure(msgspec.Struct, frozen=True, rename="camel"):
    """The body of an error."""

    status: int = 0
    message: str = ""
    error_code: int = 0


class Tokens(msgspec.Struct, frozen=True):
    """What a sign-in gives."""

    token: Secret
    refresh: Secret


class Device(msgspec.Struct, frozen=True):
    """A device as the administrator sees it."""

    id: str
    name: str
    profile_id: str = ""


class Profile(msgspec.Struct, frozen=True):
    """A device profile, as far as provisioning goes."""

    id: str
    name: str
    strategy: str
    key: str


class StoredCredentials(msgspec.Struct, frozen=True):
    """The credentials record of a device; ``record`` goes back changed to replace them."""

    record: dict[str, Any]
    credentials: AccessToken | MqttBasic | StoredCertificate | None
    """None: of a kind that boards here do not use."""

    def __repr__(self) -> str:
        return "StoredCredentials(***)"


def parse_failure(body: bytes) -> Failure:
    """The error in ``body``, its sentence fit to be shown; empty if there is none."""
    try:
        failure = msgspec.json.decode(body, type=Failure)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Failure()
    return msgspec.structs.replace(failure, message=clean_text(" ".join(failure.message.split())))


def parse_tokens(body: bytes) -> Tokens:
    """Out of the answers of ``LOGIN_PATH`` and ``RENEW_PATH``."""
    answer = _object(body)
    token, refresh = answer.get("token"), answer.get("refreshToken", "")
    if not (isinstance(token, str) and isinstance(refresh, str) and _header_safe(token)):
        raise NotAsDocumented("There is no token in it.")
    return Tokens(Secret(token), Secret(refresh))


def parse_device(body: bytes) -> Device:
    """Out of the answer of ``DEVICE_PATH``."""
    answer = _object(body)
    name = answer.get("name")
    if not isinstance(name, str):
        raise NotAsDocumented("The device has no name.")
    profile = answer.get("deviceProfileId")
    return Device(_uuid(answer.get("id")), name, _uuid(profile) if profile is not None else "")


def parse_profile(body: bytes) -> Profile:
    """Out of the answer of ``/api/deviceProfile/{id}``."""
    return _profile(_object(body))


def parse_profiles(body: bytes) -> tuple[list[Profile], bool]:
    """One page of ``/api/deviceProfiles``, and whether there are more."""
    answer = _object(body)
    entries = answer.get("data")
    if not isinstance(entries, list):
        raise NotAsDocumented("There is no list in it.")
    found = [_profile(entry) for entry in entries if isinstance(entry, dict)]
    return found, answer.get("hasNext") is True


def parse_attributes(body: bytes) -> dict[str, Any]:
    """Names and values of the answer of ``.../values/attributes/SERVER_SCOPE``."""
    try:
        entries = msgspec.json.decode(body, type=list[dict[str, Any]])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NotAsDocumented("It is no list of attributes.") from None
    return {
        key: entry.get("value") for entry in entries if isinstance(key := entry.get("key"), str)
    }


def parse_credentials(body: bytes) -> StoredCredentials:
    """Out of the answer of ``/api/device/{id}/credentials``."""
    record = _object(body)
    kind, name, value = (
        record.get(key) for key in ("credentialsType", "credentialsId", "credentialsValue")
    )
    _uuid(record.get("id"))
    found: AccessToken | MqttBasic | StoredCertificate | None = None
    if kind == ACCESS_TOKEN and isinstance(name, str):
        found = AccessToken(token=Secret(name))
    elif kind == MQTT_BASIC and isinstance(value, str):
        found = _basic(value)
    elif kind == X509_CERTIFICATE and isinstance(value, str):
        found = StoredCertificate(bare_base64(value))
    try:
        if isinstance(found, AccessToken | MqttBasic):
            found.check()
    except InputError:
        found = None
    return StoredCredentials(record, found)


def replacing(stored: StoredCredentials, new: Credentials) -> dict[str, Any]:
    """The body that puts ``new`` in the place of ``stored``; ids and version stay as they are."""
    record = {**stored.record, "credentialsId": None, "credentialsValue": None}
    match new:
        case AccessToken(token=token):
            record |= {"credentialsType": ACCESS_TOKEN, "credentialsId": token.reveal()}
        case MqttBasic(client_id=client_id, username=username, password=password):
            given = {"clientId": client_id, "userName": username, "password": password.reveal()}
            text = msgspec.json.encode({key: value for key, value in given.items() if value})
            record |= {"credentialsType": MQTT_BASIC, "credentialsValue": text.decode()}
        case Certificate(certificate=certificate):
            record |= {"credentialsType": X509_CERTIFICATE, "credentialsValue": certificate}
    return {key: value for key, value in record.items() if value is not None}


def device_path(device_id: str) -> str:
    """``DELETE`` here removes the device."""
    return f"/api/device/{_uuid(device_id)}"


def device_credentials_path(device_id: str) -> str:
    """``GET`` here reads the credentials."""
    return f"/api/device/{_uuid(device_id)}/credentials"


def profile_path(profile_id: str) -> str:
    """``GET`` here reads a device profile."""
    return f"/api/deviceProfile/{_uuid(profile_id)}"


def attributes_path(device_id: str) -> str:
    """``GET`` here with ``keys`` reads server attributes."""
    return f"/api/plugins/telemetry/DEVICE/{_uuid(device_id)}/values/attributes/SERVER_SCOPE"


def clear_attributes_path(device_id: str) -> str:
    """``DELETE`` here with ``keys`` removes server attributes."""
    return f"/api/plugins/telemetry/DEVICE/{_uuid(device_id)}/SERVER_SCOPE"


def _profile(entry: dict[str, Any]) -> Profile:
    texts = [
        value if isinstance(value := entry.get(key), str) else ""
        for key in ("name", "provisionType", "provisionDeviceKey")
    ]
    return Profile(_uuid(entry.get("id")), *texts)


def _basic(value: str) -> MqttBasic | None:
    try:
        answer = msgspec.json.decode(value, type=dict[str, str | None])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return MqttBasic(
        client_id=answer.get("clientId") or "",
        username=answer.get("userName") or "",
        password=Secret(answer.get("password") or ""),
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NotAsDocumented("It is no JSON object.") from None


def _uuid(value: object) -> str:
    """An id, alone or as ``{"id": ..., "entityType": ...}``."""
    text = value.get("id") if isinstance(value, dict) else value
    if not isinstance(text, str) or not _UUID.fullmatch(text):
        raise NotAsDocumented("An id in it is none.")
    return text


def _header_safe(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable() and " " not in text
