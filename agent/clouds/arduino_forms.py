"""What Arduino Cloud asks a person: the account, the name of the device, and their rules."""

from __future__ import annotations

import unicodedata
from typing import Any, Final

from agent.clouds.arduino_api import Account
from agent.errors import InputError
from agent.settings import Secret, clean_text

NAME_BYTES: Final = 64
"""The cloud takes 64 without saying of what; counted in bytes a name always fits."""
ACCOUNT_CHARS: Final = 200
"""Far above the 32 and 64 characters of real keys; bounds what is stored and sent."""
_NAME_NEEDS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@-")


def name_problem(name: str) -> str | None:
    """What is wrong with a device name, or None.

    At most 64 bytes, printable, no blank at either end, and at least one of the characters that
    the cloud's own pattern asks for. Source: vendor's API description, device ``name``.
    """
    if not name:
        return "give the device a name"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "is not valid text"
    if size > NAME_BYTES:
        return f"is {size} bytes long; at most {NAME_BYTES} fit"
    if name != name.strip():
        return "begins or ends with a blank"
    if any(unicodedata.category(char)[0] == "C" or char in "\u2028\u2029" for char in name):
        return "has a character that cannot be shown"
    if not _NAME_NEEDS.intersection(name):
        return "needs at least one letter a–z, digit, or one of _ . @ -"
    return None


def parse_account(account: dict[str, Any]) -> Account:
    """The account that a person gave; :class:`InputError` names the field that is wrong."""
    texts: dict[str, str] = {}
    known = account_schema()["properties"]
    for name, value in account.items():
        if name not in known:
            raise InputError(field=clean_text(str(name)), problem="is not a field of this account")
        text = value.reveal() if isinstance(value, Secret) else value
        if text is None:
            continue
        if not isinstance(text, str):
            raise InputError(field=name, problem="must be text")
        text = text.strip()  # pasted with the line around it
        if len(text) > ACCOUNT_CHARS:
            raise InputError(field=name, problem=f"is longer than {ACCOUNT_CHARS} characters")
        if not text.isascii() or not text.isprintable() or " " in text:
            raise InputError(
                field=name, problem="has characters that it cannot have; copy it again"
            )
        texts[name] = text
    for name in ("client_id", "client_secret"):
        if not texts.get(name):
            raise InputError(field=name, problem="is missing")
    return Account(
        texts["client_id"], Secret(texts["client_secret"]), texts.get("organization", "")
    )


def account_schema() -> dict[str, Any]:
    """JSON Schema of the account."""
    return {
        "type": "object",
        "title": "Account",
        "description": "An API key. Make one in Arduino Cloud under “API keys”.",
        "properties": {
            "client_id": {
                "type": "string",
                "title": "Client ID",
                "description": "Shown beside the key.",
                "minLength": 1,
                "maxLength": ACCOUNT_CHARS,
            },
            "client_secret": {
                "type": "string",
                "format": "password",
                "title": "Client secret",
                "description": "Shown once, when the key is made.",
                "minLength": 1,
                "maxLength": ACCOUNT_CHARS,
            },
            "organization": {
                "type": "string",
                "title": "Shared space",
                "description": "Id of the shared space; leave empty for your private space.",
                "maxLength": ACCOUNT_CHARS,
                "default": "",
            },
        },
        "required": ["client_id", "client_secret"],
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
                "description": "What the board is called in the cloud; at most 64 bytes.",
                "minLength": 1,
                "maxLength": NAME_BYTES,
                "pattern": "[a-zA-Z0-9_.@-]+",
                "x-max-bytes": NAME_BYTES,
            },
        },
        "required": ["name"],
        "additionalProperties": False,
    }
