"""Commands that are in the way: deleted, or queued once more.

A board stops in front of a command that failed, and what is done counts among its twenty. The call
that deletes one is not documented, so what it does is looked at afterwards. Source: cloud-nrf,
section 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.clouds.http import Request
from agent.clouds.nrf.commands import all_commands, is_ours, queue
from agent.errors import NrfCommandsBlocked, NrfCommandStays
from agent.protocols.nrf import bodies
from agent.protocols.nrf.commands import PSK, Command, Progress
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.clouds.nrf.api import NrfApi
    from agent.protocols.nrf.answers import CommandState

DELETE: Final = "delete commands"
CARRIERS: Final = frozenset({"clientPrivateKey", PSK})
"""What they carry is secret, so that a list may not hold all of it."""
FINISHED: Final = "finished"


async def delete(api: NrfApi, device_id: str, commands: Sequence[CommandState]) -> None:
    """Take commands out of a board's list; :class:`NrfCommandStays` if one is still there."""
    said = ""
    for each in commands:
        path = bodies.command_path(device_id, each.id)
        request = Request("DELETE", path, repeatable=True)
        answer = await api.send(api.provisioning, request, DELETE, device=device_id)
        if not answer.ok:
            said = api.said(answer) or f"HTTP status {answer.status}."
    wanted = {each.id for each in commands}
    left = [each for each in await all_commands(api, device_id) if each.id in wanted]
    if left:
        names = command_names(left)
        raise NrfCommandStays(cloud=api.title, device=device_id, names=names, detail=said)


async def again(api: NrfApi, device_id: str) -> dict[str, CommandState]:
    """Queue what failed once more and delete it there: the new commands by the ids of the old.

    A ``finished`` that waits behind goes to the end with them. Nothing is queued twice, also if this
    was interrupted before. :class:`NrfCommandsBlocked` where a key would have to be queued that the
    service does not show.
    """
    states = await all_commands(api, device_id)
    failed = [each for each in states if each.progress is Progress.FAILED]
    if not failed:
        return {}
    if any(each.name in CARRIERS or not each.request for each in failed):
        detail = "A key in it is not shown by the service: give the command again."
        names = command_names(failed)
        raise NrfCommandsBlocked(cloud=api.title, device=device_id, names=names, detail=detail)
    ends = [each for each in states if each.progress is Progress.WAITING and each.name == FINISHED]
    redone = [*failed, *ends[:1]]
    left = [each for each in states if is_ours(each) and each not in ends]
    queued = await queue(api, device_id, [_copy(each) for each in redone], left)
    await delete(api, device_id, [*failed, *ends])
    return {old.id: new for old, new in zip(redone, queued, strict=True)}


def command_names(commands: Sequence[CommandState]) -> str:
    """What they are, for people, with what was said of those that failed."""
    return ", ".join(clean_text(each.name) or "?" for each in commands)


def _copy(state: CommandState) -> Command:
    fields = state.request[state.name]
    return Command(state.name, fields if isinstance(fields, dict) else {}, "Once more")
