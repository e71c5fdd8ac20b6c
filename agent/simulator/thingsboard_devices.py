"""What a simulated ThingsBoard keeps: profiles, devices, events, and who is told of changes.

Source: cloud-thingsboard, sections 1 and 4.
"""

from __future__ import annotations

import secrets
import string
import uuid
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from agent.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.simulator.thingsboard_credentials import StoredCredentials

HISTORY: Final = 10_000
"""Events, and values of one device, that are remembered; older ones are forgotten first."""
NAME_CHARS: Final = 255
"""The database keeps so many."""
PROVISION_STATE: Final = "provisionState"
PROVISIONED: Final = "provisioned"
_LETTERS: Final = string.ascii_letters + string.digits

Json: TypeAlias = Any
"""Whatever JSON can hold."""
Scope = Literal["CLIENT_SCOPE", "SHARED_SCOPE", "SERVER_SCOPE"]
EndReason = Literal["credentials", "deleted", "taken over"]
SCOPES: Final[tuple[Scope, ...]] = ("CLIENT_SCOPE", "SHARED_SCOPE", "SERVER_SCOPE")


class Strategy(StrEnum):
    """What a profile does with a provision request; the value is what travels."""

    CREATE = "ALLOW_CREATE_NEW_DEVICES"
    CHECK = "CHECK_PRE_PROVISIONED_DEVICES"
    CHAIN = "X509_CERTIFICATE_CHAIN"
    DISABLED = "DISABLED"


class Refused(Exception):
    """A decision against a request: ``NOT_FOUND`` or ``FAILURE``."""

    def __init__(self, status: Literal["NOT_FOUND", "FAILURE"]) -> None:
        self.status = status
        super().__init__(status)


class InternalError(Exception):
    """The server's core has no answer."""


class TooManyDevicesError(Exception):
    """The tenant may have no more devices."""


@dataclass(slots=True)
class Profile:
    """A device profile."""

    name: str
    strategy: Strategy = Strategy.DISABLED
    key: str = ""
    secret: Secret = field(default_factory=Secret)
    chain_ca: str = ""
    """With :attr:`Strategy.CHAIN`: the authority's certificate, PEM."""
    name_pattern: str = "(.*)"
    """With :attr:`Strategy.CHAIN`: its group cuts the device's name out of the common name."""
    allow_new: bool = True
    """With :attr:`Strategy.CHAIN`: whether an unknown name becomes a device."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(slots=True)
class Device:
    """A device; names are unique on the server."""

    name: str
    profile: Profile
    credentials: StoredCredentials
    created_at: float
    gateway: bool = False
    parent: str = ""
    """Name of the gateway that made it."""
    label: str = ""
    attributes: dict[Scope, dict[str, Any]] = field(default_factory=lambda: {s: {} for s in SCOPES})
    telemetry: deque[tuple[float, dict[str, Any]]] = field(
        default_factory=lambda: deque(maxlen=HISTORY)
    )
    last_seen: float | None = None
    """Unix seconds at which it last proved itself."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the server would show under a device's events or in its audit log."""

    kind: str
    device: str
    at: float


class Session(Protocol):
    """A connection that is told what happens to its device."""

    def attributes_changed(self, device: Device, changed: dict[str, Any]) -> None:
        """Shared attributes have new values."""

    def attributes_deleted(self, device: Device, names: Sequence[str]) -> None:
        """Shared attributes are gone."""

    def call(self, device: Device, request: int, method: str, params: Json) -> bool:
        """Ask the device; whether it can be asked."""

    def end(self, device: Device, reason: EndReason) -> None:
        """The server ends what this session has with the device."""


def random_text() -> str:
    """Twenty letters and digits, as the server makes tokens and names."""
    return "".join(secrets.choice(_LETTERS) for _ in range(20))
