"""The right to use the platform interface: OAuth, grant ``client_credentials``, without I/O.

Life times differ between documents (300 s and a day), so only ``expires_in`` counts. A refresh token
works once: it is given away before it is sent, and what became of a lost answer does not matter.
Source: documentation of the platform interface, authentication.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final

from agent.protocols.blynk.replies import NotAsDocumented, read_object
from agent.settings import Secret, clean_text

TOKEN_PATH: Final = "/oauth2/token"  # noqa: S105 - a path
LIFETIME_MAX_S: Final = 30 * 86_400.0
"""A longer life is not believed; the token is then asked for again, which costs nothing."""
EARLY_S: Final = 30.0
"""A token is left so long before its end, or after nine tenths of its life."""
_WORD: Final = re.compile(r"[!-~]{1,4096}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no token."""

    error: str
    """One of OAuth's words: ``invalid_client``, ``invalid_grant``, …; empty if there was none."""
    description: str

    @property
    def of_account(self) -> bool:
        """Whether the client itself is refused, not what it asked with."""
        return self.error in {"invalid_client", "unauthorized_client"}


class Grant:
    """Holds the tokens of one client and says which one to ask with.

    ``now`` is in seconds that only grow.
    """

    def __init__(self) -> None:
        self._access: Secret | None = None
        self._refresh: Secret | None = None
        self._until = float("-inf")

    def usable(self, now: float) -> Secret | None:
        """The token to show; None: :meth:`ask` for one first."""
        return self._access if now < self._until else None

    def ask(self) -> dict[str, str]:
        """The query of the next request for a token. May hold a secret."""
        refresh, self._refresh = self._refresh, None
        if refresh is not None:
            return {"grant_type": "refresh_token", "refresh_token": refresh.reveal()}
        return {"grant_type": "client_credentials"}

    def granted(self, body: bytes, now: float) -> Secret:
        """The token in an answer; :class:`NotAsDocumented` if there is none."""
        answer = read_object(body)
        access, refresh = answer.get("access_token"), answer.get("refresh_token")
        kind, life_s = answer.get("token_type", "Bearer"), answer.get("expires_in")
        if not isinstance(access, str) or not _WORD.fullmatch(access):
            raise NotAsDocumented("There is no token in it.")
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise NotAsDocumented("Its token is of a kind that is not known.")
        if isinstance(life_s, bool) or not isinstance(life_s, int | float) or not life_s > 0:
            raise NotAsDocumented("It does not say how long its token lives.")
        life_s = min(float(life_s), LIFETIME_MAX_S)
        self._access = Secret(access)
        self._until = now + max(life_s - EARLY_S, life_s * 0.9)
        usable = isinstance(refresh, str) and _WORD.fullmatch(refresh)
        self._refresh = Secret(str(refresh)) if usable else None
        return self._access

    def refused(self, shown: Secret) -> None:
        """The server no longer takes this token; a newer one is kept."""
        if self._access == shown:
            self._access, self._until = None, float("-inf")

    def __repr__(self) -> str:
        return "Grant(***)"


def basic_of(client_id: str, secret: Secret) -> Secret:
    """The header ``Authorization`` of a client."""
    both = f"{client_id}:{secret.reveal()}".encode()
    return Secret(f"Basic {base64.b64encode(both).decode('ascii')}")


def parse_refusal(body: bytes) -> Refusal:
    """The error in ``body``, fit to be shown; empty if there is none."""
    try:
        answer = read_object(body)
    except NotAsDocumented:
        return Refusal("", "")
    error = answer.get("error")
    if isinstance(error, dict):  # as the rest of the interface tells errors
        return Refusal("", _shown(error.get("message")))
    return Refusal(_shown(error), _shown(answer.get("error_description")))


def _shown(text: object) -> str:
    return clean_text(" ".join(text.split())) if isinstance(text, str) else ""
