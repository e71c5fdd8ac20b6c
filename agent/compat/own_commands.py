"""Commands that concern neither ports nor boards, and what a new page is told.

Source: agent-api-compat.md, 5.3 and 7.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.compat import messages
from agent.compat.info import HOSTNAME, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent.compat.hub import Command, Hub
    from agent.compat.page import Page

REFUSED: Final = ("restart", "exit", "log", "memstats", "gc")
"""Nothing in a browser needs these; whoever sits at the computer ends the agent and reads its log."""
NOTHING_OPEN: Final = "This page has no serial port open, whichever it is trying to close."
"""A page that had one open and comes back, to another agent or after its socket broke, still takes
its monitor for open, and its next upload never starts; these words tell it (section 7.4)."""


def greeting(commands: Iterable[str], system: str) -> list[str]:
    """What a new page hears first."""
    return [
        messages.spaced("Version", VERSION),
        messages.help_text(commands),
        messages.spaced("Hostname", HOSTNAME),
        messages.spaced("OS", system),
        messages.error(NOTHING_OPEN),
    ]


def add_own_commands(hub: Hub, list_text: Callable[[], str]) -> None:
    """Let the hub answer these."""

    async def list_ports(page: Page, _rest: str) -> None:
        page.say(list_text())

    async def version(page: Page, _rest: str) -> None:
        page.say(messages.spaced("Version", VERSION))

    async def hostname(page: Page, _rest: str) -> None:
        page.say(messages.spaced("Hostname", HOSTNAME))

    hub.commands.update({"list": list_ports, "version": version, "hostname": hostname})
    hub.commands.update({verb: _refuse(verb) for verb in REFUSED})


def _refuse(verb: str) -> Command:
    async def refuse(page: Page, _rest: str) -> None:
        page.say(messages.error(f"Mooring does not take the command {verb} from pages."))

    return refuse
