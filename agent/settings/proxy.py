"""The proxy that a person wrote down; its address may hold a password."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from agent.settings.addresses import ADDRESS_CHARS
from agent.settings.secret import Secret

NO_PROXY: Final = "none"
"""The word for: none, whatever the system says."""


class ProxyAddress(Secret):
    """``""`` (the system's), :data:`NO_PROXY`, or an http(s) address, shown without its login."""

    __slots__ = ()

    def __repr__(self) -> str:
        text = self.reveal()
        if self.problem() is not None:
            return "***" if text else ""
        login, at, server = text.rpartition("@")
        return f"{login.partition('://')[0]}://***@{server}" if at else text

    @property
    def has_login(self) -> bool:
        """There is a name, and most often a password, in it."""
        return "@" in self.reveal()

    def problem(self) -> str | None:
        """Why it cannot be used, without quoting it; None: it can."""
        text = self.reveal()
        if text in {"", NO_PROXY}:
            return None
        if len(text) > ADDRESS_CHARS or not (text.isascii() and text.isprintable()) or " " in text:
            return "is not an address"
        try:
            parts = urlsplit(text)
            usable = parts.hostname and (parts.port is None or parts.port > 0)
        except ValueError:
            return "is not an address"
        if parts.scheme not in {"http", "https"} or not usable or "\\" in text:
            return 'must be "", "none" or an address such as http://proxy.example:3128'
        if parts.path.strip("/") or parts.query or parts.fragment:
            return "must end after its port"
        return None
