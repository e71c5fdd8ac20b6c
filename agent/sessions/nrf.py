"""A session with an nRF91 board: who it is, its token, its credentials, its provisioning.

Of the ports of a board one answers; :func:`open_first` finds it. Nothing of what is said is logged:
a token is a secret until its board is claimed.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import uuid
from typing import TYPE_CHECKING, Final

import msgspec

from agent.errors import (
    MooringError,
    NrfModemOff,
    NrfNoAttestation,
    NrfNotTriggered,
    NrfSilent,
    NrfTokenDamaged,
    NrfTokenStale,
    NrfUnanswered,
)
from agent.protocols.nrf import at, cme
from agent.protocols.nrf.at import Answer, Dialect, End
from agent.protocols.nrf.cose import NONCE_BYTES, Damaged, Problem
from agent.protocols.nrf.logs import Progress, Seen, TokenPrinted, TokenSpoiled
from agent.protocols.nrf.token import AttestationToken, parse_token
from agent.sessions.nrf_errors import library_refused, refused
from agent.sessions.nrf_wire import NrfWire
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from re import Pattern

    from agent.links.link import Link

BAUD: Final = 115_200
TOKEN_TRIES: Final = 3
"""A log line in the middle spoils a token; the next one is whole."""
TRIGGERS: Final = ("att_cloud provision", "att_cloud_provision now", "nrf_provisioning now")
"""From the newest to the oldest; a firmware knows one of them."""

_TOKEN: Final = re.compile(r'%ATTESTTOKEN: ?"?([^"]*)"?')
_BARE_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_.-]*")
_NO_TOKEN: Final = re.compile(r"Failed to get token, err (-?\d+)")
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}")
"""Older libraries write it in capitals without hyphens."""
_MODEL: Final = re.compile(r"nRF\d\w*(?:-\w+)*", re.IGNORECASE)
_FIRMWARE: Final = re.compile(r"mfw_\S+")
_SIM: Final = re.compile(r"\+CPIN: ?(.*)")
_NOT_STARTED: Final = re.compile(r"zbus_chan_pub, error.*|Provisioning (?:library is not|failed).*")


class NrfBoard(msgspec.Struct, frozen=True, kw_only=True):
    """What a board says of itself; cleaned. What it does not say is empty."""

    dialect: str
    """A :class:`agent.protocols.nrf.at.Dialect`, in words."""
    imei: str = ""
    model: str = ""
    """Of the modem: ``nRF9151-LACA``."""
    modem_firmware: str = ""
    """``mfw_nrf91x1_2.0.2``."""
    device_id: str = ""
    """UUID; only from a firmware that tells it without a token."""
    sim: str = ""
    """``READY``, ``absent``, or what the modem says."""


async def open_nrf(
    link: Link, *, tries: int = at.TRIES, limit_s: float = at.ANSWER_LIMIT_S
) -> NrfSession:
    """Find out what is spoken on ``link``, which belongs to the session from now on.

    Raises :class:`NrfSilent` after twice ``limit_s`` for each try, if nothing at all answers.
    """
    session = NrfSession(link)
    try:
        await session.connect(tries, limit_s)
    except BaseException:
        await session.close()
        raise
    return session


async def open_first(
    links: Sequence[Link], *, tries: int = at.TRIES, limit_s: float = at.ANSWER_LIMIT_S
) -> NrfSession:
    """The session on the first of a board's ports that answers; the others are closed.

    All are asked at once. If none answers, the error says it of each port.
    """
    attempts = [
        asyncio.ensure_future(open_nrf(link, tries=tries, limit_s=limit_s)) for link in links
    ]
    try:
        await _first(attempts)
    finally:
        for attempt in attempts:
            attempt.cancel()
        ended = await asyncio.gather(*attempts, return_exceptions=True)
    sessions = [each for each in ended if isinstance(each, NrfSession)]
    for extra in sessions[1:]:
        await extra.close()
    if sessions:
        return sessions[0]
    raise _silent([each for each in ended if isinstance(each, MooringError)])


def _silent(errors: Sequence[MooringError]) -> MooringError:
    """Why no port answers: a port that cannot be used at all says more than one that is silent."""
    if not errors:
        return NrfSilent(port="", why="The board has no serial port.")
    for error in errors:
        if not isinstance(error, NrfSilent):
            return error
    whys = {str(each.facts["port"]): str(each.facts["why"]) for each in errors}
    if len(set(whys.values())) == 1:
        return NrfSilent(port=", ".join(whys), why=next(iter(whys.values())))
    return NrfSilent(port=", ".join(whys), why=" ".join(f"{at}: {why}" for at, why in whys.items()))


async def _first(attempts: Sequence[asyncio.Future[NrfSession]]) -> None:
    waiting = set(attempts)
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if any(each.exception() is None for each in done):
            return


class NrfSession:
    """One board on one port; made by :func:`open_nrf`. Errors are ``agent.errors``."""

    def __init__(self, link: Link) -> None:
        self.wire = NrfWire(link)
        self.dialect = Dialect.AT
        self.modem = True
        """The modem answers; without it the shell alone does."""
        self._imei = ""

    async def connect(self, tries: int, limit_s: float) -> None:
        """Once, by the function above."""
        found = await self.wire.run(at.detect(tries, limit_s))
        if found.dialect is None:
            seen = {each.seen for each in self.wire.heard() if isinstance(each, Progress)}
            raise NrfSilent(port=self.wire.address, why=self._why(found.heard, seen))
        self.dialect, self.modem, self._imei = found.dialect, found.modem, found.imei
        if self.modem:
            # Errors with numbers; who does not know that gives none.
            await self.wire.run(at.command(self.dialect, "AT+CMEE=1"))

    async def identify(self) -> NrfBoard:
        """What the board is; changes nothing on it."""
        if self.dialect is Dialect.BARE_SHELL:
            answer = await self.wire.run(at.shell_command("nrf_provisioning uuid", wants=_UUID))
            found = answer.find(_UUID)
            return NrfBoard(
                dialect=self.dialect.value, device_id=str(uuid.UUID(found)) if found else ""
            )
        if not self.modem:
            raise NrfModemOff()
        model = await self.ask("AT+CGMM", _MODEL)
        firmware = await self.ask("AT+CGMR", _FIRMWARE)
        return NrfBoard(
            dialect=self.dialect.value,
            imei=self._imei,
            model=model.find(_MODEL) or "",
            modem_firmware=firmware.find(_FIRMWARE) or "",
            sim=await self._sim(),
        )

    async def read_token(self) -> AttestationToken:
        """A new attestation token, made in answer to a number that nobody knew before.

        A firmware that has only the provisioning library's commands takes no number, so that the
        age of its token is not known.
        """
        if self.dialect is Dialect.BARE_SHELL:
            return await self._library_token()
        if not self.modem:
            raise NrfModemOff()
        nonce = secrets.token_bytes(NONCE_BYTES)
        damaged: MooringError = NrfUnanswered(command="%ATTESTTOKEN")
        for _ in range(TOKEN_TRIES):
            answer = await self.ask(
                f'AT%ATTESTTOKEN="{nonce.hex()}"', _TOKEN, limit_s=at.SLOW_LIMIT_S
            )
            found = _TOKEN.fullmatch(answer.find(_TOKEN) or "")
            try:
                token = parse_token(found[1] if found else "")
            except Damaged as error:
                damaged = NrfTokenDamaged(problem=error.problem.value)
                continue
            if not token.fresh(nonce):
                damaged = NrfTokenStale()
                continue
            return token
        raise damaged

    async def catch_token(self, limit_s: float) -> AttestationToken | None:
        """The token that an unclaimed board prints by itself; None if none comes within the limit.

        Raises :class:`NrfTokenDamaged` for one that lost something on its way.
        """
        until = asyncio.get_running_loop().time() + limit_s
        while events := await self.wire.listen(until):
            for event in events:
                if isinstance(event, TokenPrinted):
                    return event.token
                if isinstance(event, TokenSpoiled):
                    raise NrfTokenDamaged(problem=event.problem.value)
        return None

    async def trigger(self) -> str:
        """Let the board ask the service for commands; the command that its firmware knows.

        Raises :class:`NrfNotTriggered`. How it goes on is :func:`agent.sessions.nrf_progress.follow`.
        """
        if self.dialect is Dialect.AT:
            raise NrfNotTriggered(why="Its firmware has AT commands alone, and no shell.")
        self.wire.forget()
        for command in TRIGGERS:
            answer = await self.wire.run(at.shell_command(command))
            if answer.end is End.UNKNOWN:
                continue
            said = answer.find(_NOT_STARTED)
            if said is not None:
                raise NrfNotTriggered(why=f"Its firmware answered “{clean_text(said)}”.")
            if answer.end is End.SILENT:
                raise NrfUnanswered(command=command)
            return command
        raise NrfNotTriggered(why="Its firmware knows no command for it.")

    async def ask(
        self,
        command: str,
        wants: Pattern[str] | None = None,
        *,
        limit_s: float = at.ANSWER_LIMIT_S,
        tries: int = at.TRIES,
    ) -> Answer:
        """One AT command that went well; raises :class:`NrfRefused`, :class:`NrfUnanswered`."""
        talk = at.command(self.dialect, command, wants=wants, limit_s=limit_s, tries=tries)
        answer = await self.wire.run(talk)
        if answer.end is End.OK:
            return answer
        raise refused(command, answer)

    async def close(self) -> None:
        """Release the port; never raises, may be called again."""
        await self.wire.close()

    # --- inside ------------------------------------------------------------------------------

    async def _library_token(self) -> AttestationToken:
        command = "nrf_provisioning token"
        damaged: MooringError = NrfUnanswered(command=command)
        for _ in range(TOKEN_TRIES):
            answer = await self.wire.run(at.shell_command(command))
            if answer.end is End.UNKNOWN:
                raise NrfNoAttestation()
            failed = _NO_TOKEN.fullmatch(answer.find(_NO_TOKEN) or "")
            if failed is not None:
                raise library_refused(failed[1])
            try:
                return parse_token(answer.find(_BARE_TOKEN) or "")
            except Damaged as error:
                if error.problem is not Problem.EMPTY:
                    damaged = NrfTokenDamaged(problem=error.problem.value)
        raise damaged

    async def _sim(self) -> str:
        talk = at.command(self.dialect, "AT+CPIN?", wants=_SIM)
        answer = await self.wire.run(talk)
        if answer.end is End.ERROR and answer.code in cme.NO_SIM:
            return "absent"
        found = _SIM.fullmatch(answer.find(_SIM) or "")
        return found[1] if found else ""

    def _why(self, heard: bool, seen: set[Seen]) -> str:
        if Seen.BOOTLOADER in seen and Seen.BOOTED not in seen:
            return "Only the bootloader (MCUboot) runs there; it has no firmware to start."
        if heard or self.wire.machine.heard_bytes:
            return "Something else speaks there: what came is no answer to AT commands."
        return "Nothing came at all, neither to AT commands nor to those of a shell."
