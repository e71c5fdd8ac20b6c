"""The command ``downloadtool``, which the client sends four times at each connect.

Source: agent-api-compat, section 7.7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.compat.messages import compact
from agent.errors import MooringError, ToolNotForSystem
from agent.flash.toolstore.tool import LATEST
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.compat.page import Page
    from agent.compat.tool_installs import ToolInstalls

VERB: Final = "downloadtool"
PACKAGER: Final = "arduino"
KEEP: Final = "keep"
"""What is installed is enough; any other word: it is compared with the vendor's list."""
DONE: Final = "Map Updated"


class DownloadTool:
    """``downloadtool TOOL [VERSION [PACKAGER [BEHAVIOUR]]]``."""

    def __init__(self, installs: ToolInstalls) -> None:
        self._installs = installs

    async def __call__(self, page: Page, words: str) -> None:
        """A command of the hub; the page alone hears how it goes."""
        if not page.may("flash"):
            text = "This page may not install tools: it was not allowed to write to boards."
            page.say(compact(DownloadStatus="Error", Msg=text))
            return
        name, version, packager, behaviour = _parse(words)
        if not name:
            text = "The name of the tool is missing."
            page.say(compact(DownloadStatus="Error", Msg=text))
            return
        shown = clean_text(f"{packager}:{name}@{version}", 120)
        page.say(compact(DownloadStatus="Pending", Msg=f"Getting the tool {shown}"))
        try:
            got = await self._installs.install(packager, name, version, keep=behaviour == KEEP)
        except ToolNotForSystem as error:
            # With an Error as the last word, the next upload would be shown as failed.
            page.say(compact(DownloadStatus="Pending", Msg=error.report().title))
        except MooringError as error:
            report = error.report()
            page.say(compact(DownloadStatus="Error", Msg=f"{report.title} {report.meaning}"))
            return
        else:
            for note in got.notes:
                page.say(compact(DownloadStatus="Pending", Msg=note))
        page.say(compact(DownloadStatus="Success", Msg=DONE))


def _parse(words: str) -> tuple[str, str, str, str]:
    """Name, version, packager, behaviour; an address in the place of the version is an old form."""
    given = words.split()
    defaults = ["", LATEST, PACKAGER, KEEP]
    name, version, packager, behaviour = [*given[:4], *defaults[len(given) :]]
    if version.startswith("http"):
        version = LATEST
    return name, version, packager, behaviour
