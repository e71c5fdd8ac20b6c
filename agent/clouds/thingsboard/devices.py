"""What a device is asked for, and how an administrator's view of it is put into words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from agent.protocols.thingsboard.admin import ACTIVITY, Strategy
from agent.protocols.thingsboard.names import NAME_CHARS
from agent.protocols.thingsboard.replies import StoredCertificate
from agent.settings.credentials import AccessToken, MqttBasic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.clouds.enrolment import CredentialsKind, ProfileStrategy
    from agent.protocols.thingsboard.admin import Profile, StoredCredentials

STRATEGIES: Final[dict[str, ProfileStrategy]] = {
    Strategy.CREATE: "create",
    Strategy.PREPARED: "prepared",
    Strategy.CHAIN: "chain",
    Strategy.DISABLED: "off",
}
STRATEGY_SENTENCE: Final = (
    "The profile decides: “Allow to create new devices” makes a device under a name that nobody "
    "has, “Check for pre-provisioned devices” hands out, once, the credentials of the device that "
    "was made under this name before."
)


def strategy_of(profile: Profile | None) -> ProfileStrategy:
    """The strategy of a profile in one word."""
    return STRATEGIES.get(profile.strategy, "unknown") if profile is not None else "unknown"


def kind_of(stored: StoredCredentials) -> CredentialsKind | Literal["other"]:
    """The kind of credentials that the server keeps."""
    match stored.credentials:
        case AccessToken():
            return "access_token"
        case MqttBasic():
            return "mqtt_basic"
        case StoredCertificate():
            return "certificate"
        case None:
            return "other"


def seen_at(attributes: Mapping[str, object]) -> float:
    """Unix seconds at which the server last heard of a device; 0: never."""
    times = (attributes.get(key) for key in ACTIVITY if key != "active")
    return (
        max(
            (float(each) for each in times if isinstance(each, int | float) and 0 < each < 1e15),
            default=0.0,
        )
        / 1000
    )


def device_schema() -> dict[str, Any]:
    """JSON Schema of what enrolment asks."""
    return {
        "type": "object",
        "title": "Device",
        "description": STRATEGY_SENTENCE,
        "properties": {
            "name": {
                "type": "string",
                "title": "Device name",
                "description": "Empty: made of the model and the board's hardware id.",
                "maxLength": NAME_CHARS,
                "default": "",
            },
            "credentials": {
                "type": "string",
                "title": "Credentials",
                "description": "What the board proves itself with.",
                "oneOf": [
                    {"const": "access_token", "title": "Access token"},
                    {"const": "mqtt_basic", "title": "MQTT user name and password"},
                    {"const": "certificate", "title": "Certificate (X.509)"},
                ],
                "default": "access_token",
            },
        },
        "required": [],
        "additionalProperties": False,
    }
