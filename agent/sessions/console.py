"""Settings onto a sketch that speaks our serial console (docs/console.md).

The port carries the sketch's log as well; nothing of it is kept or shown, because a board may
echo what it is sent. Links are opened with the baud of the sketch, :data:`BAUD` in the example.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from agent.errors import BoardHasNoDelivery, PortGone
from agent.protocols import board_keys
from agent.protocols.console import talk
from agent.protocols.console.host import HostMachine
from agent.sessions.console_errors import console_error
from agent.sessions.delivery import BoardHardware, CloudState
from agent.sessions.turn import take_turn
from agent.settings import decode_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.links.link import Link
    from agent.protocols.board_keys import Group
    from agent.sessions.delivery import CloudOutcome
    from agent.settings.credentials import BoardSettings

BAUD: Final = 115_200
"""Of the example sketch."""
OPEN_LIMIT_S: Final = 12.0
"""For the first answer. Opening the port restarts many boards, and they need 1-3 s; one that goes on
may just be joining a network, for which some libraries need 10 s and do nothing else meanwhile."""
STATUS_EVERY_S: Final = 1.0
"""Between two questions whether the board is connected; joining a network takes 2-10 s."""
STATUS_FIRST_S: Final = 0.1
"""After the first one, and then twice as long each time: a board on a cable is there at once."""

PROMPT_BYTES: Final = 256
"""A wrong line, what Python says to it, and the next prompt."""

T = TypeVar("T")
_PROMPT: Final = re.compile(rb"SyntaxError[^\r\n]*\r?\n>>> ")
_OUTCOMES: Final[dict[str, CloudOutcome]] = {
    "connected": "connected",
    "refused": "refused",
    "network-failed": "network-failed",
    "idle": "unknown",
}
"""State of a board to what comes of it; other states, ``connecting`` among them, are waited through."""


async def open_console(link: Link, *, limit_s: float = OPEN_LIMIT_S) -> ConsoleDelivery:
    """Say hello to the sketch on ``link``; returns when it answered.

    Raises :class:`BoardHasNoDelivery` after ``limit_s``. The link belongs to the delivery from
    now on and is closed if this raises.
    """
    delivery = ConsoleDelivery(link)
    try:
        await delivery.connect(limit_s)
    except BaseException:
        await delivery.close()
        raise
    return delivery


class ConsoleDelivery:
    """See :class:`agent.sessions.delivery.Delivery`; made by :func:`open_console`."""

    kind: Literal["console"] = "console"

    def __init__(self, link: Link) -> None:
        self._link = link
        self._machine = HostMachine(secrets.token_hex(4))
        self._board = talk.Hello()
        self._secrets: set[bytes] = set()
        self._one_request = asyncio.Lock()
        self._closed = False
        self._heard: bytes | None = None
        """The end of what was heard, as long as it may be a Python prompt that answers."""

    async def connect(self, limit_s: float) -> None:
        """Get the first answer; once, by the function above."""
        self._heard = b""
        try:
            self._board = await self._hello(limit_s)
        finally:
            self._heard = None

    async def identify(self) -> BoardHardware:
        """What the board is and holds."""
        self._board = await self._hello(talk.TRIES * talk.ANSWER_LIMIT_S)
        facts = self._board.facts
        holds = await self._run(talk.get("tb_name"), talk.Value)
        return BoardHardware(
            hardware_id=self._board.hardware_id,
            family=decode_text(facts.get("family", b"")).lower(),
            firmware=decode_text(facts.get("firmware", b"")),
            version=decode_text(facts.get("version", b"")),
            holds=decode_text(holds.data),
            networks="network" in self._board.groups,
        )

    async def put(self, settings: BoardSettings, progress: Callable[[int, int], None]) -> None:
        """Replace these settings on the board, whole or not at all; see the interface."""
        values = board_keys.flatten(settings)
        await self._put(board_keys.groups(settings), values, progress)

    async def cloud_state(self, limit_s: float) -> CloudState:
        """Ask until the board knows how its connection ended."""
        loop = asyncio.get_running_loop()
        end = loop.time() + limit_s
        detail = ""
        every = STATUS_FIRST_S
        while True:
            found = await self._ask(talk.status())
            if isinstance(found, talk.Status):
                detail = self._shown(found.detail)
                outcome = _OUTCOMES.get(found.state)
                if outcome is not None:
                    return CloudState(outcome=outcome, detail=detail)
            elif isinstance(found, talk.Failure) and found.reason is not talk.Reason.SILENT:
                return CloudState(outcome="unknown")
            # Silence: it is joining a network, or restarts to begin with the new settings.
            pause = min(every, end - loop.time())
            every = min(2 * every, STATUS_EVERY_S)
            if pause <= 0:
                return CloudState(outcome="unknown", detail=detail)
            await self._listen(pause)

    async def erase(self) -> None:
        """Remove network and cloud settings, as far as the board has them."""
        groups: list[Group] = ["network", "cloud"]
        await self._put([name for name in groups if name in self._board.groups], {}, _tell_nobody)

    async def close(self) -> None:
        """Release the port; never raises, may be called again."""
        self._closed = True
        self._machine.abandon()
        await self._link.close()

    # --- inside ------------------------------------------------------------------------------

    async def _hello(self, limit_s: float) -> talk.Hello:
        found = await self._ask(talk.hello(limit_s))
        if isinstance(found, talk.Hello):
            return found
        tried = "the serial console of a sketch: no answer"
        if isinstance(found, talk.Failure) and found.reason is talk.Reason.VERSION:
            version = decode_text(" ".join(found.words).encode())
            tried = f"the serial console of a sketch: it has version {version}, not {talk.VERSION}"
        raise BoardHasNoDelivery(tried=tried)

    async def _put(
        self,
        groups: Sequence[Group],
        values: Mapping[str, bytes],
        progress: Callable[[int, int], None],
    ) -> None:
        secret = {values[name] for name in values if board_keys.BY_NAME[name].secret}
        self._secrets |= secret
        conversation = talk.put(self._machine.session, self._board, groups, values)
        total = sum(map(len, values.values()))
        await self._run(conversation, talk.Done, values, lambda done: progress(done, total))

    async def _run(
        self,
        conversation: talk.Conversation,
        kind: type[T],
        values: Mapping[str, bytes] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> T:
        result = await self._ask(conversation, progress)
        if isinstance(result, kind):
            return result
        assert isinstance(result, talk.Failure)  # noqa: S101  (what conversations return)
        raise console_error(result, values or {}, self._board.hardware_id)

    async def _ask(
        self, conversation: talk.Conversation, progress: Callable[[int], None] | None = None
    ) -> talk.Result:
        async with self._one_request:
            if self._closed:
                raise PortGone(port=self._link.address)
            machine = self._machine
            machine.start(conversation, self._now())
            told = -1
            try:
                while machine.result is None:
                    if progress is not None and machine.done != told:
                        told = machine.done
                        progress(told)
                    await self._turn()
            finally:
                machine.abandon()
            if progress is not None and machine.done != told:
                progress(machine.done)
            return machine.result

    async def _turn(self) -> None:
        self._look_for_prompt(await take_turn(self._machine, self._link))

    def _look_for_prompt(self, data: bytes) -> None:
        """A prompt takes our line for a wrong program and says so: nobody else will answer."""
        if self._heard is None:
            return
        self._heard = (self._heard + data)[-PROMPT_BYTES:]
        if _PROMPT.search(self._heard):
            tried = "the serial console of a sketch: a Python prompt answered"
            raise BoardHasNoDelivery(tried=tried)

    async def _listen(self, seconds: float) -> None:
        """Let the board talk; notices when it goes away."""
        async with self._one_request:
            try:
                async with asyncio.timeout(seconds):
                    while True:
                        self._machine.receive(await self._link.receive(), self._now())
            except TimeoutError:
                return

    def _shown(self, words: bytes) -> str:
        """What the board says, without the secrets that it was given."""
        for secret in self._secrets:
            words = words.replace(secret, b"***")
        return decode_text(words)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _tell_nobody(done: int, total: int) -> None:
    """An erasure has no values."""
