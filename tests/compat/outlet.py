"""Pages without wires."""

from __future__ import annotations

from collections import defaultdict

from agent.compat.page import Page


class Outlet:
    """Keeps what is said to each page; nothing is ever sent unless ``sends``."""

    def __init__(self, *, sends: bool = True) -> None:
        self.said: defaultdict[str, list[str]] = defaultdict(list)
        self.closed: list[str] = []
        self._sends = sends

    def emit(self, sid: str, text: str) -> None:
        self.said[sid].append(text)

    def waiting(self, sid: str) -> int:
        return 0 if self._sends else sum(map(len, self.said[sid]))

    def close(self, sid: str) -> None:
        self.closed.append(sid)

    def page(self, sid: str, origin: str | None = None) -> Page:
        return Page(sid, origin, lambda scope: scope != "flash", self)
