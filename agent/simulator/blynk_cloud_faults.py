"""What goes wrong on request in the simulated Blynk.Cloud, and a record of what was asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.simulator.cloud_faults import FaultQueue, RequestLog

Operation = Literal["oauth", "platform", "device", "login"]
"""Tokens of clients, calls with them, calls with a board's token, and logins of boards."""
Act = Literal["hang", "close", "lose", "status", "text", "quirk", "garbage"]
"""``hang``: nothing is done or said, and the connection stays. ``close``: nothing is done, the
connection ends. ``lose``: it is done, the connection ends without an answer. ``status``: refused with
this status (MQTT: this code). ``text``: answered with this text. Logins over MQTT only: ``quirk``:
refused in the numbers of 3.1.1, as a deleted device is; ``garbage``: with a CONNACK that nobody can
read."""


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong."""

    act: Act
    operation: Operation | None = None
    """None: any."""
    path: str = ""
    """Only where the path ends so; empty: any."""
    times: int | None = 1
    """How often; None: until it is cleared."""
    status: int = 500
    retry_after: str | None = None
    text: str = "{"


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as the server saw it; no secret of it is kept."""

    operation: Operation
    what: str
    """Method and path without its query, or ``CONNECT``."""
    outcome: str
    """A status, a reason code, ``closed`` or ``hang``."""


class Faults(FaultQueue[Fault]):
    """Faults that wait for their turn, in the order in which they were asked for."""

    def take(self, operation: Operation, path: str = "") -> Fault | None:
        """The fault that this request meets."""
        return self.take_fitting(
            lambda fault: fault.operation in {None, operation} and path.endswith(fault.path)
        )


class Record(RequestLog[SeenRequest]):
    """What was asked of the server, oldest first."""

    def add(self, operation: Operation, what: str, outcome: str) -> None:
        """Remember a request."""
        self.requests.append(SeenRequest(operation, what, outcome))

    def count(self, what: str) -> int:
        """How many requests there were whose method and path end so."""
        return sum(1 for seen in self.requests if seen.what.endswith(what))
