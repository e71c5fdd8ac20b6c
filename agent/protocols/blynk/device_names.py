"""Names of devices in Blynk.Cloud, and how long they may be where a board carries them.

Sources: documentation of the platform interface (create and edit a device), and of Wi-Fi
provisioning (32 characters with the board's own part).
"""

from __future__ import annotations

from typing import Final

NAME_CHARS: Final = 50
"""In the cloud."""
AIR_CHARS: Final = 32
"""Of an access point with all its parts; phones do not find a longer one."""
_OTHERS: Final = " '_-"


def name_problem(name: str, *, of_board: bool = False) -> str | None:
    """What is wrong with a device's name; None: nothing. ``of_board``: a board carries it, too."""
    if not name.strip():
        return "is empty"
    limit = AIR_CHARS if of_board else NAME_CHARS
    if len(name) > limit:
        counted = " with the part of the chip" if of_board else ""
        return f"has {len(name)} characters{counted}, and may have {limit}"
    for char in name:
        if not (char.isalpha() or char.isdecimal() or char in _OTHERS):
            return "may have letters, digits, blanks, apostrophes, underscores and hyphens alone"
    return None


def name_of_board(template_name: str, chip: str) -> str:
    """A name that the cloud takes and a person finds again: ``Thermo-4Y1H``."""
    kept = "".join(
        c if c.isalpha() or c.isdecimal() or c in _OTHERS else " " for c in template_name
    )
    room = AIR_CHARS - len(chip) - len("-")
    head = " ".join(kept.split())[:room].rstrip(" -") or "Board"
    return f"{head}-{chip}"
