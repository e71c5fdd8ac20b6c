"""The credentials in a modem's store: listed, written, made and deleted over a session.

What is written is proved by the digest that the modem tells afterwards. Writing needs the radio
off; it comes back as it was.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from agent.errors import (
    InputError,
    NrfCredentialDiffers,
    NrfCredentialExists,
    NrfKeyDamaged,
    NrfModemOff,
    NrfNoAttestation,
    NrfRefused,
    NrfUnanswered,
)
from agent.protocols.nrf import at, cme, cmng
from agent.protocols.nrf.at import Dialect
from agent.protocols.nrf.cmng import CredentialType, StoredCredential
from agent.protocols.nrf.cose import Damaged
from agent.protocols.nrf.keygen import MadeKey, parse_keygen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from agent.sessions.nrf import NrfSession
    from agent.settings import Secret

_MODE: Final = re.compile(r"\+CFUN: ?(\d+)")
_QUIET: Final = {"0", "4"}
"""Modes in which the radio is off."""
_FLIGHT: Final = "4"
_TAKEN: Final = {CredentialType.CLIENT_KEY, CredentialType.PUBLIC_KEY}
"""Where a made key shows itself."""


class NrfStore:
    """The store of the modem behind ``session``."""

    def __init__(self, session: NrfSession) -> None:
        self._session = session

    async def held(
        self, tag: int | None = None, kind: CredentialType | None = None
    ) -> list[StoredCredential]:
        """What is where; never the content."""
        self._require_modem()
        try:
            answer = await self._session.ask(cmng.list_command(tag, kind))
        except NrfRefused as error:
            if _number(error) == cme.NOT_FOUND:
                return []
            raise
        return cmng.parse_list(answer.lines)

    async def write(
        self, tag: int, kind: CredentialType, content: Secret, *, overwrite: bool = False
    ) -> bool:
        """Write one credential and prove it; False: it was there already, and nothing is done.

        Raises :class:`NrfCredentialExists` unless another may be overwritten.
        """
        return (await self.write_all(tag, [(kind, content)], overwrite=overwrite))[0]

    async def write_all(
        self,
        tag: int,
        wanted: Sequence[tuple[CredentialType, Secret]],
        *,
        overwrite: bool = False,
    ) -> list[bool]:
        """Several of one tag: all places are looked at before the first is changed."""
        _check(lambda: cmng.check_tag(tag), "tag")
        for _, content in wanted:
            _check(partial(cmng.check_content, content.reveal()), "content")
        missing: list[bool] = []
        for kind, content in wanted:
            held = await self.held(tag, kind)
            missing.append(not held or held[0].sha256 not in cmng.digests(content.reveal()))
            if held and missing[-1] and not overwrite:
                raise NrfCredentialExists(kind=_words(kind), tag=tag)
        if any(missing):
            async with self._radio_off():
                for (kind, content), absent in zip(wanted, missing, strict=True):
                    if absent:
                        await self._write(tag, kind, content.reveal())
        return missing

    async def make_key(self, tag: int, attributes: str = "", *, overwrite: bool = False) -> MadeKey:
        """Let the modem make a private key, which never leaves it; the request for it.

        A key that is there is deleted first, if ``overwrite`` allows it.
        """
        _check(lambda: cmng.check_tag(tag), "tag")
        _check(lambda: cmng.check_attributes(attributes), "attributes")
        taken = [each for each in await self.held(tag) if each.kind in _TAKEN]
        if taken and not overwrite:
            raise NrfCredentialExists(kind=_words(CredentialType.CLIENT_KEY), tag=tag)
        async with self._radio_off():
            for each in taken:
                await self._slow(cmng.delete_command(tag, each.kind))
            command = cmng.keygen_command(tag, attributes)
            answer = await self._session.ask(command, cmng.KEYGEN, limit_s=at.SLOW_LIMIT_S, tries=1)
        found = cmng.KEYGEN.fullmatch(answer.find(cmng.KEYGEN) or "")
        if found is None:
            raise NrfUnanswered(command="%KEYGEN")
        try:
            made = parse_keygen(found[1])
        except Damaged as error:
            raise NrfKeyDamaged(problem=error.problem.value, tag=tag) from None
        if made.sec_tag != tag:
            raise NrfKeyDamaged(problem="it is of another tag", tag=tag)
        return made

    async def delete(self, tag: int, kind: CredentialType) -> bool:
        """Empty one place; False if it was empty."""
        _check(lambda: cmng.check_tag(tag), "tag")
        self._require_modem()
        async with self._radio_off():
            try:
                await self._slow(cmng.delete_command(tag, kind))
            except NrfRefused as error:
                if _number(error) == cme.NOT_FOUND:
                    return False
                raise
        return True

    # --- inside ------------------------------------------------------------------------------

    async def _write(self, tag: int, kind: CredentialType, text: str) -> None:
        await self._slow(cmng.write_command(tag, kind, text))
        held = await self.held(tag, kind)
        if not held or held[0].sha256 not in cmng.digests(text):
            why = "Another content is there." if held else "The place is empty."
            raise NrfCredentialDiffers(kind=_words(kind), tag=tag, why=why)

    @asynccontextmanager
    async def _radio_off(self) -> AsyncIterator[None]:
        """Flight mode, for as long as the store is changed; then the mode as it was."""
        await self._session.ask("AT+CMEE=1")
        answer = await self._session.ask("AT+CFUN?", _MODE)
        found = _MODE.fullmatch(answer.find(_MODE) or "")
        before = found[1] if found else _FLIGHT
        if before in _QUIET:
            yield
            return
        await self._slow(f"AT+CFUN={_FLIGHT}")
        try:
            yield
        finally:
            await self._slow(f"AT+CFUN={before}")

    async def _slow(self, command: str) -> None:
        """What is not done twice."""
        await self._session.ask(command, limit_s=at.SLOW_LIMIT_S, tries=1)

    def _require_modem(self) -> None:
        if self._session.dialect is Dialect.BARE_SHELL:
            raise NrfNoAttestation()
        if not self._session.modem:
            raise NrfModemOff()


def _check(check: Callable[[], None], field: str) -> None:
    try:
        check()
    except ValueError as error:
        raise InputError(field=field, problem=str(error)) from None


def _number(error: NrfRefused) -> int | None:
    number = str(error.facts.get("number"))
    return int(number) if number.isdigit() else None


def _words(kind: CredentialType) -> str:
    return kind.name.lower().replace("_", " ")
