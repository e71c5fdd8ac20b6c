"""Secrets that a foreign text quotes: whole, in part, and those that only look like some. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.settings import Secret

MASK: Final = "***"
PART_CHARS: Final = 12
"""Of a secret in a row are no accident; a service shortens what it quotes, at either end."""
TEXT_CHARS: Final = 65_536
"""Far more than is ever shown of a foreign text; the rest is dropped unread."""
SECRET_CHARS: Final = 16
"""A shorter secret may be a common word, and is looked for as a whole."""
_LONG: Final = r"(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*\d)[\w-]{40,}"
_SHAPE: Final = re.compile(
    # base64url of what is said (CBOR with its tag) and of the signature (COSE_Sign1)
    rf"(?<![\w-])(?:(?:[\w-]+\.)?{_LONG}|(?:[\w-]+\.)?(?:2dn3|0oR[A-D])[\w-]{{8,}})(?:\.[\w-]*)?=*",
    re.ASCII,
)
"""Attestation tokens of nRF Cloud, of any board and also cut, and the like: two runs of base64url
with a dot between them, or one. Ids and sums are shorter or have one case only."""


def without_secrets(text: str, secrets: Iterable[Secret] = ()) -> str:
    """``text`` with ``***`` for the secrets, for parts of them, and for what looks like a token."""
    values = [value for secret in secrets if (value := secret.reveal())]
    text = text[:TEXT_CHARS]
    for value in values:
        text = text.replace(value, MASK)
    return _without_parts(_SHAPE.sub(MASK, text), values)


def _without_parts(text: str, values: Iterable[str]) -> str:
    parts = {
        value[at : at + PART_CHARS]
        for value in values
        if len(value) >= SECRET_CHARS
        for at in range(len(value) - PART_CHARS + 1)
    }
    if not parts:
        return text
    kept: list[str] = []
    shown = 0  # up to there it is in kept, or hidden
    for start in range(len(text) - PART_CHARS + 1):
        if text[start : start + PART_CHARS] in parts:
            if start >= shown:
                kept += [text[shown:start], MASK]
            shown = start + PART_CHARS
    return "".join([*kept, text[shown:]])
