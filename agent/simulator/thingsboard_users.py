"""People who sign in to the simulated ThingsBoard, and the tokens that they get.

Source: cloud-thingsboard, section 9; lifetimes as in the server's configuration.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from agent.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN_S: Final = 9_000.0
REFRESH_S: Final = 604_800.0
Authority = Literal["TENANT_ADMIN", "CUSTOMER_USER"]


class NotSignedInError(Exception):
    """No token, a wrong one, or a wrong password; the text is the server's."""

    def __init__(self, message: str, code: int = 10) -> None:
        self.code = code
        super().__init__(message)


@dataclass(slots=True)
class User:
    """Somebody who can sign in."""

    name: str
    password: Secret = field(default_factory=lambda: Secret(secrets.token_urlsafe(12)))
    authority: Authority = "TENANT_ADMIN"
    password_expired: bool = False


class Users:
    """Accounts and their tokens; ``now`` gives Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._key = secrets.token_bytes(64)
        self.accounts: dict[str, User] = {}
        self.token_s = TOKEN_S

    def add(self, user: User) -> User:
        """One more account."""
        self.accounts[user.name] = user
        return user

    def sign_in(self, name: str, password: str) -> dict[str, str]:
        """Both tokens; :class:`NotSignedInError`."""
        user = self.accounts.get(name)
        known = user.password.reveal() if user else ""
        right = hmac.compare_digest(known.encode(), password.encode())
        if user is None or not right:
            raise NotSignedInError("Invalid username or password")
        if user.password_expired:
            raise NotSignedInError("User password expired!", 15)
        return self._tokens(user)

    def renew(self, refresh_token: str) -> dict[str, str]:
        """New tokens for a refresh token; :class:`NotSignedInError`."""
        user, scopes = self._read(refresh_token)
        if scopes != ["REFRESH_TOKEN"]:
            raise NotSignedInError("Authentication failed")
        return self._tokens(user)

    def user(self, token: str) -> User:
        """Who this token is for; :class:`NotSignedInError`."""
        user, scopes = self._read(token)
        if scopes != [user.authority]:
            raise NotSignedInError("Authentication failed")
        return user

    def _tokens(self, user: User) -> dict[str, str]:
        return {
            "token": self._write(user, user.authority, self.token_s),
            "refreshToken": self._write(user, "REFRESH_TOKEN", REFRESH_S),
        }

    def _write(self, user: User, scope: str, lifetime_s: float) -> str:
        now = self._now()
        claims = {
            "sub": user.name,
            "scopes": [scope],
            "iss": "thingsboard.io",
            "iat": int(now),
            "exp": now + lifetime_s,
            "jti": secrets.token_hex(8),
        }
        text = f"{_pack({'alg': 'HS512'})}.{_pack(claims)}"
        return f"{text}.{self._sign(text)}"

    def _read(self, token: str) -> tuple[User, list[Any]]:
        text, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._sign(text).encode(), signature.encode()):
            raise NotSignedInError("Authentication failed")
        claims = json.loads(_unpack(text.split(".")[1]))
        if claims["exp"] <= self._now():
            raise NotSignedInError("Token has expired", 11)
        user = self.accounts.get(claims["sub"])
        if user is None:
            raise NotSignedInError("Authentication failed")
        return user, claims["scopes"]

    def _sign(self, text: str) -> str:
        return _encode(hmac.digest(self._key, text.encode(), hashlib.sha512))


def _pack(claims: dict[str, Any]) -> str:
    return _encode(json.dumps(claims, separators=(",", ":")).encode())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unpack(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
