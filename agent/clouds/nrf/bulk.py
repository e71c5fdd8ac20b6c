"""Many devices at once, by files of at most a thousand rows: what became of each.

Source: cloud-nrf, sections 4 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from agent.clouds.address import check_base_url
from agent.clouds.http import CloudHttp, Request, detail_of
from agent.clouds.nrf.api import maybe_done
from agent.clouds.nrf.claiming import CLAIM, all_claimed
from agent.errors import CloudAnswer, CloudError, InputError, NrfFileUnsure, Unreachable
from agent.protocols.nrf import bodies, csv
from agent.protocols.nrf.answers import (
    BulkClaimed,
    BulkStatus,
    parse_bulk,
    parse_bulk_errors,
    parse_bulk_status,
)
from agent.protocols.nrf.commands import Progress, poll_delay_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.clouds.nrf.api import NrfApi
    from agent.clouds.route import Routes
    from agent.protocols.nrf.csv import OnboardRow
    from agent.protocols.nrf.token import AttestationToken

State = Literal["done", "before", "failed"]
NO_REASON: Final = "the service names no reason"
LOST: Final = "the answer was lost, and it is not claimed"
MESSAGES: Final = ("message", "error", "reason", "errors")


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one device."""

    device_id: str
    state: State
    """``before``: the team had it already."""
    problem: str = ""


async def claim_many(
    api: NrfApi, routes: Routes, tokens: Sequence[AttestationToken], tags: Sequence[str] = ()
) -> list[RowResult]:
    """Claim all of these; a row that fails does not keep the others."""
    results: list[RowResult] = []
    for number, file in enumerate(csv.claim_files(tokens, tags)):
        part = tokens[number * csv.ROWS_MAX : (number + 1) * csv.ROWS_MAX]
        text = file.reveal()
        request = _file_request(bodies.CLAIMED, text, tuple(token.text for token in part))
        try:
            problems = await _claim_file(api, routes, request, part)
        except CloudError as error:
            if not maybe_done(error):
                raise
            problems = dict.fromkeys((token.device_id for token in part), LOST)
        try:
            results += await _judged(api, part, problems)
        except CloudError as error:
            raise _unsure(api, len(part), error) from error
    return results


async def onboard_many(api: NrfApi, routes: Routes, rows: Sequence[OnboardRow]) -> list[RowResult]:
    """Make devices with certificates of their own of all of these."""
    action = "onboard devices"
    results: list[RowResult] = []
    for number, text in enumerate(csv.onboarding_files(rows)):
        part = rows[number * csv.ROWS_MAX : (number + 1) * csv.ROWS_MAX]
        ids = [row.device_id for row in part]
        try:
            answer = await api.send(api.devices, _file_request(bodies.DEVICES, text), action)
            said = api.read(answer, parse_bulk, action)
            if isinstance(said, BulkClaimed):
                raise api.unexpected(answer, action)
        except CloudError as error:
            if not maybe_done(error):
                raise
            raise _unsure(api, len(part), error) from error
        problems = await _problems(api, routes, said.request, ids)
        results += [
            RowResult(each, "failed" if each in problems else "done", problems.get(each, ""))
            for each in ids
        ]
    return results


async def _claim_file(
    api: NrfApi, routes: Routes, request: Request, part: Sequence[AttestationToken]
) -> dict[str, str]:
    """What is wrong by device id."""
    answer = await api.send(api.provisioning, request, CLAIM)
    said = api.read(answer, parse_bulk, CLAIM)
    if not isinstance(said, BulkClaimed):
        return await _problems(api, routes, said.request, [token.device_id for token in part])
    told = _told(said.failed, part)
    claimed = set(said.claimed)
    return {
        token.device_id: told.get(token.device_id, NO_REASON)
        for token in part
        if token.device_id not in claimed
    }


