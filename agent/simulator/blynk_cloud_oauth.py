"""OAuth of the simulated Blynk.Cloud: clients, what they may do, and their tokens."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agent.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.datastructures import Headers

PERMISSIONS: Final = frozenset(
    {
        "PROVISION_DEVICES",
        "ORG_DEVICES_VIEW",
        "OWN_DEVICES_VIEW",
        "ORG_DEVICES_CREATE",
        "ORG_DEVICES_EDIT",
        "ORG_DEVICES_DELETE",
        "MANAGE_STATIC_TOKENS",
    }
)
LIFETIME_S: Final = 300
"""As in the examples of the documents."""


class OAuthError(Exception):
    """A refusal in OAuth's own words."""

    def __init__(self, status: int, error: str, description: str) -> None:
        self.status = status
        self.error = error
        super().__init__(description)


@dataclass(slots=True)
class Client:
    """A client of an organisation."""

    id: str
    secret: Secret
    org_id: int
    permissions: set[str] = field(default_factory=lambda: set(PERMISSIONS))


class Clients:
    """All clients and their tokens. ``lifetime_s`` is that of the next token."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.clients: dict[str, Client] = {}
        self.lifetime_s: float = LIFETIME_S
        self._access: dict[str, tuple[Client, float]] = {}
        self._refresh: dict[str, Client] = {}

    def add(self, org_id: int) -> Client:
        """A client that may do everything."""
        name = f"oa2-client-id_{secrets.token_urlsafe(8)}"
        self.clients[name] = Client(name, Secret(secrets.token_urlsafe(24)), org_id)
        return self.clients[name]

    def issue(self, headers: Headers, query: Mapping[str, str]) -> dict[str, object]:
        """The answer to a request for a token; :class:`OAuthError`."""
        client = self._client(headers, query)
        match query.get("grant_type"):
            case "client_credentials":
                pass
            case "refresh_token":
                # It works once, whatever becomes of the answer.
                if self._refresh.pop(query.get("refresh_token", ""), None) is not client:
                    raise OAuthError(400, "invalid_grant", "Refresh token is not valid.")
            case None:
                raise OAuthError(400, "invalid_request", "Parameter grant_type is missing.")
            case _:
                raise OAuthError(400, "unsupported_grant_type", "This grant is not supported.")
        access, refresh = secrets.token_urlsafe(30), secrets.token_urlsafe(30)
        self._access[access] = (client, self._now() + self.lifetime_s)
        self._refresh[refresh] = client
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": self.lifetime_s,
            "refresh_token": refresh,
        }

    def of(self, headers: Headers) -> Client | None:
        """The client that shows a token which is still good."""
        kind, _, token = headers.get("Authorization", "").partition(" ")
        client, until = self._access.get(token, (None, 0.0))
        return client if kind == "Bearer" and self._now() < until else None

    def forget(self) -> None:
        """All tokens are worth nothing from now on."""
        self._access.clear()
        self._refresh.clear()

    def _client(self, headers: Headers, query: Mapping[str, str]) -> Client:
        name, secret = query.get("client_id", ""), query.get("client_secret", "")
        kind, _, both = headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            try:
                name, _, secret = base64.b64decode(both, validate=True).decode().partition(":")
            except ValueError:
                name = ""
        client = self.clients.get(name)
        if client is None or client.secret != Secret(secret):
            said = "Client ID is not found or password is wrong."
            raise OAuthError(401, "invalid_client", said)
        return client
