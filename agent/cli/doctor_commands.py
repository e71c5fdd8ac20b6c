"""``mooring doctor``: what on this computer would stop provisioning, and the mend."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import click
import msgspec

from agent.cli.options import json_option
from agent.cli.output import clean_lines
from agent.cli.shell import run_command
from agent.errors import Examination, ExitStatus, Level

if TYPE_CHECKING:
    from agent.cli.output import Colour, Output
    from agent.cli.shell import Shell
    from agent.desktop.instance import Instance
    from agent.errors import Finding
    from agent.settings.paths import Paths

ANSWER_LIMIT_S: Final = 150.0
"""The agent looks twice for 30 s at most, and mends between; an agent that hangs never answers."""
_MARKS: Final[dict[Level, tuple[str, Colour | None]]] = {
    Level.FINE: ("✓", None),
    Level.WARNING: ("!", "yellow"),
    Level.PROBLEM: ("✗", "red"),
}


@click.command()
@click.option("--fix", is_flag=True, help="Also mend what can be mended without risk.")
@click.option(
    "--udev-rules",
    "print_rules",
    is_flag=True,
    help="Only print the udev rule that gives boards to the person at the computer (Linux).",
)
@json_option
def doctor(*, fix: bool, print_rules: bool, as_json: bool) -> None:
    """What on this computer would stop provisioning, and the mend.

    Looks at rights, ports, Bluetooth, clouds, clock, keyring, disk and tools, as the agent that
    runs meets them, else as this command does. Opens no board and changes nothing without --fix.
    The exit status is 0 if nothing is in the way, and 1 if something is.
    """

    async def examine(shell: Shell) -> ExitStatus:
        if print_rules:
            return _print_rules(shell.output)
        return await _examine(shell.output, fix=fix)

    run_command(as_json, examine)


def _print_rules(output: Output) -> ExitStatus:
    from agent.catalog import Catalog
    from agent.desktop.doctor.udev_rules import RULE_NAME, udev_rules

    rules = udev_rules(Catalog.load().models)
    if output.as_json:
        output.document({"name": RULE_NAME, "text": rules})
    else:
        output.piece(rules)
    return ExitStatus.DONE


async def _examine(output: Output, *, fix: bool) -> ExitStatus:
    from agent.desktop.doctor.families import running_agent
    from agent.settings.paths import find_paths

    paths = find_paths()
    instance = running_agent(paths)
    output.status("Looking …")
    seen = None
    about_agent: list[Finding] = []
    if instance is not None:
        seen, about_agent = await _by_agent(instance, fix=fix)
    if seen is None:
        seen = await _alone(paths, fix=fix)
    seen = Examination(findings=[*about_agent, *seen.findings], fixed=seen.fixed)
    if output.as_json:
        output.document(seen)
    else:
        _show(output, seen, fix=fix)
    return ExitStatus.DONE if seen.sound else ExitStatus.FAILED


async def _by_agent(instance: Instance, *, fix: bool) -> tuple[Examination | None, list[Finding]]:
    """What the running agent finds, for its surroundings count; and what is wrong with itself."""
    from agent import __version__
    from agent.cli.remote import remote_client
    from agent.desktop.doctor.settings import older_agent, silent_agent
    from agent.errors import AgentGone, ReportedError

    other = []
    if instance.version != __version__:
        other.append(older_agent(instance.version, __version__))
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S), remote_client(instance) as client:
            answer = await client.call("doctor.run", fix=fix)
            return msgspec.convert(answer, Examination), other
    except (AgentGone, TimeoutError):
        return None, [*other, silent_agent(instance.pid)]
    except ReportedError as error:
        if error.report().code != "method-unknown":
            raise
        return None, other


async def _alone(paths: Paths, *, fix: bool) -> Examination:
    from agent.alone import open_doctor
    from agent.settings.load import load_or_defaults

    _log_nowhere()
    # What is wrong in the settings the doctor tells among the rest.
    async with open_doctor(load_or_defaults(paths.config_file).config, paths) as one:
        return await one.run(fix=fix)


def _log_nowhere() -> None:
    """With sudo, a log would be a file of the administrator among those of the person."""
    import logging

    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())


def _show(output: Output, seen: Examination, *, fix: bool) -> None:
    for finding in seen.findings:
        mark, colour = _MARKS[finding.level]
        star = " *" if finding.fixable else ""
        output.line(f"{mark} {clean_lines(finding.title)}{star}", colour)
        reason = finding.facts.get("fix_failed")
        for text in (finding.meaning, finding.mend):
            if text:
                output.line(f"    {clean_lines(text)}")
        if reason:
            output.line(f"    It could not be mended by itself: {clean_lines(str(reason))}.")
        if finding.level is not Level.FINE:
            output.line(f"    [{finding.code}]", "dim")
    for finding in seen.fixed:
        output.line(f"✓ Mended: {clean_lines(finding.title)}", "green")
    output.line()
    output.line(_summary(seen), "bold")
    if not fix and any(finding.fixable for finding in seen.findings):
        output.note("What is marked with * is mended by: mooring doctor --fix")


def _summary(seen: Examination) -> str:
    problems = sum(finding.level is Level.PROBLEM for finding in seen.findings)
    warnings = sum(finding.level is Level.WARNING for finding in seen.findings)
    if not problems and not warnings:
        return "Nothing is in the way."
    parts = [
        f"{count} {name}{'' if count == 1 else 's'}"
        for count, name in ((problems, "problem"), (warnings, "warning"))
        if count
    ]
    return f"{' and '.join(parts)}; a warning does not stop the main job."
