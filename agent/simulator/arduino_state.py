"""What the simulated Arduino Cloud knows and decides, without HTTP.

Numbers of refusals: 1, 2, 15 and 3 as documented; all others are not documented and are ours.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from agent.settings import Secret
from agent.simulator.arduino_keys import (
    Authority,
    BoardToken,
    IssuedCertificate,
    WrongKeyMaterial,
    is_uhwid,
    read_csr,
    read_public_key,
    read_token,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cryptography.hazmat.primitives.asymmetric import ec

    from agent.simulator.arduino_faults import Record

TOKEN_AGE_S: Final = 300
"""A board's token is good this long; the agent claims at once, clocks differ by a minute or two."""
NAME_CHARS: Final = 64
CONNECTION_TYPES: Final = frozenset({"wifi", "eth", "nb", "gsm", "lora", "catm1", "cellular"})


class ErrCode(IntEnum):
    """Why the provisioning family refuses."""

    UNKNOWN_BOARD = 1
    UNKNOWN_KEY = 2
    KEY_DIFFERS = 3
    BAD_TOKEN = 4
    TOKEN_NOT_FRESH = 5
    BAD_NAME = 6
    BAD_CONNECTION = 7
    BAD_REGISTRATION = 8
    NO_ONBOARDING = 9
    BAD_REQUEST = 10
    NOT_MIGRATED = 15


class Refused(Exception):
    """A refusal with its HTTP status and the number of the family."""

    def __init__(self, code: int, err: str, status: int = 400) -> None:
        self.code = int(code)
        self.err = err
        self.status = status
        super().__init__(err)


@dataclass(frozen=True, slots=True)
class Signer:
    """Who a token of the cloud is for."""

    client_id: str
    organization: str = ""


@dataclass(slots=True)
class KnownBoard:
    """A board that the cloud has heard of."""

    public_key: str | None = None
    legacy: bool = False
    """Known from provisioning 1.0 only."""


@dataclass(slots=True)
class SimulatedOnboarding:
    """A claim; times in Unix seconds."""

    id: str
    uhwid: str
    device_name: str
    connection_type: str
    ble_mac: str
    owner: Signer
    created_at: float
    device_id: str | None = None
    provisioned_at: float | None = None
    ended_at: float | None = None
    certificate: IssuedCertificate | None = None
    """Issued, and in force once ``device_id`` is set."""

    def as_json(self) -> dict[str, str | None]:
        """An entry of the list."""
        return {
            "id": self.id,
            "unique_hardware_id": self.uhwid,
            "device_name": self.device_name,
            "connection_type": self.connection_type,
            "device_id": self.device_id,
            "user_id": self.owner.client_id,
            "org_id": self.owner.organization or None,
            "ble_mac": self.ble_mac,
            "fqbn": None,
            "created_at": _moment(self.created_at),
            "claimed_at": _moment(self.created_at),
            "provisioned_at": _moment(self.provisioned_at),
            "ended_at": _moment(self.ended_at),
        }


