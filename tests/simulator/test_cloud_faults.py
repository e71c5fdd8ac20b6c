"""Faults that wait for their turn, and the record of requests."""

from __future__ import annotations

from dataclasses import dataclass

from agent.simulator.cloud_faults import HISTORY, FaultQueue, RequestLog


@dataclass(slots=True)
class Fault:
    name: str
    times: int | None = 1


def take(queue: FaultQueue[Fault], name: str) -> Fault | None:
    return queue.take_fitting(lambda fault: fault.name == name)


def test_a_fault_is_met_as_often_as_it_says_and_then_forgotten():
    queue: FaultQueue[Fault] = FaultQueue()
    fault = Fault("a", times=2)
    queue.add(fault)
    assert [take(queue, "a") for _ in range(3)] == [fault, fault, None]
    assert queue.waiting == []


def test_a_fault_without_a_number_stays_until_it_is_cleared():
    queue: FaultQueue[Fault] = FaultQueue()
    queue.add(Fault("a", times=None))
    assert all(take(queue, "a") for _ in range(5))
    queue.clear()
    assert take(queue, "a") is None


def test_the_first_that_fits_is_met_and_others_keep_waiting():
    queue: FaultQueue[Fault] = FaultQueue()
    others, first, second = Fault("b"), Fault("a"), Fault("a", times=None)
    for fault in (others, first, second):
        queue.add(fault)
    assert take(queue, "a") is first
    assert take(queue, "a") is second
    assert queue.waiting == [others, second]


def test_a_record_forgets_the_oldest_first():
    log: RequestLog[int] = RequestLog()
    log.requests.extend(range(HISTORY + 2))
    assert (len(log.requests), log.requests[0], log.requests[-1]) == (HISTORY, 2, HISTORY + 1)
