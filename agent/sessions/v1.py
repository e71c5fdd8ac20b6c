"""Provisioning 1.0 over a link, and the number that a LoRa board prints.

No task of its own: bytes wait in the link between two requests. Links for these sketches are
opened with :data:`BAUD` and :data:`LORA_BAUD`. Source: protocol-v1, sections 2, 5 and 6.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from agent.errors import (
    AnswerMissing,
    CommandRefused,
    NetworkModuleFailed,
    PortGone,
    SketchHalted,
    WrongSketch,
)
from agent.protocols.v1 import host
from agent.protocols.v1.commands import Command
from agent.protocols.v1.console import is_console_text
from agent.protocols.v1.lora import EuiCollector
from agent.sessions.turn import take_turn
from agent.settings import decode_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.errors import MooringError
    from agent.links.link import Link
    from agent.protocols.v1.certificate import CompressedCertificate
    from agent.protocols.v1.host import Ask, Refused, Silent

BAUD: Final = 57_600
"""Of the provisioning sketch."""
LORA_BAUD: Final = 9_600
"""Of the LoRa sketch."""
EUI_LIMIT_S: Final = 20.0
"""The modem starts in some seconds; then a line comes every 3 s and two whole ones are needed."""


async def open_v1_session(link: Link, *, flashed: bool = False) -> V1Session:
    """Ask the sketch on ``link`` whether it listens.

    ``flashed``: the sketch was written just now, so it is asked more often. Raises
    :class:`SketchHalted` if nothing answers (reset the board once, then it is final) and
    :class:`WrongSketch` if the console sketch of 1.0 is heard. The link belongs to the session
    from now on and is closed if this raises.
    """
    session = V1Session(link)
    try:
        await session.sketch_info(tries=host.FLASHED_TRIES if flashed else 1)
    except BaseException:
        await session.close()
        raise
    return session


class V1Session:
    """One conversation with a 1.0 sketch; made by :func:`open_v1_session`.

    After :class:`AnswerMissing`, or a request that was cancelled, nothing more is sent: the board
    must be reset and a new session opened, beginning again with the certificate request.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._machine = host.HostMachine()
        self._one_request = asyncio.Lock()
        self._closed = False
        self._failure: MooringError | None = None

    async def sketch_info(self, *, tries: int = 1) -> None:
        """Return if the sketch listens; it has no version to tell."""
        await self._run(host.sketch_info(tries=tries))

    async def csr(self, device_id: str) -> str:
        """Make a new key; the certificate request for it (PEM), for the device of the cloud.

        ValueError unless the id has 36 ASCII characters. The key before it is lost.
        """
        request = await self._run(host.csr(device_id))
        assert request is not None  # noqa: S101  (the machine ends this with a request only)
        return request

    async def store_certificate(self, certificate: CompressedCertificate) -> None:
        """Store device id and certificate; :class:`CommandRefused` names what failed."""
        await self._run(host.store(certificate))

    async def close(self) -> None:
        """Release the port; never raises, may be called again."""
        self._closed = True
        self._machine.abandon()
        await self._link.close()

    async def _run(self, asks: Sequence[Ask]) -> str | None:
        async with self._one_request:
            if self._closed:
                raise PortGone(port=self._link.address)
            machine = self._machine
            if self._failure is not None and machine.stopped:
                raise self._failure
            await self._forget_unread()
            machine.start(asks, self._now())
            try:
                while machine.result is None:
                    await take_turn(machine, self._link)
            finally:
                machine.abandon()
            if isinstance(machine.result, host.Done):
                return machine.result.csr
            self._failure = self._error(machine.result)
            raise self._failure

    async def _forget_unread(self) -> None:
        """What waits in the link answers no command of this session; its text may still tell."""
        try:
            async with asyncio.timeout(0):
                self._machine.receive(await self._link.receive(), self._now())
        except TimeoutError:
            pass

    def _error(self, result: Refused | Silent) -> MooringError:
        machine = self._machine
        if is_console_text(machine.text):
            return WrongSketch(
                what="provisioning 1.0 by program",
                why="A 1.0 console sketch is running, which asks people instead.",
            )
        if isinstance(result, host.Refused):
            answer = "unreadable" if result.response is None else f"{result.response:02X}"
            return CommandRefused(command=result.command.words, answer=answer)
        seconds = round(result.seconds)
        if result.command is Command.SKETCH_INFO:
            return SketchHalted(
                seconds=seconds,
                why="Another sketch runs on it, or its secure element is missing or not usable.",
            )
        return AnswerMissing(command=result.command.words, seconds=seconds)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


async def read_eui(link: Link, *, limit_s: float = EUI_LIMIT_S) -> str:
    """The device EUI that the LoRa sketch prints: 16 upper-case hex digits.

    Raises :class:`NetworkModuleFailed` if the sketch says that its modem failed, and
    :class:`SketchHalted` if there were no two equal lines in time. The link stays open.
    """
    collector = EuiCollector()
    try:
        async with asyncio.timeout(limit_s):
            while collector.eui is None:
                collector.feed(await link.receive())
                if collector.failure is not None:
                    said = decode_text(collector.failure)
                    raise NetworkModuleFailed(why=f"Its sketch says: {said}")
    except TimeoutError:
        raise SketchHalted(seconds=round(limit_s), why=_no_eui(collector.heard)) from None
    return collector.eui


def _no_eui(heard: bytes) -> str:
    if not heard:
        return "It printed no device EUI: another sketch runs on it, or its modem does not start."
    return f"It printed no device EUI, but: {decode_text(heard)}"
