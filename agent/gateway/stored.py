"""What a server gave to the gateway: one file that only this user can read, replaced as a whole.

What is asked for is in it before the server is asked, what was given before it is used, and the
credentials of before until the new ones have worked.
"""

from __future__ import annotations

import asyncio
import logging
import stat
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.errors import GatewayFileDamaged, GatewayFileFailed, InputError
from agent.settings import clean_text
from agent.settings.credentials import Credentials, parse_settings, reveal_settings
from agent.settings.files import write_private

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

FILE_BYTES: Final = 1 << 17
"""Four certificates with their keys and room to spare."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A device and what it proves itself with."""

    name: str
    """Empty: nobody told."""
    credentials: Credentials
    server: str = ""
    """Where it was registered, for people."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for, or was: the answer may have been lost."""

    name: str
    credentials: Credentials
    server: str
    invented: bool
    """The credentials were made here, so whoever the server knows by them is this gateway."""
    asked: bool = False
    """The server may have taken them: it was asked, and did not say no."""


class GatewayFile(msgspec.Struct, frozen=True, kw_only=True):
    """All that is kept."""

    current: Kept | None = None
    """In use until ``fresh`` has worked."""
    fresh: Kept | None = None
    """Given by the server, and not yet seen to work."""
    renewed: Kept | None = None
    """A new certificate of ``current``, which ends soon; somebody has to give it to the server."""
    draft: Draft | None = None
    reset: bool = False
    """The server asked for new credentials; they are not here yet."""

    @property
    def candidates(self) -> tuple[Kept, ...]:
        """What to connect with, the newest first."""
        return tuple(each for each in (self.fresh, self.current) if each is not None)


class GatewayStore:
    """The file, and what it holds. One user at a time; that is the lock of the agent's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kept = GatewayFile()

    async def load(self) -> GatewayFileDamaged | None:
        """Read it; a file that cannot be understood is put aside, and that is returned.

        Raises :class:`GatewayFileFailed` where it cannot be read at all; it is untouched then.
        """
        try:
            return await asyncio.to_thread(self._load)
        except OSError as error:
            raise self._failed(error) from None

    async def change(self, **changes: Any) -> None:  # noqa: ANN401 - fields of GatewayFile
        """Replace fields; they are on the disk when this returns.

        Raises :class:`GatewayFileFailed`; nothing is changed then.
        """
        changed = msgspec.structs.replace(self.kept, **changes)
        data = msgspec.json.format(msgspec.json.encode(_plain(changed)), indent=1)
        try:
            await asyncio.to_thread(write_private, self.path, data)
        except OSError as error:
            raise self._failed(error) from None
        self.kept = changed

    def _load(self) -> GatewayFileDamaged | None:
        try:
            with self.path.open("rb") as file:
                self._tighten(file.fileno())
                data = file.read(FILE_BYTES + 1)
        except FileNotFoundError:
            self.kept = GatewayFile()
            return None
        try:
            self.kept = _parse(data)
        except InputError as error:
            self.kept = GatewayFile()
            aside = self.path.with_name(f"{self.path.name}.damaged-{int(time.time())}")
            self.path.replace(aside)
            detail = f"{error.facts['field']} {error.facts['problem']}"
            return GatewayFileDamaged(path=str(aside), detail=detail)
        return None

    def _tighten(self, handle: int) -> None:
        """A copy that somebody put there is closed to others, too."""
        if sys.platform == "win32":
            return
        import os

        if stat.S_IMODE(os.fstat(handle).st_mode) & 0o077:
            os.fchmod(handle, 0o600)
            log.warning("%s could be read by other users; that is mended", self.path)

    def _failed(self, error: OSError) -> GatewayFileFailed:
        detail = clean_text(error.strerror or type(error).__name__)
        return GatewayFileFailed(path=str(self.path), detail=detail)


def _plain(kept: GatewayFile) -> dict[str, Any]:
    plain: dict[str, Any] = {"reset": kept.reset}
    for name in ("current", "fresh", "renewed", "draft"):
        part = getattr(kept, name)
        if part is not None:
            fields = {each: getattr(part, each) for each in part.__struct_fields__}
            plain[name] = fields | {"credentials": reveal_settings(part.credentials)}
    return plain


def _parse(data: bytes) -> GatewayFile:
    if len(data) > FILE_BYTES:
        raise InputError(field="file", problem=f"is longer than {FILE_BYTES} bytes")
    try:
        decoded = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InputError(field="file", problem="is no JSON") from None
    kept = parse_settings(decoded, GatewayFile)
    for part in (kept.current, kept.fresh, kept.renewed, kept.draft):
        if part is not None:
            part.credentials.check()
    return kept
