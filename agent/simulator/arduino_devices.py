"""Devices of the simulated Arduino Cloud that are made over its API: 1.0, LoRa, secret key.

It checks a board's certificate request and signs a certificate that the board can rebuild.
Reasons of refusals are ours where the documents have none.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from agent.simulator.arduino_keys import WrongKeyMaterial, read_csr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.simulator.arduino_keys import Authority, IssuedCertificate

TYPES: Final = frozenset(
    {
        "mkrwifi1010",
        "mkr1000",
        "nano_33_iot",
        "mkrgsm1400",
        "mkrnb1500",
        "envie_m7",
        "nanorp2040connect",
        "nicla_vision",
        "portenta_x8",
        "portenta_c33",
        "opta",
        "giga",
        "unor4wifi",
        "nano_nora",
        "login_and_secretkey_wifi",
        "generic_device_secretkey",
        "phone",
    }
)
"""Without those of LoRa boards."""
LORA_TYPES: Final = frozenset({"mkrwan1300", "mkrwan1310"})
CONNECTIONS: Final = frozenset(
    {"wifi", "eth", "wifiandsecret", "gsm", "nb", "lora", "catm1", "cellular"}
)
PLANS: Final = (
    {"id": "EU_863_870_TTN", "name": "Europe 863-870 MHz", "advanced": False},
    {"id": "US_902_928_FSB_2", "name": "United States 902-928 MHz", "advanced": False},
    {"id": "AS_920_923", "name": "Asia 920-923 MHz", "advanced": True},
)
"""Some plans; the real list is the cloud's."""
TEXT_CHARS: Final = 64
CSR_CHARS: Final = 1024


