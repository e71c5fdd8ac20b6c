"""Answers of nRF Cloud, read strictly where we depend on them and leniently where nothing is written.

No list of errors is published: the clients decide by status and show ``message`` and ``errors``, and
so do we. Source: cloud-nrf, sections 4, 5, 7 and 8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar

import msgspec

from agent.protocols.nrf.commands import Progress, progress_of

T = TypeVar("T")

ERRORS_SHOWN: Final = 3
PAGES_MAX: Final = 200
"""Of lists; the most devices of a page are not published."""
_OWNED: Final = re.compile(r"claimed|owned|owner|already|in use", re.IGNORECASE)
_ROW: Final = re.compile(r"\[(\d{1,6})\]:\s*(.*)", re.DOTALL)


class NotAsDocumented(Exception):
    """An answer that is not what is documented; the text is fit to be shown once cleaned."""


class ClaimedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device that the team has claimed."""

    id: str
    device_type: str = msgspec.field(default="", name="deviceType")
    imei: str = ""
    status: str = ""
    tags: tuple[str, ...] = ()
    claimed_at: str = msgspec.field(default="", name="claimedAt")
    """ISO 8601, by the service's clock."""
    ownership: str = msgspec.field(default="", name="ownershipStatus")


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Commands for devices with certain tags."""

    id: str = ""
    name: str = ""
    active: bool = True
    tags: tuple[str, ...] = ()
    commands: tuple[dict[str, Any], ...] = ()


class CommandState(msgspec.Struct, frozen=True, kw_only=True):
    """A command and what became of it."""

    id: str
    status: str = ""
    description: str = ""
    request: dict[str, Any] = {}
    response: Any = None

    @property
    def progress(self) -> Progress:
        """What the status means."""
        return progress_of(self.status)

    @property
    def blocks(self) -> bool:
        """Whether the board does nothing that stands behind it (cloud-nrf, section 5)."""
        return self.status == "FAILED"

    @property
    def name(self) -> str:
        """Which command it is; empty if the answer does not say."""
        return next(iter(self.request), "")


class DeviceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A device in device management."""

    id: str
    name: str = ""
    sub_type: str = msgspec.field(default="", name="subType")
    tags: tuple[str, ...] = ()
    state: dict[str, Any] = {}
    """The shadow."""

    @property
    def last_command(self) -> int:
        """The number of the command in the shadow; 0: there is none that can be read."""
        try:
            return msgspec.convert(self.state, _Shadow).desired.command[1]
        except (msgspec.ValidationError, IndexError):
            return 0


class BulkStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file."""

    status: str
    errors_url: str = msgspec.field(default="", name="errorSummaryUrl")

    @property
    def progress(self) -> Progress:
        """What the status means."""
        return progress_of(self.status)


@dataclass(frozen=True, slots=True)
class BulkClaimed:
    """A file of claims that was carried out at once."""

    claimed: tuple[str, ...]
    failed: tuple[Any, ...]
    """Of no documented shape; may hold tokens."""


@dataclass(frozen=True, slots=True)
class BulkQueued:
    """A file that is carried out later."""

    request: str


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """Whose key it is."""

    id: str = ""
    name: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """What an error's body says."""

    message: str = ""
    errors: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """In one sentence or two; foreign text, not cleaned."""
        told = [text for text in self.errors[:ERRORS_SHOWN] if text not in self.message]
        return " ".join(text for text in (self.message, *told) if text)


class ClaimRefusal(Enum):
    """Why a claim is refused."""

    TOKEN = "token"  # noqa: S105 - a reason
    UNKNOWN_CHIP = "unknown chip"
    MAYBE_OWNED = "maybe owned"
    """The service's list tells whether by this team."""
    OTHER = "other"


def claim_refusal(status: int, failure: Failure) -> ClaimRefusal:
    """What a status other than success means for a claim, as far as it is the claim's own."""
    if status == 404:
        return ClaimRefusal.UNKNOWN_CHIP
    if status == 409:
        return ClaimRefusal.MAYBE_OWNED
    if status in {400, 422}:
        owned = _OWNED.search(failure.text) is not None
        return ClaimRefusal.MAYBE_OWNED if owned else ClaimRefusal.TOKEN
    return ClaimRefusal.OTHER


