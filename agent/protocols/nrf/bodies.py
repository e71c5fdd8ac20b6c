"""Paths and bodies of nRF Cloud: claims, tags, rules, device management.

Source: cloud-nrf, sections 4, 6 and 7; nrf_cloud_diap and nrf_cloud_onboard of nrfcloud-utils.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from agent.errors import InputError
from agent.protocols.nrf.authorities import authorities
from agent.protocols.nrf.commands import (
    SEC_TAG,
    client_private_key,
    cloud_access_key,
    encode_command,
    server_certificate,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.protocols.nrf.token import AttestationToken

CLAIMED: Final = "/v1/claimed-devices"
RULES: Final = "/v1/provisioning-rules"
TAGS: Final = "/v1/provisioning/tags"
DEVICES: Final = "/v1/devices"
ACCOUNT: Final = "/v1/account"
CSV: Final = "text/csv"
DRY_RUN: Final = {"dryrun": "true"}
FULL_PAGES: Final = {"pageLimit": "100"}
"""The most devices that a page of device management holds."""
PORTAL: Final = "https://nrfcloud.com/#/devices/"

ONBOARDING_TAG: Final = "nrf-cloud-onboarding"
RULE_NAME: Final = "nRF Cloud Onboarding"
ID_CHARS: Final = 64
"""Of a device in device management."""
TAG_CHARS: Final = 128
"""Not published; longer than any that makes sense."""
TAGS_MAX: Final = 50
"""Not published either."""
PROVISION: Final = 1
"""The only type of command that a shadow can hold."""
COMMAND_ID_MAX: Final = 4_294_967_294
NAME_CHARS: Final = 256
UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A device id as chips have them; not every device has one."""
_ID: Final = re.compile(r"[A-Za-z0-9:_.-]+")
_IMEI: Final = re.compile(r"[0-9]{15}")


def device_path(device_id: str) -> str:
    """A claimed device."""
    return f"{CLAIMED}/{quote(device_id, safe='')}"


def commands_path(device_id: str) -> str:
    """The commands of a claimed device."""
    return f"{device_path(device_id)}/provisioning"


def command_path(device_id: str, command: str) -> str:
    """One command."""
    return f"{commands_path(device_id)}/{quote(command, safe='')}"


def record_path(device_id: str) -> str:
    """A device in device management."""
    return f"{DEVICES}/{quote(device_id, safe='')}"


def shadow_path(device_id: str) -> str:
    """Its shadow."""
    return f"{record_path(device_id)}/state"


def name_path(device_id: str) -> str:
    """Its name for people."""
    return f"{record_path(device_id)}/name"


def portal_link(portal: str, device_id: str) -> str:
    """Where people see a device; empty where ``portal`` is: there is none."""
    return f"{portal}{quote(device_id, safe='')}" if portal and device_id else ""


def bulk_path(request: str) -> str:
    """What became of a file."""
    return f"/v1/bulk-ops-requests/{quote(request, safe='')}"


def dry_run_body(token: AttestationToken) -> dict[str, Any]:
    """Ask whether a claim would be accepted."""
    return {"claimToken": token.text.reveal()}


def claim_body(token: AttestationToken, tags: Sequence[str]) -> dict[str, Any]:
    """Claim a device; its tags say which rules apply to it."""
    body: dict[str, Any] = {"claimToken": token.text.reveal()}
    if tags:
        body["tags"] = list(tags)
    return body


def tag_body(tag: str, description: str = "") -> dict[str, str]:
    """Make a tag known."""
    return {"tag": tag, "description": description}


def rule_body(
    tag: str, *, name: str = RULE_NAME, sec_tag: int = SEC_TAG, coap: bool = True
) -> dict[str, Any]:
    """A rule that brings devices with this tag into nRF Cloud: two keys and the authorities."""
    commands = (
        client_private_key(sec_tag),
        cloud_access_key(sec_tag),
        server_certificate(authorities(coap=coap), sec_tag),
    )
    return {
        "name": name,
        "description": "Brings devices into nRF Cloud when they first come online",
        "active": True,
        "tags": [tag],
        "commands": [{"request": encode_command(command)["request"]} for command in commands],
    }


def shadow_body(command_id: int) -> dict[str, Any]:
    """Tell a device, over the air, to ask for its commands."""
    return {"desired": {"command": [PROVISION, command_id]}}


def command_id(now_s: float, last: int) -> int:
    """A number that is not the last one, or the device ignores it: seconds since 1970, or one more.

    ``last``: the one before, 0 if there was none.
    """
    number = min(max(int(now_s), 1), COMMAND_ID_MAX)
    if number > last:
        return number
    return last + 1 if last < COMMAND_ID_MAX else 1


def name_body(name: str) -> list[str]:
    """The name for people."""
    return [name]


def older_id(imei: str) -> str:
    """What older firmware calls the device; empty: the IMEI is not known."""
    imei = imei.strip()
    return f"nrf-{imei}" if _IMEI.fullmatch(imei) else ""


def check_device_id(device_id: str) -> None:
    """Refuse an id that device management cannot take; :class:`InputError`."""
    if not device_id:
        raise InputError(field="device id", problem="is empty")
    if len(device_id) > ID_CHARS:
        problem = f"has {len(device_id)} characters; at most {ID_CHARS} are taken"
        raise InputError(field="device id", problem=problem)
    if not _ID.fullmatch(device_id):
        raise InputError(field="device id", problem="may have letters, digits and : _ . - only")


def check_tags(tags: Sequence[str]) -> None:
    """Refuse tags that cannot travel in every form of a claim; :class:`InputError`."""
    if len(tags) > TAGS_MAX:
        raise InputError(field="tags", problem=f"are {len(tags)}; at most {TAGS_MAX} are taken")
    for tag in tags:
        if not tag or tag != tag.strip() or not tag.isprintable():
            raise InputError(field="tags", problem="may not be empty or have blanks around them")
        if len(tag) > TAG_CHARS:
            raise InputError(field="tags", problem=f"may have {TAG_CHARS} characters each")
        if set(tag) & {",", "|", '"'}:
            # They part the tags of a row in the files.
            raise InputError(field="tags", problem='may not have , | or "')


def check_name(name: str) -> None:
    """Refuse a name for people that cannot be shown; :class:`InputError`."""
    if not name.strip() or not name.isprintable() or len(name) > NAME_CHARS:
        problem = f"must be 1 to {NAME_CHARS} characters that can be shown"
        raise InputError(field="name", problem=problem)
