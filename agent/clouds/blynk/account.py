"""The account at Blynk.Cloud: a server, and an OAuth client where the plan has one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from agent.clouds.blynk.addresses import DEFAULT, REGIONS, SERVER_CHARS, parse_server
from agent.errors import InputError
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT_CHARS: Final = 200
"""Client ids and secrets have some 50."""
ID_MAX: Final = 2**31 - 1
CLIENT_GROUP: Final = "An OAuth client, where your plan has the platform interface"
REGION_FIELD: Final = "region"
"""Kept beside the account: where the server sent to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where devices are, and who may make them."""

    server: str = DEFAULT
    """As a person named it, completed."""
    region: str = ""
    """The server that it sent to; empty: it did not."""
    client_id: str = ""
    client_secret: Secret = field(default_factory=Secret)
    owner_id: int = 0
    org_id: int = 0
    """0: the organisation of the client."""

    @property
    def has_client(self) -> bool:
        """Whether the platform interface can be asked."""
        return bool(self.client_id)

    @property
    def base_url(self) -> str:
        """Where to ask first."""
        return self.region or self.server

    @property
    def shown(self) -> dict[str, str]:
        """What a page may show of it."""
        shown = {"server": self.server}
        if self.region:
            shown[REGION_FIELD] = self.region
        if self.has_client:
            shown |= {"client_id": self.client_id, "owner_id": str(self.owner_id)}
            if self.org_id:
                shown["org_id"] = str(self.org_id)
        return shown


def parse_account(account: Mapping[str, Any], *, kept: bool = False) -> Account:
    """The account that a person gave; :class:`InputError` names the field that is wrong.

    ``kept``: it was stored here, and may say to which region its server sent.
    """
    names = set(account_schema()["properties"]) | ({REGION_FIELD} if kept else set())
    texts: dict[str, str] = {}
    for name, value in account.items():
        if name not in names:
            problem = "is not a field of this account"
            raise InputError(field=clean_text(str(name)), problem=problem)
        if value is not None:
            texts[name] = _text(name, value)
    client, secret = texts.get("client_id", ""), texts.get("client_secret", "")
    if bool(client) != bool(secret):
        missing = "client_secret" if client else "client_id"
        raise InputError(field=missing, problem="is missing")
    if ":" in client:
        raise InputError(field="client_id", problem="has a colon, which no client id has")
    owner_id, org_id = _number(texts, "owner_id"), _number(texts, "org_id")
    if client and not owner_id:
        problem = "is missing: the number of the user whose devices these will be"
        raise InputError(field="owner_id", problem=problem)
    region = texts.get(REGION_FIELD, "")
    return Account(
        server=parse_server(texts.get("server", "")),
        region=parse_server(region, REGION_FIELD) if region else "",
        client_id=client,
        client_secret=Secret(secret),
        owner_id=owner_id if client else 0,
        org_id=org_id if client else 0,
    )


def account_fields(account: Account) -> dict[str, Secret]:
    """What is kept of it, all as secrets."""
    texts = {**account.shown, "client_secret": account.client_secret.reveal()}
    return {name: Secret(text) for name, text in texts.items() if text}


def account_schema() -> dict[str, Any]:
    """JSON Schema of the account."""

    def text(title: str, description: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON Schema
        described = {"type": "string", "title": title, "description": description, "default": ""}
        return {**described, "maxLength": TEXT_CHARS, **more}

    client: dict[str, Any] = {"x-group": CLIENT_GROUP}
    regions = ", ".join(f"{name} ({place})" for name, place in REGIONS.items())
    return {
        "type": "object",
        "title": "Account",
        "description": (
            "Without a client, as on free plans, tokens are copied from the console and pasted when a "
            "board is provisioned."
        ),
        "properties": {
            "server": text(
                "Server",
                f"Of your region: {regions}; empty: blynk.cloud, which mostly knows.",
                maxLength=SERVER_CHARS,
            ),
            "client_id": text("Client id", "Developer Zone, OAuth 2.0.", **client),
            "client_secret": text("Client secret", "Of the same.", format="password", **client),
            "owner_id": text(
                "Owner", "The number of the user whose devices these will be.", **client
            ),
            "org_id": text("Organisation", "Its number; empty: that of the client.", **client),
        },
        "required": [],
        "additionalProperties": False,
    }


def _number(texts: Mapping[str, str], name: str) -> int:
    text = texts.get(name, "")
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:12]) <= ID_MAX:
        raise InputError(field=name, problem="must be a number, as the console shows it")
    return int(text)


def _text(name: str, value: object) -> str:
    text = value.reveal() if isinstance(value, Secret) else value
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text)
    if not isinstance(text, str):
        raise InputError(field=name, problem="must be text")
    text = text.strip()  # pasted with the line around it
    limit = SERVER_CHARS if name in {"server", REGION_FIELD} else TEXT_CHARS
    if len(text) > limit:
        raise InputError(field=name, problem=f"is longer than {limit} characters")
    if not (text.isascii() and text.isprintable()):
        raise InputError(field=name, problem="has characters that it cannot have; copy it again")
    return text