def parse_failure(body: bytes) -> Failure:
    """What an error's body says; empty where it is none of the service's."""
    try:
        said = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Failure()
    if not isinstance(said, dict):
        return Failure()
    message, errors = said.get("message"), said.get("errors")
    listed = [_sentence(error) for error in errors] if isinstance(errors, list) else []
    return Failure(
        message if isinstance(message, str) else "", tuple(text for text in listed if text)
    )


def parse_claimed(body: bytes) -> ClaimedDevice:
    """One claimed device."""
    return _read(body, ClaimedDevice)


def parse_claimed_list(body: bytes) -> tuple[list[ClaimedDevice], str]:
    """Claimed devices, and what to ask for the next page with (empty: that was all)."""
    return _page(body, ClaimedDevice)


def parse_rules(body: bytes) -> tuple[list[Rule], str]:
    """Rules, and what to ask for the next page with."""
    return _page(body, Rule)


def parse_command(body: bytes) -> CommandState:
    """One command."""
    return _read(body, CommandState)


def parse_commands(body: bytes) -> tuple[list[CommandState], str]:
    """Commands of a device, and what to ask for the next page with."""
    return _page(body, CommandState)


def parse_record(body: bytes) -> DeviceRecord:
    """A device in device management."""
    return _read(body, DeviceRecord)


def parse_records(body: bytes) -> tuple[list[DeviceRecord], str]:
    """Devices in device management, and what to ask for the next page with."""
    return _page(body, DeviceRecord)


def parse_account(body: bytes) -> Team:
    """Whose key it is; what is not said stays empty."""
    said = _read(body, _Account)
    return said.team or Team(name=said.name, role=said.role)


def parse_bulk(body: bytes) -> BulkClaimed | BulkQueued:
    """The answer to a file of claims or of devices: both shapes have been described."""
    said = _read(body, _Bulk)
    if said.request:
        return BulkQueued(said.request)
    if said.claimed is None and said.failed is None:
        raise NotAsDocumented("it names neither devices nor a request")
    return BulkClaimed(tuple(said.claimed or ()), tuple(said.failed or ()))


def parse_bulk_status(body: bytes) -> BulkStatus:
    """What became of a file."""
    return _read(body, BulkStatus)


def parse_bulk_errors(body: bytes) -> tuple[dict[int, str], list[str]]:
    """What is wrong by row (from 0), and what belongs to no row."""
    rows: dict[int, str] = {}
    others: list[str] = []
    for text in _read(body, _Errors).errors:
        if found := _ROW.fullmatch(text):
            number, said = int(found[1]), found[2].strip()
            rows[number] = "; ".join(part for part in (rows.get(number, ""), said) if part)
        else:
            others.append(text)
    return rows, others


def told_in(response: object) -> str:
    """The sentence of a response that tells of a failure, wherever it is."""
    if isinstance(response, dict):
        for name, value in response.items():
            if isinstance(value, dict):
                if found := told_in(value):
                    return found
            elif name in {"message", "error", "cause"} and isinstance(value, str):
                return value
    return response if isinstance(response, str) else ""


class _Desired(msgspec.Struct):
    command: list[int]


class _Shadow(msgspec.Struct):
    desired: _Desired


class _Account(msgspec.Struct):
    team: Team | None = None
    name: str = ""
    role: str = ""


class _Bulk(msgspec.Struct):
    request: str = msgspec.field(default="", name="bulkOpsRequestId")
    claimed: list[str] | None = msgspec.field(default=None, name="claimedIds")
    failed: list[Any] | None = None


class _Errors(msgspec.Struct):
    errors: list[str]


class _Items(msgspec.Struct):
    items: list[msgspec.Raw]
    next: str | None = msgspec.field(default=None, name="pageNextToken")


def _page(body: bytes, shape: type[T]) -> tuple[list[T], str]:
    """A list, bare or under ``items``."""
    if body.lstrip()[:1] == b"[":
        return _read(body, list[shape]), ""  # type: ignore[valid-type]  # the shape of each
    said = _read(body, _Items)
    return [_read(bytes(item), shape) for item in said.items], said.next or ""


def _read(body: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        text = str(error) if isinstance(error, msgspec.ValidationError) else "it is no JSON"
        raise NotAsDocumented(text) from None


def _sentence(error: object) -> str:
    """One of the errors: a text, or an object with one."""
    if isinstance(error, dict):
        error = error.get("message") or error.get("error")
    return error if isinstance(error, str) else ""
