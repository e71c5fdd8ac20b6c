"""Pages, a list of tools on loopback, and a key that addresses are signed with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from agent.compat.answer import Answer, Asked
from agent.compat.page import Page
from agent.compat.signature import CommandKey
from agent.compat.tool_installs import ToolInstalls
from agent.compat.tools_api import INSTALLED, ToolsApi
from tests.flash.toolstore.rig import Time, toolbox

if TYPE_CHECKING:
    from pathlib import Path

    from agent.simulator.tool_index import SimulatedToolIndex

PRIVATE = rsa.generate_private_key(65537, 2048)
KEY = CommandKey(PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def signed(text: str) -> str:
    """A signature of the key that counts here."""
    return PRIVATE.sign(text.encode(), PKCS1v15(), SHA256()).hex()


class Heard:
    """The way to a client that keeps what is said."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []

    def emit(self, _sid: str, text: str) -> None:
        self.said.append(json.loads(text))

    def waiting(self, _sid: str) -> int:
        return 0

    def close(self, _sid: str) -> None:
        raise AssertionError


def page(*scopes: str) -> tuple[Page, Heard]:
    """A page that may do this."""
    heard = Heard()
    return Page("one", "https://app.arduino.cc", lambda scope: scope in scopes, heard), heard


class Rig:
    """The interface over a store in a folder."""

    def __init__(self, server: SimulatedToolIndex, folder: Path) -> None:
        self.time = Time()
        self.box = toolbox(server, folder, self.time)
        self.installs = ToolInstalls(self.box)
        self.keys = 0
        self.api = ToolsApi(self.box, self.installs, self._key)

    def _key(self) -> CommandKey:
        self.keys += 1
        return KEY

    async def ask(
        self,
        method: str = "POST",
        path: str = INSTALLED,
        body: object = b"",
        *,
        scopes: tuple[str, ...] = ("boards", "flash"),
    ) -> Answer:
        """One request; a body that is no bytes travels as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        asked = Asked(method, path, data, "https://app.arduino.cc", lambda scope: scope in scopes)
        return await self.api(asked)
