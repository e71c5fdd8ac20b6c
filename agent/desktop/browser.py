"""Opens the agent's page in the person's browser."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAFE: Final = "/%:@!'()*~+"
"""Characters of a place that stay as they are; it may be escaped already."""
_OPENERS: Final = (
    ("/usr/bin/open",) if sys.platform == "darwin" else ("xdg-open",),
    ("gio", "open"),
    ("wslview",),
    ("x-www-browser",),
    ("firefox",),
)
"""The first one that there is; all but the first are for systems without the usual one."""

_log = logging.getLogger(__name__)


def has_desktop(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a browser with a window can be opened; one for terminals would take this one over."""
    if sys.platform in {"win32", "darwin"}:
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def page_url(page: str, place: str) -> str:
    """The address of a place on the page, such as ``job/3``; of its first view for an empty one."""
    way = quote(place.lstrip("#/"), safe=_SAFE)
    return f"{page}#/{way}" if way else page


def open_page(url: str) -> bool:
    """Have the browser of the person show ``url``, without waiting for it; False: there is none.

    The browser gets the environment of now and may outlive this process.
    """
    if not has_desktop():
        return False
    if sys.platform == "win32":
        os.startfile(url)  # noqa: S606 - an address of our own, and no shell
        return True
    command = _opener(url)
    if not command:
        _log.warning("no program was found that opens a browser")
        return False
    process = subprocess.Popen(  # noqa: S603 - a whole path and an address of our own
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # It ends within seconds, unless it becomes the browser itself.
    threading.Thread(target=_wait, args=(process,), daemon=True).start()
    return True


def _opener(url: str) -> list[str]:
    """The program that opens this address, with its words; empty: there is none."""
    command = _chosen(url)
    if not command:
        found = ((shutil.which(name), more) for name, *more in _OPENERS)
        command = next(
            ([program, *more, url] for program, more in found if program is not None), []
        )
    scope = shutil.which("systemd-run")
    if command and scope is not None and os.environ.get("INVOCATION_ID"):
        # This agent is a unit of systemd, and a browser inside of it would end with it.
        return [scope, "--user", "--scope", "--quiet", "--collect", "--", *command]
    return command


def _chosen(url: str) -> list[str]:
    """The same by the variable BROWSER: commands between colons, of which the first there is counts.

    Source: xdg-open(1); %s stands for the address.
    """
    for text in os.environ.get("BROWSER", "").split(os.pathsep):
        with contextlib.suppress(ValueError):
            name, *words = shlex.split(text) or [""]
            program = shutil.which(name)
            if program is not None:
                named = [word.replace("%s", url) for word in words]
                return [program, *named, *([] if named != words else [url])]
    return []


def _wait(process: subprocess.Popen[bytes]) -> None:
    status = process.wait()
    if status != 0:
        _log.warning("the browser could not be opened: exit status %d", status)
