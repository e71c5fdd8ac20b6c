"""The parts of the report as lines; personal things are still in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from agent.errors import Level
from agent.settings import clean_text
from agent.settings.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.boards.board import Board, Port
    from agent.errors import ErrorReport, Examination
    from agent.jobs.job import Job, Step

LINE_CHARS: Final = 1000
"""Of one line; our own sentences are shorter."""
_MARKS: Final = {Level.FINE: " ", Level.WARNING: "!", Level.PROBLEM: "X"}


def settings_lines(config: Config) -> list[str]:
    """Each key that differs from its default."""
    # Secrets show themselves without what is secret in them.
    usual = dict(_flat(msgspec.to_builtins(Config(), enc_hook=str)))
    given = dict(_flat(msgspec.to_builtins(config, enc_hook=str)))
    lines = []
    for key, value in given.items():
        if value != usual.get(key):
            shown = msgspec.json.encode(value).decode()
            lines.append(clean_text(f"{key} = {shown}", LINE_CHARS))
    return lines or ["All as they are by default."]


def doctor_lines(seen: Examination) -> list[str]:
    """Every finding; what is fine in one line."""
    lines = []
    for finding in seen.findings:
        lines.append(f"{_MARKS[finding.level]} {finding.title} [{finding.code}]")
        if finding.level is not Level.FINE:
            lines.append(f"    {finding.meaning}")
            lines += _facts(finding.facts)
    return [clean_text(line, LINE_CHARS) for line in lines]


def notice_lines(notices: Sequence[ErrorReport]) -> list[str]:
    """What the agent noticed about itself."""
    lines = []
    for notice in notices:
        lines += _error(notice, "")
    return lines or ["Nothing."]


def board_lines(boards: Sequence[Board]) -> list[str]:
    """One board after the other, each with its ports."""
    lines = []
    for board in boards:
        model = board.model or f"unknown, may be {', '.join(board.candidates) or 'anything'}"
        installed = board.provisioning.installed or "not known"
        lines.append(
            f"{board.id}: {model}, {board.state.value}"
            f", provisioning {installed}" + (f", held by {board.holder}" if board.holder else "")
        )
        lines += [f"    {_port(port)}" for port in board.ports]
    return [clean_text(line, LINE_CHARS) for line in lines] or ["None."]


def job_lines(jobs: Sequence[Job]) -> list[str]:
    """One job after the other, newest first, each with its steps and its error."""
    lines = []
    for job in jobs:
        took = "" if job.ended_at is None else f", {job.ended_at - job.created_at:.1f} s"
        lines.append(f"{job.id} {job.kind.value}: {job.state.value}, {when(job.created_at)}{took}")
        lines.append(f"    board {job.board}")
        lines += [f"    {_step(step)}" for step in job.steps]
        if job.question is not None:
            lines.append(f"    asks: {job.question.title}")
        if job.error is not None:
            lines += _error(job.error, "    ")
    return [clean_text(line, LINE_CHARS) for line in lines] or ["None."]


def page_lines(kept: object) -> list[str]:
    """The web pages that may use the agent, from the file that keeps them."""
    entries = kept.get("origins") if isinstance(kept, dict) else None
    lines = []
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("url"), str):
            may = entry.get("may")
            scopes = f" for {', '.join(map(str, may))}" if isinstance(may, list) else ""
            lines.append(clean_text(f"{entry['url']}{scopes}", LINE_CHARS))
    return lines or ["None."]


def when(unix_s: float) -> str:
    """A moment, the same for everybody who reads it."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _flat(data: object, name: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(data, dict) and name.count(".") == 0:
        for key, value in data.items():
            yield from _flat(value, f"{name}.{key}" if name else str(key))
    else:
        yield name, data


def _port(port: Port) -> str:
    ids = "" if port.vid is None or port.pid is None else f" {port.vid:04x}:{port.pid:04x}"
    signal = "" if port.rssi_dbm is None else f" {port.rssi_dbm} dBm"
    parts = (port.service, port.location, port.manufacturer, port.product)
    told = "".join(f", {part}" for part in parts if part)
    return f"{port.kind} {port.address}{ids}{signal}{told}"


def _step(step: Step) -> str:
    took = "" if step.seconds is None else f" {step.seconds:.1f} s"
    message = f": {step.message}" if step.message else ""
    return f"{step.state.value}{took}  {step.id} ({step.name}){message}"


def _error(error: ErrorReport, indent: str) -> list[str]:
    lines = [f"{indent}[{error.code}] {error.title}", f"{indent}    {error.meaning}"]
    return [*lines, *(indent + line for line in _facts(error.facts))]


def _facts(facts: Mapping[str, object]) -> list[str]:
    shown = ", ".join(f"{name}={value}" for name, value in facts.items())
    return [f"    {shown}"] if shown else []
