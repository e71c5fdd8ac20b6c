"""Programs on a board with MicroPython or CircuitPython, over a link."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

from agent.errors import BoardHasNoDelivery, DeliveryFailed, PortGone
from agent.protocols import raw_repl, repl_code
from agent.sessions.turn import take_turn
from agent.settings import decode_text

if TYPE_CHECKING:
    from agent.links.link import Link
    from agent.protocols.raw_repl import Outcome

RUN_LIMIT_S: Final = 10.0
"""For one of our programs to say something: the slowest writes a block of flash, at most 1 s."""


class BoardSaid(Exception):
    """A program of ours ended with an error; what it said is not shown as it is."""

    def __init__(self, error: bytes) -> None:
        super().__init__("an error on the board")
        self.number = repl_code.error_number(error)
        """Of an OSError."""
        self.words = decode_text(repl_code.last_line(error), 120)
        """The last line of the traceback, cleaned. It quotes nothing of a program."""


class ReplWire:
    """One raw REPL. It takes one request at a time, and is entered again when it must be."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._machine = raw_repl.RawRepl()
        self._closed = False
        self.stopped = False
        """The board's own program does not run, because of us."""
        self.ready = False
        """The board waits for a program; else it must be entered (again)."""

    async def enter(self, limit_s: float) -> None:
        """Stop the board's program; :class:`BoardHasNoDelivery` if there is no Python prompt."""
        nonce = f"mooring{secrets.token_hex(8)}".encode()
        self._machine.enter(nonce, self._now(), limit_s)
        outcome = await self._finish()
        if isinstance(outcome, raw_repl.Failed):
            raise BoardHasNoDelivery(tried="the prompt of MicroPython or CircuitPython: no answer")
        self.stopped = self.ready = True
        await self.run(repl_code.PRELUDE)

    async def run(self, code: bytes) -> bytes:
        """What a program said; raises :class:`BoardSaid`, :class:`DeliveryFailed`."""
        self._machine.run(code, self._now(), RUN_LIMIT_S)
        self.ready = False
        outcome = await self._finish()
        if isinstance(outcome, raw_repl.Ended):
            self.ready = True
            if outcome.error:
                raise BoardSaid(outcome.error)
            return outcome.output
        if isinstance(outcome, raw_repl.Failed) and outcome.reason is raw_repl.Reason.TOO_MUCH:
            raise DeliveryFailed(why="It wrote more than it was asked for, without an end.")
        raise DeliveryFailed(why="Its Python prompt fell silent.")

    async def ask(self, code: bytes) -> dict[str, str]:
        """What a program said, by its words."""
        return repl_code.said(await self.run(code))

    async def restart(self) -> bool:
        """Start the board's own program again; whether the board said so."""
        self._machine.restart(self._now())
        self.stopped = self.ready = False
        outcome = await self._finish()
        return isinstance(outcome, raw_repl.Restarted) and outcome.seen

    async def listen(self) -> bytes:
        """What the board's own program writes."""
        self._raise_if_closed()
        return self._machine.take_rest() or await self._link.receive()

    async def close(self) -> None:
        """Release the port; never raises, may be called again."""
        self._closed = True
        self._machine.abandon()
        await self._link.close()

    async def _finish(self) -> Outcome:
        machine = self._machine
        try:
            while machine.outcome is None:
                self._raise_if_closed()
                await take_turn(machine, self._link)
            for data in machine.take_writes():
                await self._link.write(data)
            return machine.outcome
        finally:
            machine.abandon()

    def _raise_if_closed(self) -> None:
        if self._closed:
            raise PortGone(port=self._link.address)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
