"""A pseudo-terminal, where the system has them."""

from __future__ import annotations

import sys

if sys.platform != "win32":
    import os
    import termios

    def open_terminal() -> tuple[int, int]:
        """File descriptors: the person's end, and the command's end."""
        return os.openpty()

    def echoes(descriptor: int) -> bool:
        """Whether what is typed is shown."""
        return bool(termios.tcgetattr(descriptor)[3] & termios.ECHO)

else:

    def open_terminal() -> tuple[int, int]:
        raise NotImplementedError

    def echoes(descriptor: int) -> bool:
        raise NotImplementedError
