"""Puts the report together: what is in it, what was taken out, and then the parts.

A part that cannot be read says so; it never keeps the others out.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agent.desktop.report import personal, sections
from agent.desktop.report.computer import computer_lines
from agent.desktop.report.kept import read_json
from agent.desktop.report.logs import newest_logs
from agent.desktop.report.masks import Masks
from agent.errors import MooringError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from agent.boards.board import Board
    from agent.errors import ErrorReport, Examination
    from agent.jobs.job import Job
    from agent.settings.config import Config
    from agent.settings.paths import Paths

SHOWN_JOBS: Final = 20
"""The newest; who reports a fault has just seen it."""
READ_JOBS: Final = 1000
"""Whose networks, names and ids are looked for in the log; it does not reach further back."""
PART_LIMIT_S: Final = 90.0
"""For one part; the doctor looks for 30 s at most, and may have to wait for another look."""
COUNTED: Final = {
    "network": "names of networks",
    "board": "ids, serial numbers and names of boards",
    "device": "names of devices",
    "serial": "serial numbers",
    "hardware": "hardware addresses",
    "address": "addresses in networks",
    "id": "ids of clouds, devices and files",
    "account": "accounts",
    "user": "names of users",
    "computer": "names of computers",
    "home": "home folders",
    "host": "servers",
    "page": "web pages",
    "mail": "mail addresses",
    "name": "other names",
    "secret": "passwords, tokens and keys",
}
"""What the names stand for, in the order in which the report counts them."""

_logger = logging.getLogger(__name__)


class Report(NamedTuple):
    """One text, and a name for the file that it may become."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the parts come from."""

    paths: Paths
    config: Config
    models: frozenset[str]
    """Names and ids of models, which are nobody's."""
    examine: Callable[[], Awaitable[Examination]]
    boards: Callable[[], Sequence[Board]]
    jobs: Callable[[int], Awaitable[Sequence[Job]]]
    """The newest so many."""
    notices: Callable[[], Sequence[ErrorReport]] | None = None
    """None: no agent runs."""


class _Part(NamedTuple):
    title: str
    lines: list[str]
    quoted: bool = False


async def make_report(sources: Sources, now: Callable[[], float] = time.time) -> Report:
    """Look at everything and write it down without what is personal; takes some seconds."""
    masks = Masks()
    personal.learn_computer(masks)
    await asyncio.to_thread(_learn_files, masks, sources.paths)
    personal.learn_url(masks, sources.config.network.proxy.reveal())
    gateway = sources.config.gateway
    personal.learn_url(masks, gateway.server)
    personal.learn_fields(masks, {"device_name": gateway.device_name}, sources.models)
    boards, boards_failed = await _read("boards", _call(sources.boards))
    jobs, jobs_failed = await _read("jobs", sources.jobs(READ_JOBS))
    seen, doctor_failed = await _read("doctor", sources.examine())
    logs = await asyncio.to_thread(newest_logs, sources.paths.log_file)
    personal.learn_boards(masks, boards or (), sources.models)
    personal.learn_jobs(masks, jobs or (), sources.models)
    for finding in seen.findings if seen else ():
        personal.learn_fields(masks, dict(finding.facts), sources.models)

    parts = [
        _Part("This computer", computer_lines()),
        _Part("Settings that differ from the default", sections.settings_lines(sources.config)),
        _Part("The agent", _agent(sources)),
        _Part("The doctor", sections.doctor_lines(seen) if seen else doctor_failed),
        _Part("Boards", sections.board_lines(boards) if boards is not None else boards_failed),
        _Part("Allowed web pages", sections.page_lines(read_json(sources.paths.origins_file))),
        _Part(
            f"The newest {SHOWN_JOBS} jobs",
            sections.job_lines(jobs[:SHOWN_JOBS]) if jobs is not None else jobs_failed,
            quoted=True,
        ),
        *(_Part(f"The end of {name}", lines, quoted=True) for name, lines in logs),
    ]
    cleaned = await asyncio.to_thread(
        masks.clean_all, [("\n".join(part.lines), part.quoted) for part in parts]
    )
    made = datetime.fromtimestamp(now(), UTC)
    body = [f"== {part.title} ==\n\n{text}" for part, text in zip(parts, cleaned, strict=True)]
    text = "\n\n".join([_head(made, parts, masks), *body]) + "\n"
    return Report(f"mooring-report-{made:%Y%m%d-%H%M%S}.txt", text)


def _head(made: datetime, parts: Sequence[_Part], masks: Masks) -> str:
    counts = [
        f"  {count:4} {COUNTED.get(kind, kind)} (<{kind}{'' if kind == 'secret' else '-1'}>)"
        for kind, count in sorted(masks.counts.items(), key=lambda each: _order(each[0]))
    ]
    return "\n".join(
        [
            f"A report of Mooring, made on {made:%Y-%m-%d at %H:%M} UTC.",
            "",
            "It is for people who look for a fault. Read it before you send it.",
            "",
            "In it are:",
            *(f"  {part.title[0].lower()}{part.title[1:]}" for part in parts),
            "",
            "Taken out, and replaced by a name that means the same thing throughout:",
            *(counts or ["  nothing; nothing of that kind was found"]),
            "",
            "Passwords, tokens and keys are never written to the log or the journal. Should you find",
            "something else that you would rather not send, take it out by hand, and please tell us.",
        ]
    )


def _order(kind: str) -> int:
    return list(COUNTED).index(kind) if kind in COUNTED else len(COUNTED)


def _learn_files(masks: Masks, paths: Paths) -> None:
    instance = read_json(paths.instance_file)
    if isinstance(instance, dict):
        personal.learn_secrets(masks, instance.get("token"))
    personal.learn_secrets(masks, read_json(paths.accounts_file))
    personal.learn_gateway(masks, read_json(paths.gateway_file))
    personal.learn_fields(masks, read_json(paths.data_dir / "boards.json"), frozenset())
    kept = read_json(paths.origins_file)
    for line in sections.page_lines(kept):
        url = line.partition(" ")[0]
        if "://" in url:
            masks.learn("page", url)
            masks.learn("host", url.partition("://")[2].partition(":")[0])
    if paths.portable:
        masks.learn("home", str(paths.config_dir))


def _agent(sources: Sources) -> list[str]:
    if sources.notices is None:
        return ["It does not run; this report was made without it."]
    told = sections.notice_lines(sources.notices())
    return ["It runs and made this report. What it noticed about itself:", *told]


async def _call(read: Callable[[], Sequence[Board]]) -> Sequence[Board]:
    return read()


async def _read(what: str, reading: Awaitable[Any]) -> tuple[Any, list[str]]:
    """What is read, or None and what to say instead."""
    try:
        async with asyncio.timeout(PART_LIMIT_S):
            return await reading, []
    except TimeoutError:
        return None, [f"It could not be read within {PART_LIMIT_S:g} s."]
    except MooringError as error:
        return None, [f"It could not be read: {error}"]
    except Exception as error:
        # One part that cannot be read must not keep the others out.
        _logger.exception("the %s could not be read for a report", what)
        return None, [f"It could not be read ({type(error).__name__})."]
