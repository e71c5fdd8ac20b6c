"""The name of a board's access point as text: in requests, commands and the journal.

The name of a Wi-Fi network is up to 32 bytes of anything. One that reads as it stands is its own text;
any other is ``hex:`` and its bytes, so that no two networks look the same.
"""

from __future__ import annotations

from typing import Final

from agent.errors import InputError
from agent.settings import clean_text

SSID_BYTES: Final = 32
"""IEEE 802.11, 9.4.2.2."""
HEX: Final = "hex:"


def access_point_text(ssid: bytes) -> str:
    """``Blynk Thermo-4Y1H``, or ``hex:…`` for what is no text or holds what cannot be seen."""
    try:
        text = ssid.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    plain = text and clean_text(text) == text and not text.startswith(HEX)
    return text if plain else HEX + ssid.hex()


def read_access_point(text: str) -> bytes:
    """The bytes that ``text`` stands for; :class:`InputError` names ``access_point``."""
    if text.startswith(HEX):
        try:
            ssid = bytes.fromhex(text.removeprefix(HEX))
        except ValueError:
            problem = "has something else than pairs of hexadecimal digits after hex:"
            raise InputError(field="access_point", problem=problem) from None
    else:
        # What came from JSON may hold halves of characters, which have no bytes.
        ssid = text.encode("utf-8", errors="replace")
    if not ssid:
        raise InputError(field="access_point", problem="is empty")
    if len(ssid) > SSID_BYTES:
        raise InputError(field="access_point", problem=f"has more than {SSID_BYTES} bytes")
    return ssid
