"""Runs the agent until somebody ends it."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from agent import __version__
from agent.cli.second_start import tell_handed_over
from agent.desktop.browser import has_desktop, open_page, page_url
from agent.desktop.handover import hand_over
from agent.desktop.instance import START_S, find_instance
from agent.desktop.sd_notify import READY, STOPPING, notify_systemd
from agent.errors import AgentSilent, ExitStatus, NoFreePort, NotKept

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from agent.app import App
    from agent.cli.output import Output
    from agent.desktop.handover import HandedOver
    from agent.desktop.instance import InstanceLock
    from agent.desktop.tray.host import TrayHost
    from agent.desktop.tray.tray import Tray
    from agent.errors import ErrorReport
    from agent.settings.config import Config
    from agent.settings.paths import Paths

LOOK_S: Final = 0.05
"""Between two looks at an agent that starts or ends; its lock is waited for meanwhile."""
PUBLISH_AGAIN_S: Final = 2.0
"""Between two tries to say where the agent is on a disk that is full; nothing tells of room."""

_logger = logging.getLogger(__name__)


async def serve(
    output: Output,
    config: Config,
    paths: Paths,
    *,
    problem: ErrorReport | None = None,
    page: str | None = None,
    again: str | None = None,
    open_page: Callable[[str], object] = open_page,
    prepare: Callable[[App], Awaitable[None]] | None = None,
    tray: Callable[[], TrayHost] | None = None,
    demo: bool = False,
) -> ExitStatus:
    """Be the agent until Ctrl-C, SIGTERM or ``agent.quit``; prints the page's address.

    ``problem`` is why ``config`` is not what the person wrote; the agent tells it to everybody.
    ``prepare`` runs between start and first answer; ``tray`` makes what shows the icon, which says
    so if it is a ``demo``. ``page`` is the place on the page that is opened with ``open_page`` at
    the start, where there is a desktop; None: none is. If an agent of this user runs already, that
    one is asked to open the place ``again`` instead, and nothing else happens.
    """
    from agent.desktop.instance import InstanceLock, new_token
    from agent.settings.crash import watch_crashes
    from agent.settings.log import start_logging

    not_kept = paths.make()
    lock = InstanceLock(paths)
    handed = await _lock_or_hand_over(lock, paths, again)
    if handed is not None:
        tell_handed_over(output, handed, again)
        return ExitStatus.DONE
    # Loaded once it is needed: of several starts at the same moment all but one end here.
    from agent.app import build

    with lock:
        log = start_logging(paths.log_file, config.log.level, stderr=not output.as_json)
        watch_crashes(log)
        stop = asyncio.Event()
        shown = _Page(open_page)
        publishing: asyncio.Task[None] | None = None
        variables = {} if demo else _gateway_variables()
        app = build(config, paths, stop.set, shown.show, problem, variables)
        try:
            app.notices.set("folders", None if not_kept is None else not_kept.report())
            await app.start()
            for notice in app.notices.list():
                output.explain(notice)
            if prepare is not None:
                await prepare(app)
            token = new_token()
            try:
                server = await app.serve(token)
            except NoFreePort as error:
                raise await asyncio.to_thread(_with_holders, error) from None
            publish = partial(lock.publish, port=server.port, token=token, version=__version__)
            try:
                publish()
            except OSError as error:
                # Pages can be opened all the same; only commands and second starts do not find it.
                notice = _unpublished(paths, error)
                app.notices.set("instance", notice)
                output.explain(notice)
                publishing = asyncio.create_task(_publish_later(publish, app), name="publish")
            shown.serve_at(server.url)
            notify_systemd(READY)
            _told(output, server.url)
            if page is not None:
                shown.show(page)
            show = partial(app.tray, page=server.url, open_page=open_page, demo=demo)
            async with _beside_clock(show, tray):
                await stop.wait()
        except asyncio.CancelledError:
            # This is how the agent is meant to end.
            output.note("Stopping.")
        finally:
            notify_systemd(STOPPING)
            if publishing is not None:
                publishing.cancel()
                await asyncio.wait({publishing})
            await app.close()
    return ExitStatus.DONE


def _gateway_variables() -> dict[str, str]:
    """What the environment wants of the agent as a gateway; its secrets are gone from there then."""
    if not any(name.startswith("TB_GW_") for name in os.environ):
        return {}
    from agent.gateway.environment import take_variables

    return take_variables(os.environ)


@asynccontextmanager
async def _beside_clock(
    show: Callable[[TrayHost], Tray], make_host: Callable[[], TrayHost] | None
) -> AsyncIterator[None]:
    """Show the tray meanwhile. The agent is of use without it, so nothing of it ends the agent."""
    if make_host is None:
        yield
        return
    showing = asyncio.create_task(_show_tray(show, make_host), name="tray")
    try:
        yield
    finally:
        showing.cancel()
        await asyncio.wait({showing})


async def _show_tray(show: Callable[[TrayHost], Tray], make_host: Callable[[], TrayHost]) -> None:
    try:
        host = await asyncio.to_thread(make_host)
        await show(host).run()
    except ImportError as error:
        _logger.info("Tray: no icon, because a library is missing: %s", error)
    except Exception:
        _logger.exception("Tray: it has a defect and is gone")


def _with_holders(error: NoFreePort) -> NoFreePort:
    """The same, with the programs that hold the ports."""
    from agent.desktop.doctor.bridge_ports import held_by, who_holds

    first, last = int(str(error.facts["first"])), int(str(error.facts["last"]))
    return NoFreePort(first=first, last=last, held=held_by(who_holds(range(first, last + 1))))


async def _publish_later(publish: Callable[[], object], app: App) -> None:
    """Say where the agent is as soon as there is room for that."""
    while True:
        await asyncio.sleep(PUBLISH_AGAIN_S)
        try:
            publish()
        except OSError:
            continue
        app.notices.set("instance", None)
        return


def _unpublished(paths: Paths, error: OSError) -> ErrorReport:
    detail = error.strerror or type(error).__name__
    lost = "where it is, so that commands and second starts do not find it"
    return NotKept(path=str(paths.runtime_dir), detail=detail, lost=lost).report()


def _told(output: Output, url: str) -> None:
    if output.as_json:
        output.document({"url": url, "pid": os.getpid()})
    else:
        output.line(f"The page: {url}", "bold")


class _Page:
    """The page of this agent, as programs and the person ask for it."""

    def __init__(self, open_page: Callable[[str], object]) -> None:
        self._open = open_page
        self._url = ""

    def serve_at(self, url: str) -> None:
        self._url = url

    def show(self, place: str) -> bool:
        if not self._url or not has_desktop():
            return False
        self._open(page_url(self._url, place))
        return True


async def _lock_or_hand_over(
    lock: InstanceLock, paths: Paths, again: str | None
) -> HandedOver | None:
    """Take the lock, also from an agent that is just ending; else the wish is with its holder."""
    until = time.monotonic() + START_S
    while not lock.acquire(LOOK_S):
        handed = await asyncio.to_thread(hand_over, paths, again)
        if handed is not None:
            return handed
        if time.monotonic() > until:
            silent = find_instance(paths)
            raise AgentSilent(
                seconds=round(START_S),
                lock=str(paths.lock_file),
                pid="unknown" if silent is None else silent.pid,
            )
    return None
