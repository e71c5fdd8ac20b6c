"""Commands for a claimed board: queued once each, and followed to their end.

Source: cloud-nrf, sections 4, 5 and 8.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final

from agent.clouds.clock import sleep_or_hear
from agent.clouds.http import Request, detail_of
from agent.clouds.nrf.api import NOT_FOUND, maybe_done
from agent.errors import (
    CloudAnswer,
    CloudError,
    MooringError,
    NrfCommandFailed,
    NrfCommandGone,
    NrfCommandRefused,
    NrfCommandUnsure,
    NrfCommandWaiting,
    NrfQueueFull,
    NrfUnclaimed,
)
from agent.protocols.nrf import bodies
from agent.protocols.nrf.answers import CommandState, parse_command, parse_commands, told_in
from agent.protocols.nrf.cme import failure_words
from agent.protocols.nrf.commands import (
    COMMANDS_MAX,
    POLL_LIMIT_S,
    Command,
    Progress,
    check_order,
    encode_command,
    poll_delay_s,
)
from agent.settings import clean_text

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from agent.clouds.http import Answer
    from agent.clouds.nrf.api import NrfApi

QUEUE: Final = "queue commands"
MARK_BYTES: Final = 4
_MARKED: Final = re.compile(rf"\[[0-9a-f]{{{2 * MARK_BYTES}}}\]\Z")
_FULL: Final = re.compile(rf"\b{COMMANDS_MAX}\b|too many|limit|maximum", re.IGNORECASE)


async def all_commands(api: NrfApi, device_id: str) -> list[CommandState]:
    """All commands of a board, oldest first; :class:`NrfUnclaimed` if the team has it not."""
    path = bodies.commands_path(device_id)
    found = await api.pages(
        api.provisioning, path, parse_commands, "see commands", device=device_id
    )
    if found is None:
        raise NrfUnclaimed(cloud=api.title, device=device_id, detail="")
    return found


async def queue(
    api: NrfApi,
    device_id: str,
    commands: Sequence[Command],
    left: Sequence[CommandState] = (),
) -> list[CommandState]:
    """Queue commands in their order; what was queued before one that is refused stays.

    After a lost answer the list tells whether it was queued; never is one queued twice. What
    :func:`left_before` found and is the same is taken as it is.
    """
    check_order(commands)
    free = list(left)
    queued: list[CommandState] = []
    for command in commands:
        wanted = encode_command(command)["request"]
        found = next((state for state in free if state.request == wanted), None)
        if found is not None:
            free.remove(found)
        queued.append(found or await _queue_one(api, device_id, command))
    return queued


async def left_before(api: NrfApi, device_id: str) -> list[CommandState]:
    """Commands that Mooring queued and the board has not done, as after an agent that was killed.

    Those that failed are among them, whoever queued them: the board stops in front of them.
    """
    try:
        present = await all_commands(api, device_id)
    except (CloudAnswer, NrfUnclaimed):
        return []  # the list is not documented; to queue them tells more
    return [state for state in present if state.blocks or is_ours(state)]


def is_ours(state: CommandState) -> bool:
    """Whether it waits, and Mooring queued it."""
    return state.progress is Progress.WAITING and _MARKED.search(state.description) is not None


async def follow(
    api: NrfApi,
    device_id: str,
    commands: Sequence[CommandState],
    say: Callable[[str], None] | None = None,
    heard: asyncio.Event | None = None,
) -> list[CommandState]:
    """Wait until all of them are done; ten minutes from the last one that was.

    ``say`` gets a sentence whenever a status changes; ``heard`` is set by whoever hears from the
    board that there may be news, which is looked for at once then. Raises :class:`NrfCommandFailed`,
    :class:`NrfCommandWaiting` and :class:`NrfCommandGone`.
    """
    return [await _follow_one(api, device_id, command, say, heard) for command in commands]


async def _queue_one(api: NrfApi, device_id: str, command: Command) -> CommandState:
    mark = secrets.token_hex(MARK_BYTES)
    request = Request(
        "POST",
        bodies.commands_path(device_id),
        json=encode_command(command, mark),
        secrets=command.secrets,
    )
    try:
        answer = await api.send(api.provisioning, request, QUEUE, device=device_id)
        if answer.ok:
            return api.read(answer, parse_command, QUEUE)
    except CloudError as error:
        if not maybe_done(error):
            raise
        found = await _find(api, device_id, command, mark, error)
        if found is None:
            raise
        return found
    raise await _refusal(api, device_id, command, answer)


async def _find(
    api: NrfApi, device_id: str, command: Command, mark: str, lost: CloudError
) -> CommandState | None:
    """The command whose answer was lost, if it was queued."""
    try:
        present = await all_commands(api, device_id)
    except CloudError as error:
        detail = str(error.facts.get("detail") or error.report().title)
        raise NrfCommandUnsure(
            cloud=api.title, device=device_id, name=command.name, detail=detail, maybe_done=True
        ) from lost
    return next((state for state in present if state.description.endswith(f"[{mark}]")), None)


async def _refusal(api: NrfApi, device_id: str, command: Command, answer: Answer) -> MooringError:
    detail = api.said(answer, command.secrets)
    cloud = api.title
    if answer.status == NOT_FOUND:
        return NrfUnclaimed(cloud=cloud, device=device_id, detail=detail)
    if answer.status == 422:
        try:
            present = len(await all_commands(api, device_id))
        except CloudError:
            present = COMMANDS_MAX if _FULL.search(detail) else 0
        if present >= COMMANDS_MAX:
            return NrfQueueFull(
                cloud=cloud,
                device=device_id,
                present=present,
                limit=COMMANDS_MAX,
                count=1,
                detail=detail,
            )
    if answer.status in {400, 413, 422}:
        return NrfCommandRefused(
            cloud=cloud,
            device=device_id,
            name=command.name,
            detail=detail or f"HTTP status {answer.status}.",
            status=answer.status,
        )
    return api.unexpected(answer, QUEUE)


async def _follow_one(
    api: NrfApi,
    device_id: str,
    command: CommandState,
    say: Callable[[str], None] | None,
    heard: asyncio.Event | None,
) -> CommandState:
    looks, waited_s, told = 0, 0.0, ""
    state = command
    while (delay_s := poll_delay_s(looks, waited_s)) is not None:
        if delay_s:
            await sleep_or_hear(api.clock, delay_s, heard)
        looks, waited_s = looks + 1, waited_s + delay_s
        state = await _fetch(api, device_id, command)
        status = clean_text(state.status)
        if say is not None and status != told:
            say(f"{command.name or state.name}: {status}")
            told = status
        if state.progress is Progress.DONE:
            return state
        if state.progress is Progress.FAILED:
            raise failed(api, device_id, state, command.name)
    raise still_waits(api, device_id, state, command.name)


def failed(api: NrfApi, device_id: str, state: CommandState, name: str) -> NrfCommandFailed:
    """The error for a command that ended as anything but done; ``name`` if its state has none."""
    return NrfCommandFailed(
        cloud=api.title,
        device=device_id,
        name=clean_text(state.name or name),
        status=clean_text(state.status) or "?",
        detail=failure_words(detail_of(told_in(state.response))),
    )


def still_waits(api: NrfApi, device_id: str, state: CommandState, name: str) -> NrfCommandWaiting:
    """The error for a command that the board has not carried out within the time for it."""
    return NrfCommandWaiting(
        cloud=api.title,
        device=device_id,
        name=clean_text(state.name or name),
        minutes=round(POLL_LIMIT_S / 60),
        status=clean_text(state.status),
    )


async def _fetch(api: NrfApi, device_id: str, command: CommandState) -> CommandState:
    path = bodies.command_path(device_id, command.id)
    request = Request("GET", path, repeatable=True)
    answer = await api.send(api.provisioning, request, "see commands", device=device_id)
    if answer.status == NOT_FOUND:
        raise NrfCommandGone(
            cloud=api.title,
            device=device_id,
            command=command.id,
            detail=api.said(answer),
        )
    return api.read(answer, parse_command, "see a command")
