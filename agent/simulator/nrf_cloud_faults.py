"""What goes wrong on request in the simulated nRF Cloud, and a record of what was asked of it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

Operation = Literal[
    "account",
    "claim",
    "claimed",
    "unclaim",
    "queue",
    "command",
    "rule",
    "tag",
    "onboard",
    "record",
    "rename",
    "shadow",
    "delete",
    "bulk",
    "errors",
    "board",
]
"""Calls by what they do; ``claim`` also asks whether it could be done, ``board`` is a device's own."""
Act = Literal["hang", "close", "lose", "slow", "status", "text"]
"""``hang``: nothing is done or said, and the connection stays. ``close``: nothing is done, the
connection ends. ``lose``: it is done, the connection ends without an answer. ``slow``: answered after
a time. ``status``: refused with this status. ``text``: done, and answered with this text."""

HISTORY: Final = 10_000
"""Requests that are remembered; older ones are forgotten first."""


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong."""

    act: Act
    operation: Operation | None = None
    """None: any."""
    times: int | None = 1
    """How often; None: until it is cleared."""
    seconds: float = 0.0
    """With ``slow``."""
    status: int = 500
    """With ``status``."""
    retry_after: str | None = None
    """With ``status``."""
    text: str = "{"
    """With ``text``; with ``status`` the message."""


class Faults:
    """Faults that wait for their turn, in the order in which they were asked for."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """The next requests that it fits meet it."""
        self.waiting.append(fault)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.waiting.clear()

    def take(self, operation: Operation) -> Fault | None:
        """The fault that this request meets."""
        for fault in self.waiting:
            if fault.operation in {None, operation}:
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.waiting.remove(fault)
                return fault
        return None


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as the cloud saw it; no secret of it is kept."""

    operation: Operation
    method: str
    at: float
    """Unix seconds."""
    status: int
    """0: no answer."""


class Record:
    """What was asked of the cloud, oldest first."""

    def __init__(self) -> None:
        self.requests: deque[SeenRequest] = deque(maxlen=HISTORY)

    def add(self, operation: Operation, method: str, at: float, status: int) -> None:
        """Remember a request."""
        self.requests.append(SeenRequest(operation, method, at, status))

    def count(self, operation: Operation, status: int | None = None) -> int:
        """How many requests of this kind there were, whatever became of them or with a status."""
        return sum(
            1
            for seen in self.requests
            if seen.operation == operation and status in {None, seen.status}
        )
