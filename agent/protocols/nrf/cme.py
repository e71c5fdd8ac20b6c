"""Numbers with which a modem refuses a command, in words.

Source: AT command reference, error codes of %CMNG and %ATTESTTOKEN; nrfcredstore 2.1.0; 3GPP TS
27.007, 9.2 for those below 500.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a number means, and what helps."""

    meaning: str
    remedy: str


ACTIVE: Final = 518
EXISTS: Final = 519
NOT_FOUND: Final = 513
UNSUPPORTED: Final = 0
NO_SIM: Final = (10, 13, 15)

_CME: Final = re.compile(r"CME ERROR: (\d{1,6})")
_REPORT: Final = "Restart the board and try again; if it stays, its modem is faulty."
_SIM: Final = "Put a SIM card in, or press it in, and restart the board."
_MEANINGS: Final = {
    UNSUPPORTED: Refusal(
        "the firmware of its modem does not know this command",
        "Update the modem's firmware; claiming needs 2.0.0 on nRF91x1 and 1.3 on nRF9160.",
    ),
    3: Refusal("the command is not allowed now", "Restart the board and try again."),
    10: Refusal("there is no SIM card", _SIM),
    13: Refusal("the SIM card does not work", _SIM),
    15: Refusal("the SIM card is not of a kind that it takes", _SIM),
    NOT_FOUND: Refusal("there is no such credential", "Look at the list of its credentials."),
    514: Refusal("this credential may not be read, changed or used so", "Choose another tag."),
    515: Refusal("its memory for credentials is full", "Delete credentials that nobody uses."),
    ACTIVE: Refusal(
        "that may not be done while its radio is on",
        "Switch the radio off first (AT+CFUN=4); Mooring does so by itself where it may.",
    ),
    EXISTS: Refusal(
        "there is a credential in this place already",
        "Delete it first, or allow it to be overwritten.",
    ),
    523: Refusal("it could not make a key", _REPORT),
    529: Refusal(
        "it has no ownership key",
        "This chip cannot be claimed; onboard it with a certificate instead.",
    ),
}
"""Numbers that were read in published sources; others are shown as they are."""


def refusal(code: int | None) -> Refusal:
    """What the number of an error means; None: the modem gave none."""
    unknown = "it gives no reason" if code is None else "its manual knows this number"
    return _MEANINGS.get(-1 if code is None else code, Refusal(unknown, _REPORT))


def failure_words(said: str) -> str:
    """What a board said of its failure, as a sentence; the number of its modem also in words."""
    if not said:
        return ""
    found = _CME.search(said)
    means = f" ({refusal(int(found[1])).meaning})" if found else ""
    return f"It was said: {said.rstrip('.')}{means}."
