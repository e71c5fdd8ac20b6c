"""The platform interface: calls, bodies and answers, without I/O.

Each call knows what right it needs, so that a refusal can name it. Sources: cloud-blynk, section 5.1;
documentation of the platform interface (devices, provisioning, static tokens).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from agent.protocols.blynk.replies import NotAsDocumented, read_id, read_object
from agent.settings import Secret, clean_text

PAGE_SIZE: Final = 100
"""Entries of one page; newer documents allow 1000, older ones 100."""
_ROOT: Final = "/api/v1/organization"
_TOKEN: Final = re.compile(r"[-_a-zA-Z0-9]{32}")
_STATIC: Final = re.compile(r"sqr_[-_a-zA-Z0-9]{32}")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the interface."""

    method: str
    path: str
    action: str
    """In words: “make a token”."""
    permissions: tuple[str, ...] = ()
    """Any of these is needed."""
    repeatable: bool = False
    """Doing it twice is as doing it once."""


PROVISION: Final = Call(
    "POST", f"{_ROOT}/device/provision/token", "make a token", ("PROVISION_DEVICES",)
)
RECONFIGURE: Final = Call(
    "POST",
    f"{_ROOT}/device/provision/reconfigure",
    "send a device back to its access point",
    ("PROVISION_DEVICES",),
)
REPROVISION: Final = Call(
    "POST",
    f"{_ROOT}/device/provision/reprovision/token",
    "make a new token for a device",
    ("PROVISION_DEVICES",),
)
CREATE: Final = Call("POST", f"{_ROOT}/device/create", "create a device", ("ORG_DEVICES_CREATE",))
_VIEW: Final = ("ORG_DEVICES_VIEW", "OWN_DEVICES_VIEW")
DEVICES: Final = Call("GET", f"{_ROOT}/devices", "list the devices", ("ORG_DEVICES_VIEW",), True)
DEVICE: Final = Call("GET", f"{_ROOT}/device", "read a device", _VIEW, True)
CHANGE: Final = Call("PUT", f"{_ROOT}/device", "rename a device", ("ORG_DEVICES_EDIT",), True)
DELETE: Final = Call("DELETE", f"{_ROOT}/device", "delete a device", ("ORG_DEVICES_DELETE",), True)
ONLINE: Final = Call("GET", f"{_ROOT}/device/online", "see whether a device is online", _VIEW, True)
CLEAR: Final = Call(
    "DELETE", f"{_ROOT}/device/clear", "erase the data of a device", ("ORG_DEVICES_EDIT",), True
)
_STATIC_RIGHT: Final = ("MANAGE_STATIC_TOKENS",)
STATIC_TOKENS: Final = Call(
    "GET", f"{_ROOT}/static-tokens", "list the prepared devices", _STATIC_RIGHT, True
)
CLAIM: Final = Call(
    "POST", f"{_ROOT}/static-tokens/claim", "claim a prepared device", ("ORG_DEVICES_CREATE",)
)
UNCLAIM: Final = Call(
    "POST", f"{_ROOT}/static-tokens/unclaim", "give a prepared device back", _STATIC_RIGHT
)
PROFILE: Final = Call("GET", f"{_ROOT}/profile", "see the organisation", (), True)


class Provisioned(msgspec.Struct, frozen=True):
    """A token for one board, and the device that it will be."""

    token: Secret
    device_id: int


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device as the platform shows it; texts fit to be shown."""

    id: int
    name: str
    org_id: int = 0
    owner_id: int = 0
    template_id: str = ""
    """As firmware names it (``TMPL…``); empty until a board has told it."""
    firmware: str = ""
    activated: bool = False
    token: Secret | None = None


class PreparedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A static token as the platform lists it."""

    token: Secret
    claimed: bool
    org_id: int = 0
    device_id: int = 0
    """0: not claimed yet."""
    device_token: Secret | None = None
    """What the board logs in with."""


class Organization(msgspec.Struct, frozen=True):
    """Whose client it is."""

    id: int
    name: str


def device_query(device_id: int) -> dict[str, str]:
    """Names the device of a call without a body."""
    return {"deviceId": str(device_id)}


def page_query(page: int, org_id: int) -> dict[str, str]:
    """One page of a list, the first is 0."""
    return {"page": str(page), "size": str(PAGE_SIZE), "orgId": str(org_id)}


