"""Devices, credentials and profiles as ThingsBoard's administrator interface writes and reads them.

Source: cloud-thingsboard, section 9; the server's data model.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Final

from agent.settings import Secret
from agent.simulator.thingsboard_credentials import (
    BasicLogin,
    CredentialsType,
    StoredCredentials,
    WrongCredentialsError,
    basic_credentials,
    certificate_credentials,
    token_credentials,
)
from agent.simulator.thingsboard_devices import Profile, Strategy, random_text

if TYPE_CHECKING:
    from agent.simulator.thingsboard_devices import Device, Json

NOBODY: Final = "13814000-1dd2-11b2-8080-808080808080"
"""The id that the server writes where there is none."""
TENANT: Final = "5e1f2a30-0000-11f0-8000-000000000001"
_TYPES: Final = {"DEVICE", "DEVICE_PROFILE", "TENANT", "CUSTOMER"}


def id_json(kind: str, value: str) -> dict[str, str]:
    """A reference."""
    return {"entityType": kind, "id": value}


def device_json(device: Device) -> dict[str, Any]:
    """A device."""
    return {
        "id": id_json("DEVICE", device.id),
        "createdTime": int(device.created_at * 1000),
        "additionalInfo": {"gateway": True} if device.gateway else None,
        "tenantId": id_json("TENANT", TENANT),
        "customerId": id_json("CUSTOMER", NOBODY),
        "name": device.name,
        "type": device.profile.name,
        "label": device.label or None,
        "deviceProfileId": id_json("DEVICE_PROFILE", device.profile.id),
        "deviceData": {
            "configuration": {"type": "DEFAULT"},
            "transportConfiguration": {"type": "DEFAULT"},
        },
        "firmwareId": None,
        "softwareId": None,
        "externalId": None,
    }


def credentials_json(device: Device) -> dict[str, Any]:
    """Its credentials; the value of basic ones is a text that holds JSON."""
    stored = device.credentials
    value: str | None = None
    if stored.kind is CredentialsType.X509_CERTIFICATE:
        value = stored.certificate
    elif stored.basic is not None:
        value = json.dumps(stored.basic.as_json(), separators=(",", ":"))
    return {
        "id": {"id": credentials_id(device)},
        "createdTime": int(device.created_at * 1000),
        "deviceId": id_json("DEVICE", device.id),
        "credentialsType": stored.kind.value,
        "credentialsId": stored.id,
        "credentialsValue": value,
    }


def credentials_id(device: Device) -> str:
    """The id of a device's entry, which stays when its credentials change."""
    return str(uuid.uuid5(uuid.UUID(device.id), "credentials"))


def read_credentials(said: dict[str, Any]) -> StoredCredentials:
    """Credentials that an administrator sets; :class:`WrongCredentialsError`."""
    try:
        kind = CredentialsType(str(said.get("credentialsType")))
    except ValueError:
        raise WrongCredentialsError("Device credentials type should be specified!") from None
    value = said.get("credentialsValue")
    if kind is CredentialsType.ACCESS_TOKEN:
        return token_credentials(str(said.get("credentialsId") or ""))
    if kind is CredentialsType.X509_CERTIFICATE and isinstance(value, str):
        return certificate_credentials(value)
    if kind is CredentialsType.MQTT_BASIC and isinstance(value, str):
        try:
            login = json.loads(value)
            found = (str(login.get(name) or "") for name in ("clientId", "userName", "password"))
            return basic_credentials(BasicLogin(*found))
        except (ValueError, AttributeError) as error:
            if isinstance(error, WrongCredentialsError):
                raise
    raise WrongCredentialsError(f"Invalid credentials body for {kind.value}!")


def profile_json(profile: Profile) -> dict[str, Any]:
    """A profile with its key and its secret: whoever may read it may enrol."""
    configuration: dict[str, Any] = {
        "type": profile.strategy.value,
        "provisionDeviceSecret": profile.secret.reveal() or None,
    }
    if profile.strategy is Strategy.CHAIN:
        configuration |= {
            "provisionDeviceSecret": profile.chain_ca,
            "certificateRegExPattern": profile.name_pattern,
            "allowCreateNewDevicesByX509Certificate": profile.allow_new,
        }
    return {
        "id": id_json("DEVICE_PROFILE", profile.id),
        "tenantId": id_json("TENANT", TENANT),
        "name": profile.name,
        "type": "DEFAULT",
        "transportType": "DEFAULT",
        "provisionType": profile.strategy.value,
        "provisionDeviceKey": profile.key or None,
        "profileData": {
            "configuration": {"type": "DEFAULT"},
            "transportConfiguration": {"type": "DEFAULT"},
            "provisionConfiguration": configuration,
            "alarms": None,
        },
        "default": profile.name == "default",
    }


def read_profile(said: dict[str, Any], profile: Profile) -> None:
    """Take a profile's fields over; ``ValueError`` if one is wrong."""
    name = said.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ValueError("Device profile name should be specified!")
    data = said.get("profileData")
    data = data if isinstance(data, dict) else {}
    configuration = data.get("provisionConfiguration") or {}
    strategy = Strategy(said.get("provisionType") or configuration.get("type") or "DISABLED")
    secret = str(configuration.get("provisionDeviceSecret") or "")
    if strategy is Strategy.CHAIN:
        profile.chain_ca = secret
        profile.name_pattern = str(configuration.get("certificateRegExPattern") or "")
        profile.allow_new = configuration.get("allowCreateNewDevicesByX509Certificate") is True
        secret = ""
    profile.name, profile.strategy, profile.secret = name, strategy, Secret(secret)
    profile.key = str(said.get("provisionDeviceKey") or "") or random_text()


def referred(said: Json, kind: str) -> str:
    """The id in a reference; empty if it is none of this kind."""
    if not isinstance(said, dict) or said.get("entityType", kind) not in _TYPES:
        return ""
    return str(said.get("id") or "")
