"""What all answers of Blynk.Cloud share: JSON, strictly read, and one form of errors."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from agent.settings import clean_text

ID_MAX: Final = 2**63 - 1
INVALID_TOKEN: Final = "invalid token"  # noqa: S105 - a sentence


class NotAsDocumented(Exception):
    """A body that is not what the interface promises."""


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object; :class:`NotAsDocumented` else."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NotAsDocumented("It is no JSON object.") from None


def read_id(value: object, what: str) -> int:
    """An id; they become part of addresses, so anything else is refused."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= ID_MAX:
        raise NotAsDocumented(f"The id of {what} in it is none.")
    return value


def error_of(body: bytes) -> str:
    """The server's sentence in ``{"error": {"message": …}}``, fit to be shown; empty: none."""
    try:
        error = read_object(body).get("error")
    except NotAsDocumented:
        return ""
    said = error.get("message") if isinstance(error, dict) else error
    return clean_text(" ".join(said.split())) if isinstance(said, str) else ""


def is_invalid_token(sentence: str) -> bool:
    """Whether this sentence says that nobody knows the token."""
    return sentence.strip().rstrip(".").lower() == INVALID_TOKEN