def provision_body(org_id: int, owner_id: int) -> dict[str, Any]:
    """The body of :data:`PROVISION`."""
    return {"orgId": org_id, "ownerId": owner_id}


def device_body(device_id: int) -> dict[str, Any]:
    """The body of :data:`RECONFIGURE` and :data:`REPROVISION`."""
    return {"deviceId": device_id}


def create_body(template_id: str, name: str, org_id: int, owner_id: int) -> dict[str, Any]:
    """The body of :data:`CREATE`."""
    return {"templateId": template_id, "orgId": org_id, "name": name, "ownerId": owner_id}


def claim_body(code: Secret, user_id: int) -> dict[str, Any]:
    """The body of :data:`CLAIM`. Holds a secret."""
    return {"token": code.reveal(), "userId": user_id}


def unclaim_body(code: Secret) -> dict[str, Any]:
    """The body of :data:`UNCLAIM`. Holds a secret."""
    return {"token": code.reveal()}


def parse_provisioned(body: bytes) -> Provisioned:
    """Out of the answers of :data:`PROVISION` and :data:`REPROVISION`."""
    answer = read_object(body)
    token = _token(answer.get("token"))
    if token is None:
        raise NotAsDocumented("There is no token in it that a board could use.")
    return Provisioned(token, read_id(answer.get("deviceId"), "the device"))


def parse_was_offline(body: bytes) -> bool | None:
    """Out of the answer of :data:`RECONFIGURE`; None: it does not say."""
    offline = read_object(body).get("deviceIsOffline") if body.strip() else None
    return offline if isinstance(offline, bool) else None


def parse_device(body: bytes) -> Device:
    """Out of the answers of :data:`CREATE`, :data:`DEVICE`, :data:`CHANGE` and :data:`CLAIM`."""
    return _device(read_object(body))


def parse_devices(body: bytes) -> tuple[list[Device], int]:
    """One page of :data:`DEVICES`, and how many there are in all."""
    entries, total = _page(body)
    return [_device(entry) for entry in entries], total


def parse_online(body: bytes) -> bool:
    """Out of the answer of :data:`ONLINE`."""
    connected = read_object(body).get("connected")
    if not isinstance(connected, bool):
        raise NotAsDocumented("It does not say whether the device is online.")
    return connected


def parse_static_tokens(body: bytes) -> tuple[list[PreparedDevice], int]:
    """One page of :data:`STATIC_TOKENS`, and how many there are in all."""
    entries, total = _page(body)
    return [_prepared(entry) for entry in entries], total


def parse_organization(body: bytes) -> Organization:
    """Out of the answer of :data:`PROFILE`."""
    answer = read_object(body)
    return Organization(read_id(answer.get("id"), "the organisation"), _text(answer.get("name")))


def _page(body: bytes) -> tuple[list[dict[str, Any]], int]:
    answer = read_object(body)
    content, total = answer.get("content"), answer.get("totalElements")
    if not isinstance(content, list) or isinstance(total, bool) or not isinstance(total, int):
        raise NotAsDocumented("There is no list in it.")
    return [entry for entry in content if isinstance(entry, dict)], total


def _device(entry: dict[str, Any]) -> Device:
    hardware = entry.get("hardwareInfo")
    hardware = hardware if isinstance(hardware, dict) else {}
    return Device(
        id=read_id(entry.get("id"), "a device"),
        name=_text(entry.get("name")),
        org_id=_number(entry.get("orgId")),
        owner_id=_number(entry.get("ownerUserId")),
        template_id=_text(hardware.get("templateId")),
        firmware=_text(hardware.get("version")),
        activated=_number(entry.get("activatedAt")) > 0,
        token=_token(entry.get("token")),
    )


def _prepared(entry: dict[str, Any]) -> PreparedDevice:
    token, own = entry.get("token"), entry.get("deviceToken")
    if not isinstance(token, str) or not _STATIC.fullmatch(token):
        raise NotAsDocumented("A static token in it is none.")
    return PreparedDevice(
        token=Secret(token),
        claimed=entry.get("status") == "CLAIMED",
        org_id=_number(entry.get("orgId")),
        device_id=_number(entry.get("deviceId")),
        device_token=_token(own),
    )


def _token(value: object) -> Secret | None:
    usable = isinstance(value, str) and _TOKEN.fullmatch(value)
    return Secret(str(value)) if usable else None


def _text(value: object) -> str:
    return clean_text(value) if isinstance(value, str) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
