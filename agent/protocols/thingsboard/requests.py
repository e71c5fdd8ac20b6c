"""The provision request: one JSON object, the same over HTTP, MQTT and CoAP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from agent.settings.credentials import AccessToken, Certificate, MqttBasic

if TYPE_CHECKING:
    from agent.settings import Secret
    from agent.settings.credentials import Credentials

ACCESS_TOKEN: Final = "ACCESS_TOKEN"  # noqa: S105 - the name of a kind of credentials
MQTT_BASIC: Final = "MQTT_BASIC"
X509_CERTIFICATE: Final = "X509_CERTIFICATE"
LWM2M_CREDENTIALS: Final = "LWM2M_CREDENTIALS"
"""Never asked for: the reply would hold no credentials at all."""

HTTP_PATH: Final = "/api/v1/provision"
COAP_SEGMENTS: Final = ("api", "v1", "provision")
"""Exactly three; the server takes nothing after them."""
REQUEST_TOPIC: Final = "/provision/request"
RESPONSE_TOPIC: Final = "/provision/response"
PROVISION_USER: Final = "provision"
"""User name of an MQTT session that may only provision; the password is ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionRequest:
    """A device that asks to be known."""

    name: str
    key: Secret
    """Provision device key of the profile; shared by all devices of it."""
    secret: Secret
    own: Credentials | None = field(default=None, repr=False)
    """What the device brings; None: the server makes a token."""
    gateway: bool = False

    def body(self) -> dict[str, str | bool]:
        """The object. What is absent is left out: on a JSON null the server fails while reading."""
        body: dict[str, str | bool] = {
            "deviceName": self.name,
            "provisionDeviceKey": self.key.reveal(),
            "provisionDeviceSecret": self.secret.reveal(),
        }
        match self.own:
            case AccessToken(token=token):
                body |= {"credentialsType": ACCESS_TOKEN, "token": token.reveal()}
            case MqttBasic(client_id=client_id, username=username, password=password):
                given = {
                    "clientId": client_id,
                    "username": username,
                    "password": password.reveal(),
                }
                body["credentialsType"] = MQTT_BASIC
                body |= {name: value for name, value in given.items() if value}
            case Certificate(certificate=certificate):
                # Despite its name the field takes the certificate itself.
                body |= {"credentialsType": X509_CERTIFICATE, "hash": certificate}
            case None:
                pass
        if self.gateway:
            body["gateway"] = True
        return body

    def encode(self) -> bytes:
        """The object as JSON."""
        return msgspec.json.encode(self.body())

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What an answer might repeat and nobody may read."""
        match self.own:
            case AccessToken(token=own) | MqttBasic(password=own) if own:
                return (self.secret, self.key, own)
            case _:
                return (self.secret, self.key)
