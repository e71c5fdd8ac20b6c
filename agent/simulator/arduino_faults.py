"""What can go wrong with the simulated Arduino Cloud on request, and what was asked of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agent.simulator.cloud_faults import FaultQueue, RequestLog

Operation: TypeAlias = Literal[
    "token",
    "supported",
    "binary",
    "register",
    "claim",
    "list",
    "unclaim",
    "csr",
    "complete",
    "device_create",
    "device_list",
    "device_show",
    "device_delete",
    "device_certify",
    "pass_suggest",
    "pass_set",
    "lora_create",
    "lora_plans",
]
"""The calls of the cloud; ``csr`` and ``complete`` are the board's."""


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong."""

    operation: Operation | None
    """None: with every call."""
    times: int | None
    """How often; None: until it is cleared."""
    delay_s: float = 0.0
    """Before the request is looked at."""
    status: int | None = None
    """Answered instead of doing anything."""
    retry_after: str | None = None
    drop: Literal["before", "after"] | None = None
    """The connection is cut before or after the request was carried out."""
    err_code: int | None = None
    """The cloud refuses with this number."""
    err: str = ""


class Faults(FaultQueue[Fault]):
    """Faults that wait for their turn, in the order in which they were asked for."""

    def answer(
        self,
        operation: Operation | None,
        status: int,
        *,
        times: int | None = 1,
        retry_after: str | None = None,
    ) -> None:
        """The next ``times`` requests are answered with this status (429 as the gateway does)."""
        self.add(Fault(operation, times, status=status, retry_after=retry_after))

    def slow(self, operation: Operation | None, seconds: float, *, times: int | None = 1) -> None:
        """The next ``times`` requests wait before they are looked at."""
        self.add(Fault(operation, times, delay_s=seconds))

    def drop(
        self,
        operation: Operation | None,
        when: Literal["before", "after"],
        *,
        times: int | None = 1,
    ) -> None:
        """The connection of the next ``times`` requests is cut before or after it took effect."""
        self.add(Fault(operation, times, drop=when))

    def refuse(
        self,
        operation: Operation,
        err_code: int,
        err: str = "refused on request",
        *,
        times: int | None = 1,
    ) -> None:
        """The next ``times`` requests are refused as the cloud itself refuses."""
        self.add(Fault(operation, times, err_code=err_code, err=err))

    def take(self, operation: Operation) -> Fault | None:
        """The fault that this request meets."""
        return self.take_fitting(lambda fault: fault.operation in {None, operation})


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as the cloud saw it; no header, no body."""

    operation: Operation
    at: float
    """Unix seconds."""
    status: int | None
    """None: the connection was cut without an answer."""


class Record(RequestLog[SeenRequest]):
    """What was asked of the cloud."""

    def __init__(self) -> None:
        super().__init__()
        self.claims: Counter[str] = Counter()
        """Claims that succeeded, by hardware id."""
        self.unclaims: Counter[str] = Counter()
        """Claims that were undone, by hardware id."""

    def count(self, operation: Operation) -> int:
        """How many requests of this kind arrived, whatever became of them."""
        return sum(1 for request in self.requests if request.operation == operation)
