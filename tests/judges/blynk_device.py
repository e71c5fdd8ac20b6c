"""Blynk's own device side without a radio; runs in the judge's environment, not in ours.

Each line of the input is a message in hex, or ``drop``; each line of the output a notification in hex.
With the argument ``network`` it tries to use this computer's networks, of which it finds none.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from typing import Any


class Identity:
    """What its library keeps of a device; the token is printed to nobody."""

    vendor_prefix = "Blynk"
    template_id = "TMPLdemo00000"
    template_name = "Thermo"
    auth_token: str | None = None
    server = "blynk.cloud"

    def save(self) -> None:
        """Nothing is kept here."""


def say(message: dict[str, Any]) -> None:
    print(json.dumps(message).encode().hex(), flush=True)


async def main() -> None:
    library = importlib.import_module("blynk_provisioning._ble")
    identity = Identity()
    session = library.ProvisioningSession(
        identity, "1.3.0", configure_network=sys.argv[1:] == ["network"]
    )
    session.service.send = say
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if line.strip() == "drop":
            # What its handler of the system's signal does, which needs a radio.
            session._pending.clear()
        elif line.strip() == "kept":
            say({"token": len(identity.auth_token or ""), "server": identity.server})
        else:
            session._on_rx(bytes.fromhex(line))


asyncio.run(main())
