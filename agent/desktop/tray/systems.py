"""How the tray is shown on this system; its library is loaded when it is wanted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.desktop.tray.host import TrayHost
    from agent.desktop.tray.native import NativeTray


def choose_host() -> tuple[Callable[[], TrayHost], NativeTray | None]:
    """What makes the host, and who needs the main thread for it (None: nobody).

    Making it takes some 0.2 s for the library, and raises ImportError if there is none.
    """
    if sys.platform in {"win32", "darwin"}:
        from agent.desktop.tray.native import NativeTray

        native = NativeTray()
        return lambda: native, native
    return _status_notifier, None


def _status_notifier() -> TrayHost:
    from agent.desktop.tray.status_notifier import StatusNotifier

    return StatusNotifier()
