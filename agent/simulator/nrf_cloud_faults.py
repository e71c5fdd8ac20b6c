"""What goes wrong on request in the simulated nRF Cloud, and a record of what was asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.simulator.cloud_faults import FaultQueue, RequestLog

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
    "discard",
    "record",
    "records",
    "rename",
    "shadow",
    "delete",
    "bulk",
    "errors",
    "board",
    "listen",
]
"""Calls by what they do; ``claim`` also asks whether it could be done, ``board`` is a device's own.
``listen`` is one too: it waits for news of its shadow, again and again."""
Act = Literal["hang", "close", "lose", "slow", "status", "text"]
"""``hang``: nothing is done or said, and the connection stays. ``close``: nothing is done, the
connection ends. ``lose``: it is done, the connection ends without an answer. ``slow``: answered after
a time. ``status``: refused with this status. ``text``: done, and answered with this text."""


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong."""

    act: Act
    operation: Operation | None = None
    """None: any but ``listen``, which would always be the first to come."""
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


class Faults(FaultQueue[Fault]):
    """Faults that wait for their turn, in the order in which they were asked for."""

    def take(self, operation: Operation) -> Fault | None:
        """The fault that this request meets."""
        any_of = {operation} if operation == "listen" else {None, operation}
        return self.take_fitting(lambda fault: fault.operation in any_of)


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as the cloud saw it; no secret of it is kept."""

    operation: Operation
    method: str
    at: float
    """Unix seconds."""
    status: int
    """0: no answer."""


class Record(RequestLog[SeenRequest]):
    """What was asked of the cloud, oldest first."""

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
