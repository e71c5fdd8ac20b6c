"""What ``GET /info`` says. Source: agent-api-compat.md, 2.2 and 3.1.

Without ``http`` or ``update_url`` the client never finds us; without ``ws`` it connects to its own
server; by a version that it does not expect it asks for an update each time it finds us, unless
there is ``dev`` or ``rc`` in it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agent.flash.toolstore.tool import Computer

VERSION: Final = "1.7.1-rc1"
"""The version of the original agent whose interface this is, in the form of one of its own."""
UPDATES: Final = "https://downloads.arduino.cc/"
"""Where the client expects updates of an agent to come from; ours come from elsewhere."""
HOSTNAME: Final = "unknown-hostname"
"""As the original says where nobody set another: pages need not know what a computer is called."""
NO_TLS: Final = "localhost"


def info(host: str, computer: Computer, own_version: str) -> bytes:
    """The answer to somebody who asked ``host`` (with the port)."""
    fields = {
        "version": VERSION,
        "http": f"http://{host}",
        "https": f"https://{NO_TLS}",
        "ws": f"ws://{host}",
        "wss": f"wss://{NO_TLS}",
        "origins": "",
        "update_url": UPDATES,
        "os": str(computer),
        "agent": f"Mooring {own_version}",
    }
    return json.dumps(fields).encode()
