"""A text that must not be shown: Wi-Fi passwords, PINs, tokens, keys."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """Holds a secret text; every way of printing it gives ``***``.

    Only :meth:`reveal` returns the text, so that a search for it finds every place
    where a secret leaves the process.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the wire or the keyring only."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        msg = "a secret is not pickled"
        raise TypeError(msg)
