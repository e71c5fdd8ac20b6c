"""Follows a board's provisioning by what its log says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from agent.errors import NrfNotClaimed, NrfProvisioningFailed, NrfProvisioningSilent
from agent.protocols.nrf.logs import Progress, Seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.sessions.nrf import NrfSession

LIMIT_S: Final = 600.0
"""The radio goes off and on two or three times, each up to a minute or more."""

_DONE: Final = {Seen.FINISHED, Seen.NOTHING_QUEUED}
_FAILED: Final = {
    Seen.TOO_MANY: "Split the rule: a board takes few commands at once.",
    Seen.NO_TIME: "Wait until it has a network, then try again.",
    Seen.WRONG_CA: "Update the firmware of the board.",
    Seen.FAILED: "Look at the status of the commands in the cloud, then try again.",
}


async def follow(
    session: NrfSession, tell: Callable[[Seen], None], *, limit_s: float = LIMIT_S
) -> Seen:
    """Wait until provisioning ended; ``tell`` gets what is seen on the way.

    Returns ``FINISHED``, ``ONLINE`` if it says instead that it is connected after it has done something,
    or ``NOTHING_QUEUED`` if the service had nothing for the board. Not every
    firmware logs that it finished: who can ask the cloud asks it as well. Raises
    :class:`NrfNotClaimed`, :class:`NrfProvisioningFailed`, :class:`NrfProvisioningSilent`.
    """
    until = asyncio.get_running_loop().time() + limit_s
    last = "nothing"
    worked = False
    while events := await session.wire.listen(until):
        for event in events:
            if not isinstance(event, Progress):
                continue
            seen = event.seen
            last = seen.value
            tell(seen)
            worked = worked or seen in {Seen.LTE_OFF, Seen.WORKING}
            if seen in _DONE:
                # After it has done something, there is nothing more to do: that is the end too.
                return Seen.FINISHED if worked else seen
            if seen is Seen.ONLINE and worked:
                return seen
            if seen is Seen.NOT_CLAIMED:
                raise NrfNotClaimed()
            if seen in _FAILED:
                raise NrfProvisioningFailed(why=seen.value, remedy=_FAILED[seen])
    raise NrfProvisioningSilent(seconds=limit_s, last=last)
