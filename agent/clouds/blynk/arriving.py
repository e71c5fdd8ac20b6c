"""Waits for a board: asks when the machine says so, and wakes when the board itself speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.clouds.clock import sleep_or_hear
from agent.errors import BlynkNotArrived, BlynkTokenUnknown, CloudError
from agent.protocols.blynk.arrival import (
    ARRIVAL_LIMIT_S,
    Arrival,
    Arrived,
    Ask,
    Late,
    Refused,
    Wait,
)

if TYPE_CHECKING:
    import asyncio

    from agent.clouds.blynk.device import DeviceInterface
    from agent.clouds.clock import Clock
    from agent.protocols.blynk.arrival import Step
    from agent.settings import Secret


async def wait_for_board(
    interface: DeviceInterface,
    token: Secret,
    *,
    title: str,
    server: str,
    clock: Clock,
    fresh: bool,
    heard: asyncio.Event | None = None,
    limit_s: float = ARRIVAL_LIMIT_S,
) -> float:
    """Seconds until the board was online.

    ``fresh``: the token is of no device until the board has logged in, so that nobody knowing it is
    no refusal. ``heard`` is set by whoever hears from the board that it is connected. Raises
    :class:`BlynkNotArrived`, and :class:`BlynkTokenUnknown` for a token that stays unknown.
    """
    wait = Arrival(clock.monotonic(), limit_s, fresh=fresh)
    while True:
        step = wait.step(clock.monotonic())
        match step:
            case Arrived(after_s=seconds):
                return seconds
            case Refused():
                raise BlynkTokenUnknown(cloud=title, server=server)
            case Late(detail=detail):
                shown = round(limit_s)
                raise BlynkNotArrived(cloud=title, server=server, seconds=shown, detail=detail)
            case Wait(seconds=seconds):
                if await sleep_or_hear(clock, seconds, heard):
                    wait.heard(clock.monotonic())
            case Ask():
                await _ask(interface, token, wait, clock)


async def _ask(interface: DeviceInterface, token: Secret, wait: Arrival, clock: Clock) -> Step:
    try:
        connected = await interface.connected(token, repeatable=False)
    except BlynkTokenUnknown as error:
        return wait.failed(str(error), clock.monotonic(), unknown=True)
    except CloudError as error:
        detail = str(error.facts.get("detail") or error)
        return wait.failed(detail, clock.monotonic())
    return wait.answered(connected, clock.monotonic())
