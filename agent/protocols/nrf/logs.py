"""What a board's log tells of provisioning, and the token that an unclaimed board prints.

Source: nrfconnect/Asset-Tracker-Template app/src/modules/cloud/cloud_provisioning.c and its older
versions; nrfconnect/sdk-nrf subsys/net/lib/nrf_provisioning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from agent.protocols.nrf.cose import Damaged
from agent.protocols.nrf.token import AttestationToken, parse_token

if TYPE_CHECKING:
    from agent.protocols.nrf.cose import Problem
    from agent.protocols.nrf.lines import ConsoleLine


class Seen(Enum):
    """What a line of the log means."""

    BOOTLOADER = "the bootloader started"
    BOOTED = "the firmware started"
    ACCEPTED = "it asks the service for commands"
    LTE_OFF = "credentials are being written, without the network"
    LTE_ON = "credentials are written, the network comes back"
    WORKING = "it does what the service asked for"
    NOTHING_QUEUED = "the service had nothing for it"
    FINISHED = "it is provisioned"
    ONLINE = "it is connected to nRF Cloud"
    NOT_CLAIMED = "it is not claimed"
    NO_TIME = "it has no network time yet"
    TOO_MANY = "the service has more commands for it than it takes"
    WRONG_CA = "its firmware does not trust the service"
    BUSY = "the service is busy or does not answer; it tries again by itself"
    FAILED = "provisioning failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """A line that means something."""

    seen: Seen


@dataclass(frozen=True, slots=True)
class TokenPrinted:
    """A token in the log."""

    token: AttestationToken


@dataclass(frozen=True, slots=True)
class TokenSpoiled:
    """A token in the log that lost something on its way."""

    problem: Problem


LogEvent = Progress | TokenPrinted | TokenSpoiled

_MEANINGS: Final = tuple(
    (seen, re.compile(words, re.IGNORECASE))
    for seen, words in (
        (Seen.BOOTLOADER, r"Booting MCUboot|Starting bootloader"),
        (Seen.BOOTED, r"\*\*\* Booting (?!MCUboot)|Booting Zephyr OS"),
        (Seen.NOT_CLAIMED, r"device (?:is )?not (?:yet )?claimed|Claim the device using"),
        (Seen.NO_TIME, r"no valid date ?time reference"),
        (Seen.TOO_MANY, r"too many commands for the device"),
        (Seen.WRONG_CA, r"wrong (?:root )?CA certificate|check the CA certificate"),
        (Seen.BUSY, r"(?:Busy|Timeout), retrying in"),
        (
            Seen.NOTHING_QUEUED,
            r"No commands from the nRF Provisioning Service|No more commands to process",
        ),
        (Seen.FINISHED, r"Provisioning finished|Provisioning done|nrf_provisioning\w*: Finished"),
        (Seen.FAILED, r"Provisioning failed|Provisioning error"),
        (Seen.LTE_OFF, r"requires device to deactivate LTE"),
        (Seen.LTE_ON, r"requires device to activate LTE|Modem connection restored"),
        (Seen.WORKING, r"Processing commands"),
        (
            Seen.ACCEPTED,
            r"Provisioning request(?:ed| received)|Externally initiated provisioning|Requesting commands",
        ),
        (Seen.ONLINE, r"Connected to (?:nRF )?Cloud"),
    )
)
"""The first that fits counts: "Treating as provisioning finished" stands beside "No commands"."""
_TREATED: Final = re.compile(r"Treating as provisioning finished", re.IGNORECASE)
_OPENS: Final = re.compile(r"BEGIN ATTESTATION TOKEN|Attestation token\b.*:$", re.IGNORECASE)
_CLOSES: Final = re.compile(r"END ATTESTATION TOKEN", re.IGNORECASE)
_PIECE: Final = re.compile(r"[A-Za-z0-9_.-]{8,}")
PIECES: Final = 8
"""Of one token: a terminal of 40 columns breaks it into five."""


class LogReader:
    """Reads the lines of a board, one after the other."""

    def __init__(self) -> None:
        self._pieces: list[str] | None = None

    def feed(self, line: ConsoleLine) -> list[LogEvent]:
        """What the line means; mostly nothing."""
        text = line.text
        if self._pieces is not None and not line.log and (found := self._token_line(text)):
            return [found]
        if _OPENS.search(text):
            self._pieces = []
            return []
        for seen, pattern in _MEANINGS:
            if pattern.search(text):
                if seen is Seen.FINISHED and _TREATED.search(text):
                    return []
                return [Progress(seen)]
        return []

    def _token_line(self, text: str) -> LogEvent | None:
        assert self._pieces is not None  # noqa: S101  (the caller looked)
        if _PIECE.fullmatch(text) and not text.startswith("---"):
            self._pieces.append(text)
            whole = _parse(self._pieces)
            if isinstance(whole, TokenPrinted):
                self._pieces = None
                return whole
        if self._pieces and (not text or _CLOSES.search(text) or len(self._pieces) >= PIECES):
            spoiled, self._pieces = _parse(self._pieces), None
            return spoiled
        return None


def _parse(pieces: list[str]) -> LogEvent:
    try:
        return TokenPrinted(parse_token("".join(pieces)))
    except Damaged as error:
        return TokenSpoiled(error.problem)
