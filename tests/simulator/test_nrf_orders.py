"""How a simulated board waits for what its shadow wants of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.simulator.nrf_orders import NoOrders, ServiceAwayError, next_command

if TYPE_CHECKING:
    from collections.abc import Iterable


class Said(NoOrders):
    """A service that says this, and is away where there is nothing."""

    def __init__(self, said: Iterable[int | None]) -> None:
        super().__init__(claimed=True)
        self.said = list(said)
        self.asked: list[tuple[str, int]] = []

    async def hear(self, token: str, last: int) -> int:
        self.asked.append((token, last))
        number = self.said.pop(0)
        if number is None:
            raise ServiceAwayError
        return number


async def waits(said: Iterable[int | None]) -> tuple[list[float], Said]:
    """The pauses until it was told, and whom it asked."""
    service, pauses = Said(said), []

    async def wait(seconds: float) -> None:
        pauses.append(seconds)

    assert await next_command(service, lambda: "token", 6, wait) == 7
    return pauses, service


async def test_it_asks_again_at_once_with_the_last_number_while_the_service_is_there():
    pauses, service = await waits([0, 0, 7])
    assert pauses == []
    assert service.asked == [("token", 6)] * 3


async def test_a_service_that_is_away_is_asked_less_and_less_often():
    pauses, _ = await waits([None] * 6 + [0, None, 7])
    assert pauses == [5, 10, 20, 40, 60, 60, 5]