class CloudState:
    """Accounts, boards and claims of the simulated cloud."""

    def __init__(
        self, *, record: Record, now: Callable[[], float], token_lifetime_s: float
    ) -> None:
        self._record = record
        self._now = now
        self._token_lifetime_s = token_lifetime_s
        self._tokens: dict[str, tuple[Signer, float]] = {}
        self.keys: dict[str, tuple[Secret, frozenset[str]]] = {}
        """API keys: secret and shared spaces by client id."""
        self.boards: dict[str, KnownBoard] = {}
        """By hardware id."""
        self.onboardings: dict[str, SimulatedOnboarding] = {}
        """By id, oldest first."""
        self.authority = Authority()

    # --- accounts ---

    def sign_in(self, client_id: str, client_secret: str, organization: str) -> tuple[str, float]:
        """A bearer token and its lifetime in seconds; :class:`PermissionError` if refused."""
        secret, organizations = self.keys.get(client_id, (Secret(), frozenset[str]()))
        right = hmac.compare_digest(secret.reveal().encode(), client_secret.encode())
        if not (secret and right) or (organization and organization not in organizations):
            raise PermissionError
        now = self._now()
        self._tokens = {token: held for token, held in self._tokens.items() if held[1] > now}
        token = secrets.token_urlsafe(48)
        self._tokens[token] = (Signer(client_id, organization), now + self._token_lifetime_s)
        return token, self._token_lifetime_s

    def signer(self, token: str) -> Signer | None:
        """Who holds this bearer token; None if it ended or never was."""
        held = self._tokens.get(token)
        return held[0] if held and held[1] > self._now() else None

    def revoke_tokens(self) -> None:
        """Every token given so far ends now."""
        self._tokens.clear()

    # --- the agent's side ---

    def register(self, body: Mapping[str, object]) -> None:
        """Make a board and its key known; another key than the stored one is refused."""
        uhwid, pem, pid = (
            str(body.get(name, "")) for name in ("unique_hardware_id", "public_key", "pid")
        )
        if not is_uhwid(uhwid) or body.get("vid") != "2341" or not _is_product_id(pid):
            raise Refused(ErrCode.BAD_REGISTRATION, "hardware id, vendor or product id is wrong")
        try:
            key = read_public_key(pem)
        except WrongKeyMaterial as error:
            raise Refused(ErrCode.BAD_REGISTRATION, str(error)) from None
        known = self.boards.setdefault(uhwid, KnownBoard())
        if known.public_key is not None and read_public_key(known.public_key) != key:
            raise Refused(ErrCode.KEY_DIFFERS, "another key is registered for this board")
        known.public_key = pem
        known.legacy = False

    def claim(self, body: Mapping[str, object], owner: Signer) -> SimulatedOnboarding:
        """Claim a board for an account; an earlier claim of the board ends."""
        name, connection, ble_mac, token_text = (
            str(body.get(field, ""))
            for field in ("device_name", "connection_type", "ble_mac", "board_token")
        )
        if not 0 < len(name) <= NAME_CHARS or not any(c.isalnum() or c in "_.@-" for c in name):
            raise Refused(ErrCode.BAD_NAME, "device_name is not valid")
        if connection not in CONNECTION_TYPES:
            raise Refused(ErrCode.BAD_CONNECTION, "connection_type is not valid")
        token = self._verified(token_text)
        now = self._now()
        for earlier in self._open(token.uhwid):
            earlier.ended_at = now
        onboarding = SimulatedOnboarding(
            id=str(uuid.uuid4()),
            uhwid=token.uhwid,
            device_name=name,
            connection_type=connection,
            ble_mac=ble_mac,
            owner=owner,
            created_at=now,
        )
        self.onboardings[onboarding.id] = onboarding
        self._record.claims[token.uhwid] += 1
        return onboarding

    def of_owner(self, owner: Signer) -> list[SimulatedOnboarding]:
        """All claims of an account or shared space, ended ones too."""
        return [entry for entry in self.onboardings.values() if _same_space(entry.owner, owner)]

    def unclaim(self, onboarding_id: str, owner: Signer) -> None:
        """End a claim."""
        entry = self.onboardings.get(onboarding_id)
        if entry is None or entry.ended_at is not None or not _same_space(entry.owner, owner):
            raise Refused(ErrCode.NO_ONBOARDING, "onboarding not found", status=404)
        entry.ended_at = self._now()
        self._record.unclaims[entry.uhwid] += 1

    # --- the board's side ---

    def certify(self, token_text: str, csr: str) -> IssuedCertificate:
        """A certificate for a board that was claimed; the device's id comes with it."""
        token = self._verified(token_text, status=401)
        entry = self._claimed(token.uhwid)
        try:
            key = read_csr(csr, token.uhwid)
        except WrongKeyMaterial as error:
            raise Refused(ErrCode.BAD_REQUEST, str(error)) from None
        device_id = entry.certificate.device_id if entry.certificate else str(uuid.uuid4())
        entry.certificate = self.authority.issue(device_id, key, self._now())
        return entry.certificate

    def complete(self, token_text: str) -> SimulatedOnboarding:
        """The board has stored its certificate: now it is a device."""
        token = self._verified(token_text, status=401)
        entry = self._claimed(token.uhwid)
        if entry.certificate is None:
            raise Refused(ErrCode.BAD_REQUEST, "no certificate was asked for")
        if entry.device_id is None:
            entry.device_id = entry.certificate.device_id
            entry.provisioned_at = self._now()
        return entry

    def _verified(self, text: str, *, status: int = 400) -> BoardToken:
        """A board's token whose signature and age are right."""
        try:
            token = read_token(text)
        except WrongKeyMaterial as error:
            raise Refused(ErrCode.BAD_TOKEN, str(error), status) from None
        known = self.boards.get(token.uhwid)
        if known is None:
            raise Refused(ErrCode.UNKNOWN_BOARD, "board not registered", status)
        if known.legacy:
            raise Refused(ErrCode.NOT_MIGRATED, "board known from provisioning 1.0", status)
        if known.public_key is None:
            raise Refused(ErrCode.UNKNOWN_KEY, "no key registered for this board", status)
        key: ec.EllipticCurvePublicKey = read_public_key(known.public_key)
        if not token.verified_by(key):
            raise Refused(
                ErrCode.KEY_DIFFERS, "signature does not match the registered key", status
            )
        if abs(self._now() - token.issued_at) > TOKEN_AGE_S:
            raise Refused(ErrCode.TOKEN_NOT_FRESH, "the token was not issued just now", status)
        return token

    def _open(self, uhwid: str) -> list[SimulatedOnboarding]:
        return [e for e in self.onboardings.values() if e.uhwid == uhwid and e.ended_at is None]

    def _claimed(self, uhwid: str) -> SimulatedOnboarding:
        entries = self._open(uhwid)
        if not entries:
            raise Refused(ErrCode.NO_ONBOARDING, "the board is not claimed", status=404)
        return entries[-1]


def _same_space(one: Signer, other: Signer) -> bool:
    """A shared space is common to its members; a private one belongs to the key's owner."""
    if one.organization or other.organization:
        return one.organization == other.organization
    return one.client_id == other.client_id


def _is_product_id(text: str) -> bool:
    return len(text) == 4 and all(c in "0123456789ABCDEF" for c in text)


def _moment(seconds: float | None) -> str | None:
    """RFC 3339 with microseconds."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
