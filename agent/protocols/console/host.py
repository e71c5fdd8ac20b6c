"""The host's side of the console as a machine without I/O and without a clock.

Begin a conversation (:mod:`agent.protocols.console.talk`) with :meth:`HostMachine.start`; write what
:meth:`HostMachine.take_writes` returns; hand over what was received and the time; done when
:attr:`HostMachine.result` is set. A line whose answer does not come is sent again; boards take each
line twice without harm. Source: docs/console.md.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agent.protocols.console.lines import END, Line, LineReader, encode_line
from agent.protocols.console.talk import NUMBERS, Request

if TYPE_CHECKING:
    from agent.protocols.console.talk import Answer, Conversation, Result


class HostMachine:
    """One link to one board. ``now`` is any clock that only grows, in seconds.

    ``session`` is 8 hex digits that no other host has, and no earlier session of this one.
    """

    def __init__(self, session: str) -> None:
        self.session = session
        self.result: Result | None = None
        """How the conversation that was started last ended; None while it runs."""
        self.done = 0
        """Bytes of values that are on the board; falls back when a delivery begins again."""
        self._reader = LineReader("moored")
        self._conversation: Conversation | None = None
        self._request = Request(())
        self._number = 0
        self._line = b""
        self._tries = 0
        self._writes: list[bytes] = []
        self._deadline = math.inf

    @property
    def next_deadline(self) -> float:
        """When :meth:`tick` must be called at the latest; infinity: never."""
        return self._deadline

    def start(self, conversation: Conversation, now: float) -> None:
        """Begin; one that still runs is given up, and what comes in answer to it is passed over."""
        self.abandon()
        self.result = None
        self.done = 0
        self._conversation = conversation
        self._go_on(None, now, first=True)

    def receive(self, data: bytes, now: float) -> None:
        """Bytes of the board."""
        for line in self._reader.feed(data):
            if line.tag == self._tag and self._conversation is not None:
                if line.words[0] == "ok":
                    self.done = self._request.done
                self._go_on(line.words, now)

    def tick(self, now: float) -> None:
        """The time; harmless before :attr:`next_deadline`."""
        if self._conversation is None or now < self._deadline:
            return
        if self._tries < self._request.tries:
            self._write(now)
        else:
            self._go_on(None, now)

    def abandon(self) -> None:
        """Give up what runs."""
        if self._conversation is not None:
            self._conversation.close()
        self._conversation = None
        self._writes, self._deadline = [], math.inf

    def take_writes(self) -> list[bytes]:
        """Lines to be written now, each with one call."""
        writes, self._writes = self._writes, []
        return writes

    # --- inside ------------------------------------------------------------------------------

    @property
    def _tag(self) -> str:
        return f"{self.session}.{self._number}"

    def _go_on(self, answer: Answer, now: float, *, first: bool = False) -> None:
        assert self._conversation is not None  # noqa: S101  (asked before)
        try:
            request = next(self._conversation) if first else self._conversation.send(answer)
        except StopIteration as ended:
            self.result = ended.value
            self._conversation = None
            self._writes, self._deadline = [], math.inf
            return
        self._request = request
        self._number = self._number % (NUMBERS - 1) + 1
        self._line = encode_line(Line("mooring", self._tag, request.words))
        self._tries = 0
        self._write(now)

    def _write(self, now: float) -> None:
        # An end before a line that is sent again: half of the first one may be on the board.
        self._writes.append(END * bool(self._tries) + self._line)
        self._tries += 1
        self._deadline = now + self._request.limit_s