def _told(failed: Sequence[Any], part: Sequence[AttestationToken]) -> dict[str, str]:
    """Reasons by device id, from rows of no documented shape, without the tokens in them."""
    told: dict[str, str] = {}
    secrets = tuple(token.text for token in part)
    for entry in failed:
        fields = entry if isinstance(entry, dict) else {"value": entry}
        texts = {str(value) for value in fields.values() if isinstance(value, str | int)}
        reason = next((fields[name] for name in MESSAGES if isinstance(fields.get(name), str)), "")
        for token in part:
            if token.device_id in texts or token.text.reveal() in texts:
                told[token.device_id] = detail_of(reason, secrets) or NO_REASON
    return told


async def _judged(
    api: NrfApi, part: Sequence[AttestationToken], problems: dict[str, str]
) -> list[RowResult]:
    """What failed although the team has the device is no failure."""
    ours = {device.id for device in await all_claimed(api)} if problems else set()
    results: list[RowResult] = []
    for token in part:
        problem = problems.get(token.device_id)
        if problem is None:
            results.append(RowResult(token.device_id, "done"))
        elif token.device_id in ours:
            state: State = "done" if problem == LOST else "before"
            results.append(RowResult(token.device_id, state))
        else:
            results.append(RowResult(token.device_id, "failed", problem))
    return results


async def _problems(
    api: NrfApi, routes: Routes, request: str, ids: Sequence[str]
) -> dict[str, str]:
    """Wait until a file is done; what is wrong by device id.

    The service has the file: whatever keeps its result away, a key that is refused by now included,
    says nothing about the devices (:class:`NrfFileUnsure`).
    """
    try:
        status = await _wait(api, request)
        if status.progress is Progress.DONE:
            return {}
        if not status.errors_url:
            return dict.fromkeys(ids, NO_REASON)
        rows, others = await _errors(api, routes, status.errors_url)
    except CloudError as error:
        raise _unsure(api, len(ids), error) from error
    found = {ids[row]: detail_of(text) for row, text in rows.items() if row < len(ids)}
    if not found:
        text = detail_of(" ".join(others)) or NO_REASON
        return dict.fromkeys(ids, text)
    return found


async def _wait(api: NrfApi, request: str) -> BulkStatus:
    action = "see what became of a file"
    looks, waited_s = 0, 0.0
    while (delay_s := poll_delay_s(looks, waited_s)) is not None:
        if delay_s:
            await api.clock.sleep(delay_s)
        looks, waited_s = looks + 1, waited_s + delay_s
        sent = Request("GET", bodies.bulk_path(request), repeatable=True)
        status = api.read(await api.send(api.devices, sent, action), parse_bulk_status, action)
        if status.progress is not Progress.WAITING:
            return status
    raise CloudAnswer(cloud=api.title, detail="It is still being carried out.")


def _unsure(api: NrfApi, count: int, error: CloudError) -> NrfFileUnsure:
    said = str(error.facts.get("detail") or "")
    if isinstance(error, CloudAnswer | Unreachable) and said:
        detail = said
    else:
        detail = f"{error.report().title} {said}".strip()
    return NrfFileUnsure(cloud=api.title, count=count, detail=detail, maybe_done=True)


async def _errors(api: NrfApi, routes: Routes, url: str) -> tuple[dict[int, str], list[str]]:
    """The file of errors, which is elsewhere: no key goes there."""
    parts = urlsplit(url)
    try:
        base = check_base_url("errorSummaryUrl", f"{parts.scheme}://{parts.netloc}")
    except InputError as error:
        detail = "Its errors are at an address that is not safe."
        raise CloudAnswer(cloud=api.title, detail=detail) from error
    http = CloudHttp(title=api.title, base_url=base, clock=api.clock, routes=routes)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    try:
        answer = await http.send(Request("GET", path, repeatable=True))
    finally:
        await http.close()
    return api.read(answer, parse_bulk_errors, "see the errors of a file")


def _file_request(path: str, text: str, secrets: tuple[Any, ...] = ()) -> Request:
    headers = {"Content-Type": bodies.CSV}
    return Request("POST", path, content=text.encode(), headers=headers, secrets=secrets)
