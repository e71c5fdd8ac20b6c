"""What goes wrong on request in the simulated ThingsBoard, and a record of what was asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.simulator.cloud_faults import FaultQueue, RequestLog

Operation = Literal["provision", "connect", "device", "login", "admin"]
"""``connect`` is an MQTT CONNECT that is no provisioning; ``device`` the device's own calls, over
HTTP and CoAP each, and over MQTT each message; ``admin`` all calls that need a sign-in."""
Carrier = Literal["http", "mqtt", "coap"]
Act = Literal["hang", "close", "lose", "twice", "elsewhere", "slow", "status", "text"]
"""``hang``: nothing is done or said, and the connection stays. ``close``: nothing is done, the
connection ends. ``lose``: it is done, the connection ends without an answer. ``twice``: answered
twice (MQTT). ``elsewhere``: answered on another topic (MQTT). ``slow``: answered after a time.
``status``: refused with this status (MQTT has none: closed); with an empty text it is the server's
core that says nothing. ``text``: answered with this text."""


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong."""

    act: Act
    operation: Operation | None = None
    """None: any."""
    carrier: Carrier | None = None
    """None: any."""
    times: int | None = 1
    """How often; None: until it is cleared."""
    seconds: float = 0.0
    """With ``slow``."""
    status: int = 500
    """With ``status``: of HTTP; CoAP has its like."""
    retry_after: str | None = None
    """With ``status``."""
    text: str = "{"
    """With ``text``; with ``elsewhere`` the topic is this; empty with ``status``: see there."""


class Faults(FaultQueue[Fault]):
    """Faults that wait for their turn, in the order in which they were asked for."""

    def take(self, operation: Operation, carrier: Carrier) -> Fault | None:
        """The fault that this request meets."""
        return self.take_fitting(
            lambda fault: fault.operation in {None, operation} and fault.carrier in {None, carrier}
        )


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as the server saw it; no secret of it is kept."""

    carrier: Carrier
    operation: Operation
    at: float
    """Unix seconds."""
    outcome: str
    """``SUCCESS``, ``FAILURE``, ``NOT_FOUND``; a status of HTTP; ``closed``, ``hang``, …"""


class Record(RequestLog[SeenRequest]):
    """What was asked of the server, oldest first."""

    def add(self, carrier: Carrier, operation: Operation, at: float, outcome: str) -> None:
        """Remember a request."""
        self.requests.append(SeenRequest(carrier, operation, at, outcome))

    def count(self, operation: Operation, outcome: str | None = None) -> int:
        """How many requests of this kind there were, whatever became of them or with an outcome."""
        return sum(
            1
            for seen in self.requests
            if seen.operation == operation and outcome in {None, seen.outcome}
        )