class IotRefused(Exception):
    """A refusal of the ``/iot`` family."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(detail)


@dataclass(slots=True)
class SimulatedDevice:
    """One device."""

    id: str
    owner: object
    name: str
    type: str
    serial: str
    fqbn: str
    connection_type: str
    created_at: float
    """Unix seconds."""
    password: str | None = None
    certificates: list[IssuedCertificate] = field(default_factory=list)
    lora: dict[str, str] | None = None

    def as_json(self) -> dict[str, Any]:
        """All fields that the published client requires, and those that ours reads."""
        return {
            "id": self.id,
            "href": f"/iot/v1/devices/{self.id}",
            "label": self.fqbn or self.type,
            "name": self.name,
            "serial": self.serial,
            "type": self.type,
            "fqbn": self.fqbn or None,
            "user_id": "simulated",
            "device_status": "OFFLINE",
            "created_at": datetime.fromtimestamp(self.created_at, UTC).isoformat(),
            "connection_type": self.connection_type or None,
            "tags": {},
            "thing": None,
        }


class SimulatedDevices:
    """All devices of the simulated cloud; ``plan_limit`` is how many an account may have."""

    def __init__(self, authority: Authority, now: Callable[[], float]) -> None:
        self._authority = authority
        self.clock = now
        """Unix seconds; a test may set another one for certificates."""
        self.all: dict[str, SimulatedDevice] = {}
        """By id, oldest first."""
        self.plan_limit: int | None = None

    def create(self, body: Mapping[str, Any], owner: object) -> SimulatedDevice:
        """A device with a certificate or a secret key to come."""
        kind = _text(body, "type", needed=True)
        if kind not in TYPES:
            raise IotRefused(HTTPStatus.BAD_REQUEST, f"type {kind!r} is not supported")
        return self._add(body, kind, owner)

    def create_lora(self, body: Mapping[str, Any], owner: object) -> SimulatedDevice:
        """A LoRa device with keys of its own."""
        kind, eui = _text(body, "type", needed=True), _text(body, "eui", needed=True)
        if kind not in LORA_TYPES or body.get("app") != "defaultApp" or body.get("user_id") != "me":
            raise IotRefused(HTTPStatus.BAD_REQUEST, "type, app or user_id is wrong")
        if len(eui) != 16 or any(c not in "0123456789ABCDEFabcdef" for c in eui):
            raise IotRefused(HTTPStatus.BAD_REQUEST, "eui is not 16 hexadecimal digits")
        if body.get("frequency_plan") not in {plan["id"] for plan in PLANS}:
            raise IotRefused(HTTPStatus.BAD_REQUEST, "frequency_plan is not known")
        device = self._add(body, kind, owner)
        device.lora = {
            "device_id": device.id,
            "eui": eui,
            "app_eui": secrets.token_hex(8).upper(),
            "app_key": secrets.token_hex(16).upper(),
        }
        return device

    def of_owner(self, owner: object, serial: str | None) -> list[SimulatedDevice]:
        """The devices of an account, by serial number if one is given."""
        return [
            device
            for device in self.all.values()
            if device.owner == owner and serial in {None, device.serial}
        ]

    def get(self, device_id: str, owner: object) -> SimulatedDevice:
        """A device of this account."""
        device = self.all.get(device_id)
        if device is None or device.owner != owner:
            raise IotRefused(HTTPStatus.NOT_FOUND, "device not found")
        return device

    def delete(self, device_id: str, owner: object) -> None:
        """Delete a device of this account."""
        del self.all[self.get(device_id, owner).id]

    def certify(self, device_id: str, body: Mapping[str, Any], owner: object) -> dict[str, Any]:
        """Sign the request of the device's board."""
        device, csr = self.get(device_id, owner), body.get("csr")
        if body.get("ca") != "Arduino_v2" or not isinstance(body.get("enabled"), bool):
            raise IotRefused(HTTPStatus.BAD_REQUEST, "ca or enabled is wrong")
        if not isinstance(csr, str) or len(csr) > CSR_CHARS:
            raise IotRefused(HTTPStatus.BAD_REQUEST, "csr is no text of at most 1024 characters")
        try:
            key = read_csr(csr, device.id)
        except WrongKeyMaterial as error:
            raise IotRefused(HTTPStatus.BAD_REQUEST, str(error)) from None
        issued = self._authority.issue(device.id, key, self.clock())
        device.certificates.append(issued)
        certificate = x509.load_pem_x509_certificate(issued.pem.encode())
        return {
            "id": str(uuid.uuid4()),
            "device_id": device.id,
            "enabled": body["enabled"],
            "ca": body["ca"],
            "pem": issued.pem,
            "der": certificate.public_bytes(Encoding.DER).hex(),
            "compressed": {
                "serial": issued.serial,
                "not_before": issued.not_before,
                "not_after": certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "authority_key_identifier": issued.authority_key_id,
                "signature": issued.signature_x + issued.signature_y,
                # As a number may be written: without its leading zeros.
                "signature_asn1_x": issued.signature_x.lstrip("0"),
                "signature_asn1_y": issued.signature_y.lstrip("0"),
            },
        }

    def set_password(self, device_id: str, body: Mapping[str, Any], owner: object) -> None:
        """The secret key of a device."""
        device, password = self.get(device_id, owner), body.get("password")
        if not isinstance(password, str) or not password:
            raise IotRefused(HTTPStatus.BAD_REQUEST, "password is missing")
        device.password = password

    def _add(self, body: Mapping[str, Any], kind: str, owner: object) -> SimulatedDevice:
        name = _text(body, "name")
        if name and not any(c.isalnum() or c in "_.@-" for c in name):
            raise IotRefused(HTTPStatus.BAD_REQUEST, "name is not valid")
        connection = _text(body, "connection_type")
        if connection and connection not in CONNECTIONS:
            raise IotRefused(HTTPStatus.BAD_REQUEST, "connection_type is not valid")
        if self.plan_limit is not None and len(self.of_owner(owner, None)) >= self.plan_limit:
            raise IotRefused(HTTPStatus.PRECONDITION_FAILED, "the plan allows no more devices")
        device = SimulatedDevice(
            id=str(uuid.uuid4()),
            owner=owner,
            name=name,
            type=kind,
            serial=_text(body, "serial"),
            fqbn=_text(body, "fqbn"),
            connection_type=connection,
            created_at=self.clock(),
        )
        self.all[device.id] = device
        return device


def _text(body: Mapping[str, Any], name: str, *, needed: bool = False) -> str:
    text = body.get(name) or ""
    if not isinstance(text, str) or len(text) > TEXT_CHARS or (needed and not text):
        raise IotRefused(HTTPStatus.BAD_REQUEST, f"{name} is missing or not valid")
    return text
