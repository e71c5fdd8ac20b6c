"""The file in which a MicroPython or CircuitPython board keeps its settings: text in, text out.

MicroPython: ``mooring.json``, one object, the names of :mod:`agent.protocols.board_keys` with their
values as text. CircuitPython: ``settings.toml``, the file that its firmware and ``os.getenv`` read:
Wi-Fi under CircuitPython's own names, all else under the same names in capitals behind
``MOORING_``. What others wrote into either file stays. Source: CircuitPython documentation,
“Environment Variables”; adafruit/circuitpython: shared-module/os/getenv.c.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from agent.protocols.board_keys import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from agent.protocols.board_keys import Group

FILE_BYTES: Final = 128 * 1024
"""The longest file that is read or written; ours alone has at most 60 KiB, all of it escaped."""

_TOML_NAMES: Final = {
    "wifi_ssid": "CIRCUITPY_WIFI_SSID",
    "wifi_pass": "CIRCUITPY_WIFI_PASSWORD",
}
_PREFIX: Final = "MOORING_"
_LINE: Final = re.compile(rb"[^\S\n]*([A-Za-z0-9_-]+)[^\S\n]*=")
_LINES: Final = re.compile(rb"[^\n]*\n|[^\n]+")
_TABLE: Final = re.compile(rb"[^\S\n]*\[")


class NotText(ValueError):
    """A value is no text, which these files cannot hold; ``args[0]`` is its key."""


def merge_json(
    old: bytes, values: Mapping[str, bytes], groups: Collection[Group], limit: int = FILE_BYTES
) -> bytes:
    """``mooring.json`` with these values in place of all of ``groups``; empty: no file is needed.

    ``old`` is the file as it is; a broken one counts as none. Raises :class:`NotText`.
    """
    kept = {
        name: value
        for name, value in _read_json(old, limit).items()
        if name not in BY_NAME or BY_NAME[name].group not in groups
    }
    merged = kept | {name: _text(name, value) for name, value in values.items() if value}
    if not merged:
        return b""
    # All of it is ASCII, so nothing depends on how a board decodes files.
    return json.dumps(merged, indent=1, sort_keys=True).encode() + b"\n"


def read_json(data: bytes) -> dict[str, bytes]:
    """Our values in a ``mooring.json``; none in a broken one."""
    return {
        name: value.encode(errors="replace")
        for name, value in _read_json(data, FILE_BYTES).items()
        if name in BY_NAME and isinstance(value, str)
    }


def _read_json(data: bytes, limit: int) -> dict[str, object]:
    try:
        found = json.loads(data[:limit]) if data else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def toml_name(name: str) -> str:
    """The name that one of our keys has in ``settings.toml``."""
    return _TOML_NAMES.get(name, _PREFIX + name.upper())


def merge_toml(old: bytes, values: Mapping[str, bytes], groups: Collection[Group]) -> bytes:
    """``settings.toml`` with these values in place of all of ``groups``.

    All other lines stay byte for byte. Ours go where the first of them stood, else to the end,
    but before the first table: CircuitPython reads no further. Raises :class:`NotText`.
    """
    ours = {toml_name(name).encode() for name, key in BY_NAME.items() if key.group in groups}
    lines = [
        toml_name(name).encode() + b" = " + _quoted(_text(name, value))
        for name, value in values.items()
        if value
    ]
    if "wifi_ssid" in values and not values.get("wifi_pass"):
        # With one of the two missing it does not join a network by itself.
        lines.append(toml_name("wifi_pass").encode() + b' = ""')
    kept: list[bytes] = []
    place: int | None = None
    table: int | None = None
    for line in _LINES.findall(old):
        if table is None and _TABLE.match(line):
            table = len(kept)
        found = _LINE.match(line)
        if found and found[1] in ours and table is None:
            place = len(kept) if place is None else place
        else:
            kept.append(line)
    if place is None:
        place = len(kept) if table is None else table
    end = b"\r\n" if old.partition(b"\n")[0].endswith(b"\r") else b"\n"
    if lines and place and not kept[place - 1].endswith(b"\n"):
        kept[place - 1] += end
    return b"".join([*kept[:place], *(line + end for line in lines), *kept[place:]])


def read_toml(data: bytes) -> dict[str, bytes]:
    """Our values in a ``settings.toml``, as CircuitPython reads it: the first of each name."""
    names = {toml_name(name).encode(): name for name in BY_NAME}
    values: dict[str, bytes] = {}
    for line in _LINES.findall(data):
        if _TABLE.match(line):
            break
        found = _LINE.match(line)
        if found and found[1] in names and names[found[1]] not in values:
            value = _unquoted(line[found.end() :])
            if value is not None:
                values[names[found[1]]] = value
    return values


_ESCAPES: Final = {"\b": "\\b", "\r": "\\r", "\n": "\\n", "\t": "\\t", "\f": "\\f"}
_ESCAPES_BACK: Final = {b"b": 8, b"r": 13, b"n": 10, b"t": 9, b"v": 11, b"f": 12}
_STRING: Final = re.compile(rb'\s*"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$')
_ESCAPED: Final = re.compile(rb"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")


def _quoted(text: str) -> bytes:
    out = ""
    for char in text:
        if char in '"\\':
            out += "\\" + char
        elif char in _ESCAPES:
            out += _ESCAPES[char]
        elif " " <= char < "\x7f":
            out += char
        elif ord(char) <= 0xFFFF:
            out += f"\\u{ord(char):04X}"
        else:
            out += f"\\U{ord(char):08X}"
    return b'"' + out.encode() + b'"'


def _unquoted(text: bytes) -> bytes | None:
    found = _STRING.match(text)
    return None if found is None else _ESCAPED.sub(_unescape, found[1])


def _unescape(found: re.Match[bytes]) -> bytes:
    digits = found[1] or found[2]
    if digits:
        number = int(digits, 16)
        return chr(number).encode(errors="replace") if number < 0x11_0000 else b"?"
    letter = found[3]
    return bytes([_ESCAPES_BACK[letter]]) if letter in _ESCAPES_BACK else letter


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise NotText(name) from None
