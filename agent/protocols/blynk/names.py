"""Names of boards in the air: access points and Bluetooth LE, ``PREFIX NAME-XXXX``.

Sources: Edgent_ESP32/ConfigMode.h of the Blynk library (generation 1), BlynkSysUtils.cpp of the Edgent
library (generation 2), ``device_name`` of the vendor's Linux library.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Generation: TypeAlias = Literal[1, 2]

SUFFIX_CHARS: Final = 4
ALPHABETS: Final[dict[Generation, str]] = {
    1: "0W8N4Y1HP5DF9K6JM3C2UA7R",
    2: "0W8N4Y1HP5DF9K6JM3C2XA7R",
}
"""Symbols of a board's own part, in the order of their values."""
NAME_BYTES: Final[dict[Generation, int]] = {1: 31, 2: 29}
"""Longest name; the template's name is cut until it fits."""
_NAME: Final = re.compile(r"(?P<prefix>\S+?)(?: (?P<name>.*))?-(?P<unique>[0-9A-Z]{4})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AirName:
    """The parts of a name."""

    prefix: str
    """``Blynk``, or the maker of the product."""
    template: str
    """Name of the template, perhaps cut; empty if it is the prefix."""
    unique: str
    """Four symbols made of the chip's id; the same after each reset."""

    @property
    def may_be(self) -> tuple[Generation, ...]:
        """Generations whose boards can have this suffix; none: Linux, or the maker's own choice."""
        return tuple(
            generation
            for generation, alphabet in ALPHABETS.items()
            if set(self.unique) <= set(alphabet)
            and all(a != b for a, b in zip(self.unique, self.unique[1:], strict=False))
        )


def parse_name(name: str) -> AirName | None:
    """The parts of the name of an access point or a device; None: it is no Blynk board's.

    Networks of other things may look the same: what answers is what counts.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    return AirName(found["prefix"], found["name"] or "", found["unique"])


def unique_part(value: int, generation: Generation) -> str:
    """The suffix that firmware makes of a check value of its chip's id (32 bits)."""
    alphabet = ALPHABETS[generation]
    made = ""
    for _ in range(SUFFIX_CHARS):
        symbol = alphabet[value % len(alphabet)]
        if made.endswith(symbol):
            symbol = alphabet[(value + 1) % len(alphabet)]
        made += symbol
        value //= len(alphabet)
    return made


def make_name(prefix: str, template: str, unique: str, generation: Generation) -> str:
    """The name that a board with these parts has; texts are cut at bytes, as firmware does it."""
    limit = NAME_BYTES[generation]
    if generation == 1:
        room = limit - SUFFIX_CHARS - 2 - len(prefix.encode())
        return f"{prefix} {_cut(template, room)}-{unique}"
    made = _cut(prefix, limit)
    room = limit - len(made.encode())
    unique = unique[: max(room - 1, 0)]
    room -= len(unique) + 1 if unique else 0
    template = "" if template == prefix else _cut(template, room - 1)
    return made + f" {template}" * bool(template) + f"-{unique}" * bool(unique)


def _cut(text: str, size: int) -> str:
    return text.encode()[: max(size, 0)].decode(errors="ignore")
