"""The gateway's registration and its session with the server.

They are two tasks: while the server refuses new credentials the old ones stay
in use, and nothing of it ends the agent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from agent.clouds.clock import Clock, SystemClock
from agent.clouds.thingsboard.session import open_session
from agent.errors import (
    CloudAnswer,
    GatewayCertificateEnds,
    GatewayFileFailed,
    GatewayTakenOver,
    GatewayUnknown,
    GatewayUnset,
    InputError,
    MooringError,
    Unreachable,
)
from agent.gateway.contract import GatewayLink, GatewayState, Phase, Serve
from agent.gateway.enrol import CLOUD, TITLE, register
from agent.gateway.expiry import LOOK_S, ends_soon, offer_renewed
from agent.gateway.link import Link
from agent.gateway.pause import Pause
from agent.gateway.reset import set_aside
from agent.gateway.stored import Kept
from agent.settings.credentials import Certificate, CloudSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clouds.mqtt import MqttClosed
    from agent.clouds.route import Routes
    from agent.gateway.setup import GatewaySetup
    from agent.gateway.stored import GatewayStore

__all__ = ["Gateway", "GatewayLink", "GatewayState", "Serve"]

log = logging.getLogger(__name__)


FIRST_S: Final = 1.0
MOST_S: Final = 60.0
"""Between two tries to connect: a server that restarts is back within a minute."""
STEADY_S: Final = 60.0
"""A session that lasted so long was a good one."""
TAKEN_FIRST_S: Final = 60.0
TAKEN_MOST_S: Final = 900.0
TAKEN_STEADY_S: Final = 1800.0
"""Two with one name take the session from each other: each waits longer each time."""
REGISTER_FIRST_S: Final = 30.0
REGISTER_MOST_S: Final = 3600.0
"""After a refusal only a person can mend that, and the server may count wrong tries."""
NOTHING_TO_DO: Final = (
    "A server is named, but nothing says who connects: neither a token or login nor the key and "
    "secret of a device profile (TB_GW_PROVISIONING_DEVICE_KEY and TB_GW_PROVISIONING_DEVICE_SECRET)."
)
TAKEN_OVER: Final = 0x8E
"""MQTT 5, DISCONNECT: another session of the same device."""


class Gateway:
    """Keeps the agent connected as a gateway; see :meth:`run`."""

    def __init__(
        self,
        setup: GatewaySetup,
        store: GatewayStore,
        *,
        serve: Serve,
        tell: Callable[[GatewayState], None],
        routes: Routes,
        clock: Clock | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """``tell`` gets every change; it must not block."""
        self._setup = setup
        self._store = store
        self._serve = serve
        self._tell = tell
        self._routes = routes
        self._clock = clock or SystemClock()
        self._connect_pause = Pause(FIRST_S, MOST_S, steady_s=STEADY_S, chance=chance)
        self._taken_pause = Pause(
            TAKEN_FIRST_S, TAKEN_MOST_S, steady_s=TAKEN_STEADY_S, chance=chance
        )
        self._away_pause = Pause(FIRST_S, MOST_S, chance=chance)
        self._register_pause = Pause(REGISTER_FIRST_S, REGISTER_MOST_S, chance=chance)
        self._wanted = asyncio.Event()
        """Credentials are to be had from the server."""
        self._news = asyncio.Event()
        """There are other credentials to connect with."""
        self._hurry = asyncio.Event()
        """Something has changed at the server; it is asked again before the wait is over."""
        self._refusal: MooringError | None = None
        self._damaged: MooringError | None = None
        self._noted: dict[str, str] = {}
        self._state = GatewayState(phase="connecting", server=setup.server.url)

    async def run(self) -> None:
        """Register, connect and serve, again and again, until this is cancelled.

        Nothing that the server or the disk does ends it; what it waits for is told.
        """
        for remark in self._setup.remarks:
            log.warning("%s", remark)
        await self._load()
        if self._setup.fixed is None and not self._store.kept.candidates:
            if self._setup.provisioning is None:
                nothing = GatewayUnset(detail=NOTHING_TO_DO)
                self._say("waiting", error=self._damaged or nothing)
                await asyncio.Event().wait()
            self._wanted.set()
        elif self._store.kept.reset and self._store.kept.fresh is None:
            self._wanted.set()
        async with asyncio.TaskGroup() as both:
            both.create_task(self._keep_registered(), name="gateway registration")
            both.create_task(self._keep_connected(), name="gateway session")

    # --- registration ---

    async def _load(self) -> None:
        while True:
            try:
                damaged = await self._store.load()
                kept = self._store.kept
                if not kept.candidates and self._setup.vendor is not None:
                    # Before it is used, so that it is here whatever becomes of that folder.
                    await self._store.change(current=self._setup.vendor)
            except GatewayFileFailed as error:
                await self._wait(self._connect_pause.next(), error)
            else:
                self._damaged = damaged
                return

    async def _keep_registered(self) -> None:
        provisioning = self._setup.provisioning
        while True:
            await self._wanted.wait()
            if provisioning is None or self._setup.fixed is not None:
                self._wanted.clear()  # a file of before asks for what cannot be had now
                continue
            if not self._store.kept.candidates:
                error = self._state.error or self._damaged
                self._say("provisioning", name=provisioning.name, error=error)
            try:
                await register(
                    self._setup,
                    provisioning,
                    self._store,
                    routes=self._routes,
                    clock=self._clock,
                    say=log.info,
                )
            except MooringError as failed:
                self._note("registered", failed)
                self._refusal = error = failed
                away = isinstance(error, Unreachable)
                pause_s = (self._away_pause if away else self._register_pause).next()
                if self._store.kept.candidates:
                    self._tell_state(replace(self._state, error=self._state.error or error))
                    await self._sleep(pause_s, self._hurry)
                    self._hurry.clear()
                else:
                    await self._wait(pause_s, error)
            else:
                self._refusal = None
                self._wanted.clear()
                self._news.set()

    # --- the session ---

    async def _keep_connected(self) -> None:
        while True:
            self._news.clear()
            candidates = self._candidates()
            if not candidates:
                await self._news.wait()
                continue
            chosen = candidates[0]
            began = self._clock.monotonic()
            error = await self._session(chosen)
            if isinstance(error, GatewayUnknown):
                if chosen is not candidates[-1]:
                    await self._drop_fresh()
                elif self._setup.fixed is None and self._store.kept.renewed is not None:
                    error = await self._session(self._store.kept.renewed)
            if error is None:
                continue
            lasted_s = self._clock.monotonic() - began
            self._taken_pause.lasted(lasted_s)
            self._connect_pause.lasted(lasted_s)
            taken = isinstance(error, GatewayTakenOver)
            pause = self._taken_pause if taken else self._connect_pause
            self._note("connected", error)
            await self._wait(pause.next(), error, self._news)

    async def _drop_fresh(self) -> None:
        """The server forgot what it gave: back to what was before, and it is asked once more."""
        with contextlib.suppress(GatewayFileFailed):
            await self._store.change(fresh=None, reset=True)
            self._wanted.set()

    def _candidates(self) -> tuple[Kept, ...]:
        if self._setup.fixed is not None:
            return (Kept(name="", credentials=self._setup.fixed),)
        return self._store.kept.candidates

    async def _session(self, kept: Kept) -> MooringError | None:
        """One session to its end; None: it ended because there is something better."""
        # What was wrong stays told until it is mended, and not only while it waits.
        self._say("connecting", name=kept.name, error=self._state.error)
        try:
            client = await open_session(self._settings(kept), self._routes, title=TITLE)
        except MooringError as error:
            return error
        if client is None:
            return GatewayUnknown(cloud=TITLE, name=kept.name, path=str(self._store.path))
        link = Link(
            client,
            name=kept.name,
            title=TITLE,
            on_reset=lambda call: set_aside(call, self._setup, self._store),
            after_reset=self._wanted.set,
        )
        async with client:
            running = asyncio.create_task(link.run())
            using = asyncio.create_task(self._use(link, kept))
            news = asyncio.create_task(self._news.wait())
            watching = asyncio.create_task(self._watch(kept, link))
            tasks: tuple[asyncio.Task[Any], ...] = (running, using, news, watching)
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
            failed = [e for task in tasks if not task.cancelled() and (e := task.exception())]
            better = not news.cancelled()
            return self._end(kept, client.closed, failed, better=better)

    async def _use(self, link: Link, kept: Kept) -> None:
        limits = await link.begin()
        if kept in (self._store.kept.fresh, self._store.kept.renewed):
            await self._promote(kept)
        await self._look_at(kept, link)
        self._say("connected", name=kept.name, error=self._refusal or self._damaged)
        await self._serve(link, limits)

    async def _watch(self, kept: Kept, link: Link) -> None:
        """Look at a certificate each day."""
        if not isinstance(kept.credentials, Certificate):
            await asyncio.Event().wait()
        while True:
            await self._clock.sleep(LOOK_S)
            await self._look_at(kept, link)
            if self._state.phase == "connected":
                self._say("connected", error=self._refusal or self._damaged)

    async def _look_at(self, kept: Kept, link: Link) -> None:
        end = ends_soon(kept.credentials, self._clock.wall())
        told = isinstance(self._refusal, GatewayCertificateEnds)
        if end is None:
            self._refusal = None if told else self._refusal
        elif told or self._refusal is None:
            self._refusal = GatewayCertificateEnds(
                cloud=TITLE, name=kept.name, day=f"{end:%Y-%m-%d}"
            )
            if self._setup.fixed is None:
                try:
                    await offer_renewed(link, self._store, kept, self._clock.wall())
                except (GatewayFileFailed, CloudAnswer, InputError) as error:
                    self._note("offering a new certificate", error)

    async def _promote(self, kept: Kept) -> None:
        """It works, so what was before is not needed any more."""
        self._register_pause.lasted(0)
        self._away_pause.lasted(0)
        try:
            await self._store.change(current=kept, fresh=None, renewed=None, reset=False)
        except GatewayFileFailed as error:
            self._refusal = error  # the file holds both; the next session does this again
        else:
            if isinstance(self._refusal, GatewayFileFailed):
                self._refusal = None

    def _end(
        self,
        kept: Kept,
        closed: MqttClosed | None,
        failed: list[BaseException],
        *,
        better: bool,
    ) -> MooringError | None:
        """Why the session is over; a defect is raised."""
        for error in failed:
            if not isinstance(error, MooringError):
                raise error
        if better:
            return None
        if closed is not None and closed.code == TAKEN_OVER:
            return GatewayTakenOver(cloud=TITLE, name=kept.name)
        if self._store.kept.reset:
            self._hurry.set()
        if closed is None and failed and isinstance(failed[0], MooringError):
            return failed[0]
        detail = str(closed) if closed is not None else "The session was ended here."
        return Unreachable(cloud=TITLE, detail=detail, sent=True)

    def _settings(self, kept: Kept) -> CloudSettings:
        server = self._setup.server
        # A certificate proves itself in TLS only.
        encrypted = server.encrypted or isinstance(kept.credentials, Certificate)
        settings = CloudSettings(
            cloud=CLOUD,
            name=kept.name or "gateway",
            host=server.host,
            port=server.port,
            scheme="mqtts" if encrypted else "mqtt",
            credentials=kept.credentials,
            ca=self._setup.ca if encrypted else "",
        )
        settings.check()
        return settings

    # --- telling and waiting ---

    def _note(self, what: str, error: MooringError) -> None:
        """Log it once, however often it is tried again."""
        again = self._noted.get(what) == str(error)
        self._noted[what] = str(error)
        log.log(
            logging.DEBUG if again else logging.WARNING, "the gateway is not %s: %s", what, error
        )

    def _say(
        self, phase: Phase, *, name: str = "", error: MooringError | None = None, again_s: float = 0
    ) -> None:
        state = GatewayState(
            phase=phase,
            server=self._setup.server.url,
            name=name or self._state.name,
            error=error,
            again_s=again_s,
        )
        self._tell_state(state)

    def _tell_state(self, state: GatewayState) -> None:
        if state != self._state:
            self._state = state
            self._tell(state)

    async def _wait(
        self, seconds: float, error: MooringError, until: asyncio.Event | None = None
    ) -> None:
        self._say("waiting", error=error, again_s=seconds)
        await self._sleep(seconds, until)

    async def _sleep(self, seconds: float, until: asyncio.Event | None = None) -> None:
        """Wait, but no longer than until the event is set."""
        if until is None:
            await self._clock.sleep(seconds)
            return
        tasks = [
            asyncio.create_task(until.wait()),
            asyncio.create_task(self._clock.sleep(seconds)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
