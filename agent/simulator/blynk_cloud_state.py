"""What a simulated Blynk.Cloud keeps: templates, devices, tokens, prepared devices, logins.

A provision token has its device id at once, but its device is listed, and its token known to the
device interface, when a board has logged in with it. Source: cloud-blynk, section 5.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ORGANIZATION: Final = 101
OWNER: Final = 7
FIRST_DEVICE: Final = 55
TEMPLATES: Final = {"TMPLdemo00000": "Thermo", "TMPLdemo00001": "Garden pump"}
DYNAMIC: Final = "DYNAMIC"
AUTH_FAILED: Final = "auth_failed"
"""As boards report a token that is refused (cloud-blynk, section 3)."""
GENERIC: Final = "generic"
NAMELESS: Final = "New device"


class Link(Protocol):
    """A board that is logged in."""

    def cut(self) -> None:
        """Its token is worth nothing any more."""

    def reconfigure(self) -> None:
        """It shall go back to its access point."""


@dataclass(slots=True)
class Device:
    """A device, waiting for its first login or activated."""

    id: int
    org_id: int
    owner_id: int
    token: str = field(repr=False)
    name: str = ""
    template_id: str = ""
    activated_at: int = 0
    """Unix milliseconds; 0: no board has come yet."""
    created: bool = False
    """By hand: it is listed before its board has come."""
    hardware: dict[str, str] = field(default_factory=dict)
    data: int = 0
    """How many values boards have sent; stands for all of its data."""
    links: list[Link] = field(default_factory=list)

    @property
    def listed(self) -> bool:
        """Whether the platform shows it."""
        return self.created or self.activated_at > 0


@dataclass(slots=True)
class Prepared:
    """A static token."""

    token: str = field(repr=False)
    device_token: str = field(repr=False)
    template_id: str
    org_id: int
    device_id: int = 0
    owner_id: int = 0


class BlynkState:
    """One organisation, or a few, and their devices."""

    def __init__(self, now: Callable[[], float]) -> None:
        """``now`` gives Unix seconds."""
        self._now = now
        self.templates = dict(TEMPLATES)
        self.organizations: dict[int, str] = {ORGANIZATION: "Simulated organisation"}
        self.users: dict[int, int] = {OWNER: ORGANIZATION}
        """Organisation by user."""
        self.devices: dict[int, Device] = {}
        self.prepared: list[Prepared] = []
        self._next = FIRST_DEVICE

    # --- tokens and devices ---

    def provision(self, org_id: int, owner_id: int) -> Device:
        """A token whose device is made by the first login."""
        device = Device(self._number(), org_id, owner_id, random_token())
        self.devices[device.id] = device
        return device

    def create(self, template_id: str, name: str, org_id: int, owner_id: int) -> Device:
        """A device by hand."""
        device = self.provision(org_id, owner_id)
        device.name, device.template_id, device.created = name, template_id, True
        return device

    def reprovision(self, device: Device) -> None:
        """A new token; whoever is connected with the old one is cut."""
        device.token = random_token()
        _cut(device)

    def delete(self, device: Device) -> None:
        """The device and its data are gone, and so is its token."""
        del self.devices[device.id]
        for prepared in self.prepared:
            if prepared.device_id == device.id:
                prepared.device_id = prepared.owner_id = 0
        _cut(device)

    def listed(self, org_id: int) -> list[Device]:
        """Devices of an organisation, as the platform shows them."""
        return [each for each in self.devices.values() if each.listed and each.org_id == org_id]

    def by_token(self, token: str, *, waiting: bool = False) -> Device | None:
        """The device of a token; with ``waiting`` also one that no board has come for."""
        for device in self.devices.values():
            if secrets.compare_digest(device.token.encode(), token.encode()):
                return device if device.listed or waiting else None
        return None

    # --- boards ---

    def log_in(
        self, token: str, template_id: str, link: Link | None, hardware: dict[str, str]
    ) -> str:
        """A board comes; empty, or why it may not, in the words that boards use."""
        device = self.by_token(token, waiting=True) or self._claimed(token)
        if device is None:
            return AUTH_FAILED
        if template_id and template_id not in self.templates and template_id != DYNAMIC:
            return GENERIC
        self.activate(device, template_id, hardware)
        if link is not None:
            for before in device.links[:]:
                before.cut()
            device.links[:] = [link]
        return ""

    def activate(self, device: Device, template_id: str, hardware: dict[str, str]) -> None:
        """Note what the board tells of itself; the first time makes the device."""
        if not device.activated_at:
            device.activated_at = int(self._now() * 1000)
        device.template_id = template_id or device.template_id
        device.name = device.name or self.templates.get(template_id, "")
        device.hardware |= hardware

    def log_out(self, link: Link) -> None:
        """A board is gone."""
        for device in self.devices.values():
            if link in device.links:
                device.links.remove(link)

    # --- prepared devices ---

    def prepare(self, template_id: str, org_id: int = ORGANIZATION) -> Prepared:
        """A static token for a box with a QR code."""
        prepared = Prepared(f"sqr_{random_token()}", random_token(), template_id, org_id)
        self.prepared.append(prepared)
        return prepared

    def find_prepared(self, code: str) -> Prepared | None:
        """By the text of its QR code, with or without the organisation."""
        token, _, org = code.partition("+")
        for each in self.prepared:
            if each.token == token and org in {"", str(each.org_id)}:
                return each
        return None

    def claim(self, prepared: Prepared, user: int) -> Device:
        """The device becomes this user's."""
        device = self.create(
            prepared.template_id, self.templates[prepared.template_id], self.users[user], user
        )
        device.token = prepared.device_token
        prepared.device_id, prepared.owner_id = device.id, user
        return device

    def _claimed(self, token: str) -> Device | None:
        """A prepared board may come before its owner does; it then waits for him."""
        known = any(each.device_token == token for each in self.prepared)
        return self.by_token(token, waiting=True) if known else None

    def _number(self) -> int:
        self._next += 1
        return self._next - 1


def _cut(device: Device) -> None:
    for link in device.links[:]:
        link.cut()
    device.links.clear()


def random_token() -> str:
    """32 characters, as boards want them."""
    return secrets.token_urlsafe(24)


def shown(device: Device) -> dict[str, Any]:
    """A device as the platform tells it."""
    return {
        "id": device.id,
        "templateId": 353,
        "orgId": device.org_id,
        "name": device.name or NAMELESS,
        "token": device.token,
        "activatedAt": device.activated_at,
        "ownerUserId": device.owner_id,
        "hardwareInfo": dict(_hardware(device)),
    }


def _hardware(device: Device) -> Iterator[tuple[str, str]]:
    names = {"ver": "version", "type": "boardType", "build": "build", "fwType": "fwType"}
    for name, value in device.hardware.items():
        if name in names:
            yield names[name], value
    if device.template_id:
        yield "templateId", device.template_id
