"""The device interface, which any plan has: a token is all that it asks for. Without I/O.

Case matters in its paths and parameters. Sources: cloud-blynk, section 5.2; documentation of the
device HTTPS interface (provision, is device connected, troubleshooting).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from agent.protocols.blynk.replies import error_of, is_invalid_token

if TYPE_CHECKING:
    from agent.settings import Secret

CONNECTED_PATH: Final = "/external/api/isHardwareConnected"
PROVISION_PATH: Final = "/external/api/provision"
OK: Final = 200
_REFUSALS: Final = frozenset({400, 401, 403, 404})
"""With the sentence about the token; 400 in what was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """What a board tells at its first login; empty parts are left out."""

    template_id: str
    version: str = ""
    build: str = ""
    hardware: str = ""
    fw_type: str = ""
    library: str = ""
    board: str = ""


@dataclass(frozen=True, slots=True)
class Connected:
    """The token is of a device; ``now``: its board is connected."""

    now: bool


@dataclass(frozen=True, slots=True)
class Done:
    """The activation is complete."""


@dataclass(frozen=True, slots=True)
class TokenUnknown:
    """No device has this token, on this server."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Something else is wrong, in the server's words."""

    detail: str


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing that decides."""

    detail: str


Reply: TypeAlias = Connected | Done | TokenUnknown | Refused | NoAnswer


def connected_query(token: Secret) -> dict[str, str]:
    """The query for ``CONNECTED_PATH``. Holds a secret."""
    return {"token": token.reveal()}


def provision_query(token: Secret, firmware: Firmware) -> dict[str, str]:
    """The query for ``PROVISION_PATH``: the board's first login in its place. Holds a secret."""
    query = {
        "token": token.reveal(),
        "templateId": firmware.template_id,
        "build": firmware.build,
        "ver": firmware.version,
        "type": firmware.hardware,
        "fwType": firmware.fw_type,
        "blVer": firmware.library,
        "boType": firmware.board,
    }
    return {name: value for name, value in query.items() if value}


def parse_connected(status: int, body: bytes) -> Connected | TokenUnknown | Refused | NoAnswer:
    """What the answer of ``CONNECTED_PATH`` says."""
    if status != OK:
        return _refusal(status, body)
    match body.strip().lower():
        case b"true":
            return Connected(True)
        case b"false":
            return Connected(False)
        case _:
            return NoAnswer("It says neither true nor false.")


def parse_provision(status: int, body: bytes) -> Done | TokenUnknown | Refused | NoAnswer:
    """What the answer of ``PROVISION_PATH`` says."""
    return Done() if status == OK else _refusal(status, body)


def _refusal(status: int, body: bytes) -> TokenUnknown | Refused | NoAnswer:
    said = error_of(body)
    if status in _REFUSALS and is_invalid_token(said):
        return TokenUnknown()
    if status in _REFUSALS and said:
        return Refused(said)
    return NoAnswer(f"The status is {status}. {said}".strip())
