"""The gateway as a part of the agent: made of its parts, run, looked at, ended."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from agent.clouds.clock import Clock, SystemClock
from agent.errors import GatewayAccountMissing, GatewayUnset, InternalError, MooringError
from agent.gateway.configured import configured_setup
from agent.gateway.connection import Gateway
from agent.gateway.names import DeviceNames
from agent.gateway.networks import StoredNetworks
from agent.gateway.pause import Pause
from agent.gateway.service import GatewayService
from agent.gateway.setup import read_setup
from agent.gateway.stored import GatewayStore
from agent.settings.notices import GatewayInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from agent.catalog import Catalog
    from agent.clouds.accounts import AccountStore
    from agent.clouds.route import Routes
    from agent.gateway.boards import Boards
    from agent.gateway.connection import GatewayState
    from agent.gateway.jobs import Jobs
    from agent.gateway.setup import GatewaySetup
    from agent.settings.held import Held
    from agent.settings.live import LiveConfig
    from agent.settings.notices import Notices
    from agent.settings.paths import Paths

NOTICE: Final = "gateway"
LOOK_FIRST_S: Final = 15.0
LOOK_MOST_S: Final = 900.0
"""Between two looks for an account that was not there: a login takes a minute, a person a day."""
ASKS_MAX: Final = 8
"""Looks at a keyring that is locked, an hour of them: each may be a question on the screen."""

_log = logging.getLogger(__name__)


class GatewayAgent:
    """What the agent does as a gateway: :meth:`start`, then :meth:`close`."""

    def __init__(
        self,
        *,
        variables: Mapping[str, str],
        live: LiveConfig,
        paths: Paths,
        accounts: AccountStore,
        routes: Routes,
        boards: Boards,
        jobs: Jobs,
        catalog: Catalog,
        notices: Notices,
        status: Held[GatewayInfo | None],
        about: Mapping[str, Any],
        clock: Clock | None = None,
    ) -> None:
        """``variables``: those of the environment that are for the gateway.

        ``status`` gets how it is doing; ``about`` is said of the gateway on the server.
        """
        self._variables = variables
        self._live = live
        self._accounts = accounts
        self._routes = routes
        self._notices = notices
        self._clock = clock or SystemClock()
        self._store = GatewayStore(paths.gateway_file)
        self._names = DeviceNames(paths.gateway_names_file)
        self._service = GatewayService(
            boards=boards,
            jobs=jobs,
            catalog=catalog,
            names=self._names,
            networks=StoredNetworks(accounts, paths.gateway_networks_file),
            config=lambda: live.current.gateway,
            about=about,
        )
        self._status = status
        self._running: asyncio.Task[None] | None = None
        self._unfollow: Callable[[], None] = _nothing

    def start(self) -> None:
        """Begin; what is wrong with the settings, or later, is a notice."""
        self._running = asyncio.create_task(self._run(), name="gateway")
        self._running.add_done_callback(self._ended)

    async def close(self) -> None:
        """End it, with what waits for the server if that is quick; again does nothing."""
        running, self._running = self._running, None
        if running is not None:
            await self._service.flush()
            running.cancel()
            await asyncio.wait({running})
        self._unfollow()
        await self._service.close()
        self._status.set(None)

    async def _run(self) -> None:
        try:
            setup = await self._account_there()
        except MooringError as error:
            _log.warning("no gateway: %s", error)
            self._notices.set(NOTICE, error.report())
            return
        if setup is None:
            return
        await asyncio.to_thread(self._names.load)
        self._service.begin()
        await self._service.catch_up()
        self._unfollow = self._live.subscribe(self._service.settings_changed)
        gateway = Gateway(
            setup, self._store, serve=self._service.serve, tell=self._tell, routes=self._routes
        )
        await gateway.run()

    async def _account_there(self) -> GatewaySetup | None:
        """The setup; where only the account is missing, or its keyring locked, once it is there."""
        pause, locked = Pause(LOOK_FIRST_S, LOOK_MOST_S), 0
        while True:
            try:
                return await self._setup()
            except GatewayAccountMissing as missing:
                if not locked:
                    _log.warning("no gateway yet: %s", missing.report().meaning)
                self._notices.set(NOTICE, missing.report())
                locked += self._accounts.keyring_failed
                if locked >= ASKS_MAX:
                    detail = str(missing.facts["detail"])
                    raise GatewayUnset(detail=detail) from missing
            await self._clock.sleep(pause.next())

    async def _setup(self) -> GatewaySetup | None:
        """Variables go first, as with the vendor's gateway."""
        setup = await asyncio.to_thread(read_setup, self._variables)
        if setup is None and self._live.current.gateway.enabled:
            registered = await asyncio.to_thread(self._store.path.exists)
            setup = await configured_setup(
                self._live.current.gateway, self._accounts, registered=registered
            )
        return setup

    def _tell(self, state: GatewayState) -> None:
        report = None if state.error is None else state.error.report()
        self._status.set(
            GatewayInfo(
                phase=state.phase,
                server=state.server,
                name=state.name,
                again_s=round(state.again_s, 1),
                error=report,
            )
        )
        self._notices.set(NOTICE, report)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or (failed := task.exception()) is None:
            return
        _log.error("the gateway has a defect and is gone", exc_info=failed)
        self._notices.set(NOTICE, InternalError(kind=type(failed).__name__).report())
        self._status.set(None)  # or it would be called connected for ever


def _nothing() -> None:
    """Nothing is followed yet."""
