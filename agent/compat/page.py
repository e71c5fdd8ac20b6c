"""One page, or one program, that holds a socket of the interface."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from agent.compat import messages

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


class Outlet(Protocol):
    """The way to the clients."""

    def emit(self, sid: str, text: str) -> None:
        """Queue a ``message``; nothing happens if the client is not there."""

    def waiting(self, sid: str) -> int:
        """Characters that are queued or handed over, and not sent yet."""

    def close(self, sid: str) -> None:
        """End the connection; what is queued for it still goes out if it moves."""


class Page:
    """One socket."""

    def __init__(
        self, sid: str, origin: str | None, may: Callable[[str], bool], outlet: Outlet
    ) -> None:
        self.sid = sid
        """Unguessable; names this connection alone."""
        self.origin = origin
        """Whose page it is; None: a program of this user, or the agent's own page."""
        self._may = may
        self._outlet = outlet
        self._gone: list[Callable[[], None]] | None = []

    def may(self, scope: str) -> bool:
        """Whether it has a scope now: ``boards``, ``serial``, ``flash``."""
        return self._may(scope)

    def say(self, text: str) -> None:
        """Queue a ``message``. Nothing is dropped: a page that takes too little is disconnected.

        Raises ValueError for the text that pages break on.
        """
        if messages.is_poison(text):
            msg = "null is no message"
            raise ValueError(msg)
        self._outlet.emit(self.sid, text)

    @property
    def waiting(self) -> int:
        """What was said and is not sent yet: bytes, or characters where text is not ASCII."""
        return self._outlet.waiting(self.sid)

    @property
    def is_here(self) -> bool:
        """Whether it is still connected."""
        return self._gone is not None

    def close(self) -> None:
        """Disconnect it; its client comes back by itself if it wants to."""
        self._outlet.close(self.sid)

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once it is no longer connected; at once if that is so already."""
        if self._gone is None:
            callback()
        else:
            self._gone.append(callback)

    def leave(self) -> None:
        """It is gone (said by the one who holds the wires); may be called again."""
        callbacks, self._gone = self._gone or [], None
        for callback in callbacks:
            try:
                callback()
            except Exception:  # noqa: BLE001 - one listener's defect must not keep the others' ports
                _log.error("a listener failed", exc_info=True)
