"""Names of devices: what ThingsBoard takes, and a name made from the hardware id."""

from __future__ import annotations

import re
from typing import Final

NAME_CHARS: Final = 255
"""Longest name that the server stores."""
CERTIFICATE_NAME_CHARS: Final = 64
"""Longest common name of a certificate (RFC 5280, ub-common-name)."""
_HEX = re.compile(r"[0-9A-Fa-f]+")
_NOT_PLAIN = re.compile(r"[^a-z0-9]+")


def name_problem(name: str, *, certificate: bool = False) -> str | None:
    """What is wrong with a device name, or None.

    The server cuts blanks at the ends, so a name with them would not be found again; a name of
    blanks only is refused, and for none at all it makes one that it does not tell.
    ``certificate``: the name becomes the common name of a certificate too.
    """
    if not name.strip():
        return "give the device a name"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "is not valid text"
    if name != name.strip():
        return "begins or ends with a blank, which the server cuts off"
    if not all(char.isprintable() for char in name):
        return "has a character that cannot be shown"
    limit = CERTIFICATE_NAME_CHARS if certificate else NAME_CHARS
    # The server counts UTF-16 units, as Java does.
    length = len(name.encode("utf-16-le")) // 2
    if length > limit:
        where = "a certificate" if certificate else "the server"
        return f"is {length} characters long; {where} takes at most {limit}"
    return None


def name_from_hardware(model: str, hardware_id: str) -> str:
    """``{model}-{hardware id}`` in lower case: the same for a board each time, and for no other.

    ``hardware_id`` is hex digits; the model gives way so that the name fits into a certificate.
    ``ValueError`` if there is no such id, because boards would share a name then.
    """
    digits = hardware_id.replace(":", "").replace("-", "").lower()
    if not _HEX.fullmatch(digits) or len(digits) > CERTIFICATE_NAME_CHARS:
        msg = "a hardware id has 1 to 64 hex digits"
        raise ValueError(msg)
    room = CERTIFICATE_NAME_CHARS - len(digits) - 1
    family = _NOT_PLAIN.sub("-", model.lower()).strip("-")[: max(room, 0)].strip("-")
    return f"{family}-{digits}" if family else digits
