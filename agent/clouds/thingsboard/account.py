"""The account of a ThingsBoard server: what a person enters, and how it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from agent.clouds.thingsboard.addresses import ADDRESS_CHARS, WEB, Server, parse_server
from agent.clouds.thingsboard.certificates import check_authorities
from agent.errors import InputError
from agent.settings import Secret, clean_text
from agent.settings.credentials import CA_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT_CHARS: Final = 200
"""Keys and secrets of a profile have 20 characters, mail addresses up to 254 hardly ever."""
BOARDS_GROUP: Final = "An authority of your own, or another server for boards"
ADMIN_GROUP: Final = "An administrator, who can mend what is refused"
CLEAR_GROUP: Final = "A server without encryption"
"""Titles under which a form may fold away what most people leave as it is (``x-group``)."""
REQUIRED: Final = ("server", "provision_key", "provision_secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A server, the right to make devices in one profile of it, and maybe an administrator."""

    server: Server
    """Where devices are made."""
    board_server: Server
    """Where they connect."""
    provision_key: Secret
    provision_secret: Secret
    ca: str = field(default="", repr=False)
    insecure_host: str = ""
    admin_server: Server | None = None
    admin_user: str = ""
    admin_password: Secret = field(default_factory=Secret)

    @property
    def has_admin(self) -> bool:
        """Whether an administrator can be asked."""
        return bool(self.admin_server and self.admin_user)

    @property
    def shown(self) -> dict[str, str]:
        """What a page may show of it."""
        shown = {"server": self.server.url, "board_server": self.board_server.url}
        if self.has_admin and self.admin_server is not None:
            shown |= {"admin_server": self.admin_server.url, "admin_user": self.admin_user}
        if self.insecure_host:
            shown["insecure_host"] = self.insecure_host
        return shown


def parse_account(account: Mapping[str, Any]) -> Account:
    """The account that a person gave; :class:`InputError` names the field that is wrong."""
    texts = {name: _text(name, value) for name, value in account.items() if value is not None}
    for name in REQUIRED:
        if not texts.get(name):
            raise InputError(field=name, problem="is missing")
    insecure_host = texts.get("insecure_host", "").lower()
    server = parse_server("server", texts["server"], insecure_host=insecure_host)
    boards = texts.get("board_server", "")
    board_server = server.for_boards
    if boards:
        board_server = parse_server("board_server", boards, insecure_host=insecure_host)
        if board_server.path:
            raise InputError(field="board_server", problem="has a path, which boards are not told")
    user, password = texts.get("admin_user", ""), texts.get("admin_password", "")
    if bool(user) != bool(password):
        missing = "admin_password" if user else "admin_user"
        raise InputError(field=missing, problem="is missing")
    return Account(
        server=server,
        board_server=board_server,
        provision_key=Secret(texts["provision_key"]),
        provision_secret=Secret(texts["provision_secret"]),
        ca=check_authorities("ca", texts.get("ca", "")),
        insecure_host=insecure_host,
        admin_server=_admin_server(texts, server, insecure_host) if user else None,
        admin_user=user,
        admin_password=Secret(password),
    )


def account_fields(account: Account) -> dict[str, Secret]:
    """What is kept of it, all as secrets; the authorities are kept apart, being long."""
    texts = {
        **account.shown,
        "provision_key": account.provision_key.reveal(),
        "provision_secret": account.provision_secret.reveal(),
        "admin_password": account.admin_password.reveal(),
    }
    return {name: Secret(text) for name, text in texts.items() if text}


def account_schema() -> dict[str, Any]:
    """JSON Schema of the account."""

    def text(title: str, description: str, group: str = "", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON Schema
        limit = {"maxLength": TEXT_CHARS, **more} | ({"x-group": group} if group else {})
        return {"type": "string", "title": title, "description": description, **limit}

    address: dict[str, Any] = {"maxLength": ADDRESS_CHARS}
    with_admin = {"x-needs": "admin_user"}
    properties = {
        "server": text(
            "Server",
            "Where devices are made: https://, mqtts://, coaps:// or (unprotected) http://, mqtt://, "
            "coap://.",
            **address,
        ),
        "provision_key": text("Provision device key", "From the device profile.", minLength=1),
        "provision_secret": text(
            "Provision device secret", "From the device profile.", format="password", minLength=1
        ),
        "board_server": text(
            "Server for boards",
            "Where boards connect; empty: MQTT on the same host.",
            BOARDS_GROUP,
            default="",
            **address,
        ),
        "ca": text(
            "Authority",
            "Certificate (PEM) of the authority, if the server's is none that everybody knows.",
            BOARDS_GROUP,
            default="",
            maxLength=CA_BYTES,
            format="multiline",
        ),
        "admin_user": text(
            "Administrator",
            "Optional: a tenant administrator, who sees why a device is refused and frees it.",
            ADMIN_GROUP,
            default="",
        ),
        "admin_password": text(
            "Administrator's password",
            "Only with the one above.",
            ADMIN_GROUP,
            format="password",
            default="",
            **with_admin,
        ),
        "admin_server": text(
            "Server for the administrator",
            "Where the administrator signs in; empty: https:// on the same host.",
            ADMIN_GROUP,
            default="",
            **address,
            **with_admin,
        ),
        "insecure_host": text(
            "Unprotected host",
            "The one host to which secrets may travel in clear; anybody on the way reads them.",
            CLEAR_GROUP,
            default="",
        ),
    }
    return {
        "type": "object",
        "title": "Account",
        "description": "A ThingsBoard server and the right to make devices in one profile of it.",
        "properties": properties,
        "required": list(REQUIRED),
        "additionalProperties": False,
    }


def _admin_server(texts: dict[str, str], server: Server, insecure_host: str) -> Server:
    named = texts.get("admin_server", "")
    if not named and server.scheme in WEB:
        return server
    address = named or Server("https", server.host, 443).url
    return parse_server("admin_server", address, schemes=WEB, insecure_host=insecure_host)


def _text(name: str, value: object) -> str:
    properties = account_schema()["properties"]
    if name not in properties:
        raise InputError(field=clean_text(str(name)), problem="is not a field of this account")
    text = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str):
        raise InputError(field=name, problem="must be text")
    text = text.strip()  # pasted with the line around it
    limit = properties[name]["maxLength"]
    if len(text) > limit:
        raise InputError(field=name, problem=f"is longer than {limit} characters")
    if name != "ca" and not text.isprintable():
        raise InputError(field=name, problem="has characters that it cannot have; copy it again")
    return text
