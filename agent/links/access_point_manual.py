"""The manual way: a person joins the board's access point, and the agent waits until it answers.

Works on every system and without any right. The machine has no I/O and no clock;
:func:`wait_for_board` runs it.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from agent.errors import ApSilent, MooringError
from agent.settings import decode_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ADDRESS: Final = "192.168.4.1"
"""Of boards with Blynk's firmware, and of most others of their kind (cloud-blynk, section 2)."""
MANUAL_LIMIT_S: Final = 300.0
"""A person finds a phone or the menu, waits for the list, chooses, and answers a warning that the
network has no Internet."""
PROBE_PAUSE_S: Final = 1.0
"""Between two attempts; the answer is seen this much later at most."""
PROBE_LIMIT_S: Final = 3.0
"""In the board's network it answers within milliseconds; elsewhere nothing may come back at all."""
_ESCAPED: Final = re.compile(r'([\\;,:"])')


def qr_text(ssid: bytes) -> str | None:
    """The text of a QR code with which a phone or computer joins an open network.

    None for names that are not UTF-8: the format holds text. Format and escaping: ZXing, “Barcode
    Contents”, Wi-Fi network config; also WPA3 Specification 3.0, section 7.
    """
    try:
        name = ssid.decode("utf-8")
    except UnicodeDecodeError:
        return None
    escaped = _ESCAPED.sub(r"\\\1", name)
    return f"WIFI:T:nopass;S:{escaped};;"


@dataclass(frozen=True, slots=True)
class Answered:
    """The board has answered at its address."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nobody, or somebody else, has answered; ``now`` in seconds of a steady clock."""

    now: float


@dataclass(frozen=True, slots=True)
class Cancel:
    """The person gave up."""


Event: TypeAlias = Answered | Unanswered | Cancel


@dataclass(frozen=True, slots=True)
class Show:
    """What the person is shown while we wait."""

    name: str
    qr: str | None
    address: str
    limit_s: float


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask at the address once, ``after_s`` from now."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Finish:
    """The end. ``error``: why it failed; ``go_back``: the person has to leave that network again."""

    error: MooringError | None = None
    cancelled: bool = False
    go_back: bool = True


Effect: TypeAlias = Show | Probe | Finish


class ManualJoin:
    """``start`` gives what to show and the first question; ``handle`` what follows."""

    def __init__(
        self,
        ssid: bytes,
        *,
        address: str = ADDRESS,
        limit_s: float = MANUAL_LIMIT_S,
        pause_s: float = PROBE_PAUSE_S,
    ) -> None:
        self._ssid = ssid
        self._address = address
        self._limit_s = limit_s
        self._pause_s = pause_s
        self._deadline = 0.0
        self.finish: Finish | None = None

    def start(self, now: float) -> list[Effect]:
        """What to show, and the first question: the person may be there already."""
        self._deadline = now + self._limit_s
        name, qr = decode_text(self._ssid), qr_text(self._ssid)
        return [Show(name, qr, self._address, self._limit_s), Probe(0.0)]

    def handle(self, event: Event) -> list[Effect]:
        """What follows; nothing after the end."""
        if self.finish is not None:
            return []
        match event:
            case Answered():
                return self._end(Finish())
            case Cancel():
                return self._end(Finish(cancelled=True))
            case Unanswered(now) if now >= self._deadline:
                return self._end(Finish(error=self._silent()))
            case Unanswered(now):
                return [Probe(min(self._pause_s, self._deadline - now))]

    def _end(self, finish: Finish) -> list[Effect]:
        self.finish = finish
        return [finish]

    def _silent(self) -> ApSilent:
        name = decode_text(self._ssid)
        return ApSilent(ssid=name, address=self._address, limit_s=f"{self._limit_s:g}")


async def wait_for_board(
    machine: ManualJoin,
    probe: Callable[[], Awaitable[bool]],
    show: Callable[[Show], None],
) -> None:
    """Until the board answers; raises :class:`ApSilent`. Cancelling ends it at once.

    ``probe`` says whether the *board* answers, not just anybody at that address: many home networks
    have a device there too. It may raise OSError, and has PROBE_LIMIT_S.
    """
    clock = asyncio.get_running_loop().time
    effects = machine.start(clock())
    while effects:
        effect = effects.pop(0)
        match effect:
            case Show():
                show(effect)
            case Probe(after_s):
                await asyncio.sleep(after_s)
                answered = await _asked(probe)
                effects += machine.handle(Answered() if answered else Unanswered(clock()))
            case Finish(error):
                if error is not None:
                    raise error


async def _asked(probe: Callable[[], Awaitable[bool]]) -> bool:
    try:
        async with asyncio.timeout(PROBE_LIMIT_S):
            return await probe()
    except OSError:  # a TimeoutError is one
        return False
