"""Runs the agent until somebody ends it."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from agent import __version__
from agent.errors import ExitStatus, PortBusy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.app import App
    from agent.cli.output import Output
    from agent.settings.config import Config
    from agent.settings.paths import Paths


async def serve(
    output: Output,
    config: Config,
    paths: Paths,
    *,
    open_page: Callable[[str], object] | None = None,
    prepare: Callable[[App], Awaitable[None]] | None = None,
) -> ExitStatus:
    """Be the agent until Ctrl-C, SIGTERM or ``agent.quit``; prints the page's address.

    ``prepare`` runs between start and first answer; ``open_page`` then gets the address, where
    there is a desktop. If an agent of this user runs already, its
    address is printed and nothing else happens.
    """
    from agent.app import build
    from agent.desktop.instance import InstanceLock, find_instance, new_token
    from agent.settings.log import start_logging

    paths.make()
    lock = InstanceLock(paths)
    if not lock.acquire():
        running = find_instance(paths)
        if running is None:
            raise PortBusy(port="The agent's folder", holder="an agent that is just starting")
        output.note("The agent runs already.")
        _told(output, running.url, open_page)
        return ExitStatus.DONE
    with lock:
        start_logging(paths.log_file, config.log.level, stderr=not output.as_json)
        stop = asyncio.Event()
        app = build(config, paths, stop.set)
        try:
            await app.start()
            for notice in app.services.about.notices:
                output.explain(notice)
            if prepare is not None:
                await prepare(app)
            token = new_token()
            server = await app.serve(token)
            lock.publish(port=server.port, token=token, version=__version__)
            _told(output, server.url, open_page)
            await stop.wait()
        except asyncio.CancelledError:
            # This is how the agent is meant to end.
            output.note("Stopping.")
        finally:
            await app.close()
    return ExitStatus.DONE


def _told(output: Output, url: str, open_page: Callable[[str], object] | None) -> None:
    if output.as_json:
        output.document({"url": url, "pid": os.getpid()})
    else:
        output.line(f"The page: {url}", "bold")
    if open_page is not None and has_desktop():
        open_page(url)


def has_desktop() -> bool:
    """Whether a browser with a window can be opened; one for terminals would take this one over."""
    if sys.platform in {"win32", "darwin"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
