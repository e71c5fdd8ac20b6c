"""Places for accounts that refuse, or take their time, for one account of several."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent.clouds.accounts import AccountStore, Storage
from agent.errors import FolderFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent.settings import Secret


class FullStore(AccountStore):
    """``full`` names what cannot be stored."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, use_keyring=False)
        self.full = ""

    async def set(self, cloud: str, fields: Mapping[str, Secret]) -> Storage:
        if cloud == self.full:
            raise FolderFailed(path="accounts", detail="No space left on device")
        return await super().set(cloud, fields)


class SlowStore(AccountStore):
    """Says that something is stored, and goes on when it is let."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, use_keyring=False)
        self.stored = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def set(self, cloud: str, fields: Mapping[str, Secret]) -> Storage:
        storage = await super().set(cloud, fields)
        self.stored.set()
        await self.go_on.wait()
        return storage
