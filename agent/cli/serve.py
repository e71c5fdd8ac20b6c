"""Runs the agent until somebody ends it."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import webbrowser
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from agent import __version__
from agent.errors import ExitStatus, PortBusy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from agent.app import App
    from agent.cli.output import Output
    from agent.desktop.tray.host import TrayHost
    from agent.settings.config import Config
    from agent.settings.paths import Paths

_logger = logging.getLogger(__name__)


async def serve(
    output: Output,
    config: Config,
    paths: Paths,
    *,
    open_page: Callable[[str], object] | None = None,
    prepare: Callable[[App], Awaitable[None]] | None = None,
    tray: Callable[[], TrayHost] | None = None,
) -> ExitStatus:
    """Be the agent until Ctrl-C, SIGTERM or ``agent.quit``; prints the page's address.

    ``prepare`` runs between start and first answer; ``open_page`` then gets the address, where
    there is a desktop. ``tray`` makes what shows the icon. If an agent of this user runs already, its
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
            async with _beside_clock(app, server.url, tray):
                await stop.wait()
        except asyncio.CancelledError:
            # This is how the agent is meant to end.
            output.note("Stopping.")
        finally:
            await app.close()
    return ExitStatus.DONE


@asynccontextmanager
async def _beside_clock(
    app: App, page: str, make_host: Callable[[], TrayHost] | None
) -> AsyncIterator[None]:
    """Show the tray meanwhile. The agent is of use without it, so nothing of it ends the agent."""
    if make_host is None:
        yield
        return
    showing = asyncio.create_task(_show_tray(app, page, make_host), name="tray")
    try:
        yield
    finally:
        showing.cancel()
        await asyncio.wait({showing})


async def _show_tray(app: App, page: str, make_host: Callable[[], TrayHost]) -> None:
    try:
        host = await asyncio.to_thread(make_host)
        await app.tray(host, page, show_in_browser).run()
    except ImportError as error:
        _logger.info("Tray: no icon, because a library is missing: %s", error)
    except Exception:
        _logger.exception("Tray: it has a defect and is gone")


def show_in_browser(url: str) -> None:
    """Open the page; may take seconds."""
    if has_desktop():
        webbrowser.open(url)
    else:
        _logger.info("No browser can be opened here; the page: %s", url)


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
