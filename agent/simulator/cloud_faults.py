"""What the faults and records of all simulated clouds share; each cloud says what its own are."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

HISTORY: Final = 10_000
"""Requests that are remembered; older ones are forgotten first."""


class Counted(Protocol):
    """What goes wrong so many times."""

    times: int | None
    """How often; None: until it is cleared."""


_Fault = TypeVar("_Fault", bound=Counted)
_Seen = TypeVar("_Seen")


class FaultQueue(Generic[_Fault]):
    """Faults that wait for their turn, in the order in which they were asked for."""

    def __init__(self) -> None:
        self.waiting: list[_Fault] = []

    def add(self, fault: _Fault) -> None:
        """The next requests that it fits meet it."""
        self.waiting.append(fault)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.waiting.clear()

    def take_fitting(self, fits: Callable[[_Fault], bool]) -> _Fault | None:
        """The first that fits, counted down and forgotten after its last time."""
        for fault in self.waiting:
            if fits(fault):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.waiting.remove(fault)
                return fault
        return None


class RequestLog(Generic[_Seen]):
    """What was asked of a cloud, oldest first."""

    def __init__(self) -> None:
        self.requests: deque[_Seen] = deque(maxlen=HISTORY)
