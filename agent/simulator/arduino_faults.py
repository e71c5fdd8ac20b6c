"""What can go wrong with the simulated Arduino Cloud on request, and what was asked of it."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

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

HISTORY: Final = 10_000
"""Requests that are remembered; older ones are forgotten first."""


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


class Faults:
    """Faults that wait for their turn, in the order in which they were asked for."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def answer(
        self,
        operation: Operation | None,
        status: int,
        *,
        times: int | None = 1,
        retry_after: str | None = None,
    ) -> None:
        """The next ``times`` requests are answered with this status (429 as the gateway does)."""
        self.waiting.append(Fault(operation, times, status=status, retry_after=retry_after))

    def slow(self, operation: Operation | None, seconds: float, *, times: int | None = 1) -> None:
        """The next ``times`` requests wait before they are looked at."""
        self.waiting.append(Fault(operation, times, delay_s=seconds))

    def drop(
        self,
        operation: Operation | None,
        when: Literal["before", "after"],
        *,
        times: int | None = 1,
    ) -> None:
        """The connection of the next ``times`` requests is cut before or after it took effect."""
        self.waiting.append(Fault(operation, times, drop=when))

    def refuse(
        self,
        operation: Operation,
        err_code: int,
        err: str = "refused on request",
        *,
        times: int | None = 1,
    ) -> None:
        """The next ``times`` requests are refused as the cloud itself refuses."""
        self.waiting.append(Fault(operation, times, err_code=err_code, err=err))

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
    """A request as the cloud saw it; no header, no body."""

    operation: Operation
    at: float
    """Unix seconds."""
    status: int | None
    """None: the connection was cut without an answer."""


class Record:
    """What was asked of the cloud."""

    def __init__(self) -> None:
        self.requests: deque[SeenRequest] = deque(maxlen=HISTORY)
        self.claims: Counter[str] = Counter()
        """Claims that succeeded, by hardware id."""
        self.unclaims: Counter[str] = Counter()
        """Claims that were undone, by hardware id."""

    def count(self, operation: Operation) -> int:
        """How many requests of this kind arrived, whatever became of them."""
        return sum(1 for request in self.requests if request.operation == operation)
