"""The account: the API key of one team."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.errors import InputError
from agent.protocols.nrf.bodies import NAME_CHARS, ONBOARDING_TAG
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_CHARS: Final = 200
"""Real keys have 40; bounds what is stored and sent."""


def parse_account(account: Mapping[str, Any]) -> Secret:
    """The key that a person gave; :class:`InputError` names the field that is wrong."""
    for name in account:
        if name != "api_key":
            raise InputError(field=clean_text(str(name)), problem="is not a field of this account")
    value = account.get("api_key")
    text = value.reveal() if isinstance(value, Secret) else value
    if text is not None and not isinstance(text, str):
        raise InputError(field="api_key", problem="must be text")
    text = (text or "").strip()  # pasted with the line around it
    if not text:
        raise InputError(field="api_key", problem="is missing")
    if len(text) > KEY_CHARS:
        raise InputError(field="api_key", problem=f"is longer than {KEY_CHARS} characters")
    if not text.isascii() or not text.isprintable() or " " in text:
        problem = "has characters that it cannot have; copy it again"
        raise InputError(field="api_key", problem=problem)
    return Secret(text)


def account_schema() -> dict[str, Any]:
    """JSON Schema of the account."""
    return {
        "type": "object",
        "title": "Account",
        "description": "The API key of your team; each team has its own.",
        "properties": {
            "api_key": {
                "type": "string",
                "format": "password",
                "title": "API key",
                "description": "In the portal: your name, then User Account. Editor or higher.",
                "minLength": 1,
                "maxLength": KEY_CHARS,
            },
        },
        "required": ["api_key"],
        "additionalProperties": False,
    }


def device_schema() -> dict[str, Any]:
    """JSON Schema of what provisioning asks."""
    return {
        "type": "object",
        "title": "Device",
        "properties": {
            "name": {
                "type": "string",
                "title": "Device name",
                "description": "What people call it; its id is that of the chip.",
                "maxLength": NAME_CHARS,
                "default": "",
            },
            "tags": {
                "type": "string",
                "title": "Tags",
                "description": "Parted by commas; the rules of these tags apply to the board.",
                "default": ONBOARDING_TAG,
            },
        },
        "required": [],
        "additionalProperties": False,
    }
