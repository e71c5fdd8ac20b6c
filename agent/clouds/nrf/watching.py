"""Waiting for a board that was told to ask: its commands come by rules, and are done, or it is there.

The list of commands is not documented (cloud-nrf, section 4); where there is none, a device that
appears says as much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.clouds.clock import sleep_or_hear
from agent.clouds.nrf.commands import all_commands, failed, still_waits
from agent.clouds.nrf.records import record
from agent.errors import CloudAnswer, NrfNotOnboarded, NrfUnclaimed
from agent.protocols.nrf.commands import POLL_LIMIT_S, Progress, poll_delay_s

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Collection

    from agent.clouds.nrf.api import NrfApi
    from agent.protocols.nrf.answers import CommandState


async def listed(api: NrfApi, device_id: str) -> list[CommandState] | None:
    """All commands of a board, oldest first; None: there is no such list."""
    try:
        return await all_commands(api, device_id)
    except (CloudAnswer, NrfUnclaimed):
        return None


async def watch(
    api: NrfApi,
    device_id: str,
    known: Collection[str] = (),
    say: Callable[[str], None] | None = None,
    heard: asyncio.Event | None = None,
    imei: str = "",
) -> list[CommandState]:
    """Wait until there are commands that are not ``known``, as rules make them, and all are done.

    ``known`` are ids; ``say`` gets a sentence when more are done; ``heard`` is set by whoever hears
    from the board that there may be news, which is looked for at once then. All commands are returned, none
    where the device is there and they cannot be listed. Raises :class:`NrfCommandFailed`, after ten
    minutes :class:`NrfCommandWaiting`, or :class:`NrfNotOnboarded` if there never was a new one.
    """
    looks, waited_s, told = 0, 0.0, ""
    fresh: list[CommandState] = []
    while (delay_s := poll_delay_s(looks, waited_s)) is not None:
        if delay_s:
            await sleep_or_hear(api.clock, delay_s, heard)
        looks, waited_s = looks + 1, waited_s + delay_s
        states = await listed(api, device_id)
        if states is None:
            if await record(api, device_id, imei) is not None:
                return []
            continue
        fresh = [state for state in states if state.id not in known]
        for state in fresh:
            if state.progress is Progress.FAILED:
                raise failed(api, device_id, state, state.name)
        done = sum(1 for state in fresh if state.progress is Progress.DONE)
        if fresh and done == len(fresh):
            return states
        words = f"{done} of {len(fresh)} commands are done" if fresh else ""
        if say is not None and words and words != told:
            say(words)
            told = words
    for state in fresh:
        if state.progress is Progress.WAITING:
            raise still_waits(api, device_id, state, state.name)
    raise NrfNotOnboarded(cloud=api.title, device=device_id, minutes=round(POLL_LIMIT_S / 60))
