"""The composition root: what the agent is made of, with ``parts``; no other module knows so much."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from agent import __version__
from agent.boards.attendance import Attendance
from agent.boards.ble_advert import SERVICES
from agent.boards.monitor import Monitors
from agent.bridge.connection import Connection
from agent.bridge.consent import Decision
from agent.bridge.consent_service import Consent
from agent.bridge.methods import build_dispatcher
from agent.bridge.origins import Origins
from agent.bridge.peer import Peer
from agent.bridge.relay import Relay
from agent.bridge.server import BridgeServer
from agent.bridge.services import About, Services
from agent.bridge.uploads import Uploads
from agent.catalog import Catalog
from agent.clouds.none import NoCloud
from agent.clouds.pacing import Rate
from agent.clouds.route import Routes
from agent.clouds.vault import open_vault
from agent.compat.tool_kit import ToolKit
from agent.desktop.autostart import find_switch
from agent.desktop.updates import Updates
from agent.drop_in import make_drop_in
from agent.flash.flashers import Flashers
from agent.flash.nvs_backup import NvsBackups
from agent.jobs.blynk.kit import BlynkKit
from agent.jobs.job import JobKind
from agent.jobs.journal import open_journal_or_memory
from agent.jobs.nrf.kit import NrfKit
from agent.jobs.nvs_way import NvsWay
from agent.jobs.service import JobService
from agent.jobs.surroundings import Surroundings
from agent.jobs.ways import WAYS
from agent.links.ble_radio import BleRadio
from agent.parts import (
    command_key,
    make_access_points,
    make_accounts,
    make_arduino,
    make_blynk,
    make_boards,
    make_nrf,
    make_sketches,
    make_thingsboard,
    make_toolbox,
    model_names,
)
from agent.settings.file import SettingsFile
from agent.settings.live import LiveConfig
from agent.settings.log import set_level
from agent.settings.notices import Notices
from agent.settings.service import SettingsService

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.clouds.cloud import AnyCloud, Cloud
    from agent.clouds.enrolment import EnrolCloud
    from agent.desktop.doctor import Doctor
    from agent.desktop.tray.host import TrayHost
    from agent.desktop.tray.tray import Tray
    from agent.errors import ErrorReport, Examination, JournalFailed, Looked
    from agent.settings import Secret
    from agent.settings.config import Config
    from agent.settings.paths import Paths

_PLATFORMS = {"win32": "windows", "darwin": "macos"}


class App:
    """One agent: :meth:`start`, then :meth:`serve` or :meth:`connection`, then :meth:`close`."""

    def __init__(
        self,
        config: Config,
        paths: Paths,
        quit_agent: Callable[[], None],
        show: Callable[[str], bool],
        problem: ErrorReport | None,
        variables: Mapping[str, str],
    ) -> None:
        """Use :func:`build`. ``quit_agent`` is called when a person asks the agent to end.

        ``show`` opens a place on the page in the person's browser; False: there is none.
        ``problem`` is why the settings are not those that the person wrote; ``variables`` are those
        of the environment that make the agent a gateway of ThingsBoard.
        """
        self.live = LiveConfig(config)
        """The settings of now; ``config`` are those of the start."""
        self._config = config
        self._paths = paths
        self._quit = quit_agent
        self._show = show
        self._variables = variables
        self.catalog = Catalog.load()
        self.radio = BleRadio(SERVICES) if config.bluetooth.scan != "never" else None
        """The Bluetooth of this computer; None: the configuration says never."""
        self.boards = make_boards(config, paths, self.catalog, self.radio)
        self._attendance = Attendance(self.boards.attend)
        self.routes = Routes(lambda: self.live.current.network)
        """How this computer reaches the Internet, by the settings of now."""
        self._arduino = make_arduino(config, paths, self.catalog, self.routes)
        self.clouds: dict[str, Cloud] = {cloud.id: cloud for cloud in (self._arduino, NoCloud())}
        self.enrolments: dict[str, EnrolCloud] = {
            cloud.id: cloud for cloud in (make_thingsboard(paths, self.routes),)
        }
        """Clouds that give credentials to boards."""
        self.nrf = make_nrf(config, paths, self.routes)
        self.blynk = make_blynk(paths, self.routes)
        self.sketches = make_sketches(config, paths, self._arduino, self.routes)
        self.tools = make_toolbox(config, paths, self.routes)
        self.notices = Notices()
        """What is wrong with this agent itself."""
        self.access_points = make_access_points(self.live, paths, self.notices)
        """The Wi-Fi of this computer, which nobody has asked yet."""
        self.notices.set("settings", problem)
        self.vault = open_vault(paths, partial(self.notices.set, "vault"))
        """What clouds gave to boards."""
        self._stack = AsyncExitStack()
        self._services: Services | None = None
        self._doctor: Doctor | None = None

    @property
    def services(self) -> Services:
        """What the methods of the bridge ask; only after :meth:`start`."""
        if self._services is None:
            msg = "the agent is not started"
            raise RuntimeError(msg)
        return self._services

    async def start(self) -> None:
        """Find the boards, open the journal, and bring to an end what a crash left."""
        journal, failed = await open_journal_or_memory(self._paths.journal_file)
        self._stack.push_async_callback(journal.close)
        self.notices.set("journal", None if failed is None else failed.report())
        if self.radio is not None:
            # Ends after everybody who has links through it.
            self._stack.push_async_callback(self.radio.close)
        self._stack.push_async_callback(self.access_points.close)
        await self.boards.start()
        self._stack.push_async_callback(self.boards.close)
        self._stack.callback(self.live.subscribe(self._follow))
        self._stack.callback(self._attendance.keep, False)
        self._attendance.keep(self._config.bluetooth.scan == "always")
        families = {cloud.id: cloud for cloud in (self.nrf, self.blynk)}
        clouds: dict[str, AnyCloud] = {**self.clouds, **self.enrolments, **families}
        for cloud in clouds.values():
            self._stack.push_async_callback(cloud.close)
        flashers = Flashers(self._config.flash.tools)
        by_loader = NvsWay(
            self.catalog,
            flashers.esptool,
            NvsBackups(self._paths.nvs_dir),
            names=self._config.nvs.names,
            partition=self._config.nvs.partition,
        )
        surroundings = Surroundings(
            boards=self.boards,
            clouds=self.clouds,
            journal=journal,
            flashers=flashers,
            sketches=self.sketches,
            enrolments=self.enrolments,
            vault=self.vault,
            deliveries={**WAYS, "nvs": by_loader},
            nvs_names=self._config.nvs.names,
            access_points=self.access_points,
            kits=(BlynkKit(self.blynk), NrfKit(self.nrf, self.catalog), ToolKit()),
        )
        jobs = JobService(surroundings, self.catalog)
        self._stack.push_async_callback(jobs.close)
        origins = Origins(self._paths.origins_file, self._paths.origins_lock)
        consent = Consent(origins)

        def origins_changed() -> None:
            problem = origins.unsaved or origins.problem
            self.notices.set("origins", None if problem is None else problem.report())

        origins_changed()
        self._stack.callback(consent.subscribe(origins_changed))
        self._services = Services(
            about=About(
                version=__version__,
                platform=_PLATFORMS.get(sys.platform, "linux"),
                simulated=bool(self._config.ports.simulated),
                capabilities=(*(kind.value for kind in JobKind), "serial"),
            ),
            boards=self.boards,
            monitors=Monitors(self.boards),
            jobs=jobs,
            clouds=clouds,
            catalog=self.catalog,
            sketches=self.sketches.store,
            tools=self.tools,
            origins=origins,
            consent=consent,
            vault=self.vault,
            settings=SettingsService(
                SettingsFile(self._paths.config_file, self._paths.settings_lock),
                self.live,
                on_problem=partial(self.notices.set, "settings"),
            ),
            flash_urls=lambda: self.live.current.flash.urls,
            quit=self._quit,
            examine=self._examine,
            report=self._report,
            show=self._show,
            bluetooth=self.radio,
            wifi=self.access_points,
            notices=self.notices,
        )

        async def journal_moved(why_not: JournalFailed | None) -> None:
            self.notices.set("journal", None if why_not is None else why_not.report())
            await jobs.start_up()

        journal.moved = journal_moved
        await jobs.start_up()
        self.access_points.start()

    def _follow(self) -> None:
        """Let the settings of now count where nobody asks for them."""
        config = self.live.current
        set_level(config.log.level)
        self._arduino.change_rate(Rate.of(config.arduino.requests_per_s))
        self._attendance.keep(config.bluetooth.scan == "always")

    async def serve(self, token: Secret) -> BridgeServer:
        """Answer pages and programs; ``token`` is what programs of this user show."""
        guest = make_drop_in(self.services, self.live, self.catalog, self._paths.uploads_dir)
        server = BridgeServer(self.services, token=token, config=self._config.bridge, guest=guest)
        await server.start()
        self._stack.push_async_callback(server.stop)
        updates = Updates(
            lambda: self.live.current.updates,
            self._paths.updates_file,
            __version__,
            self.services.update.set,
            routes=self.routes,
        )
        self._be_gateway()
        looking = asyncio.ensure_future(self.vault.look())
        self._stack.callback(looking.cancel)
        updates.start()
        self._stack.push_async_callback(updates.close)
        self._stack.callback(self.live.subscribe(updates.settings_changed))
        return server

    def _be_gateway(self) -> None:
        """Report to a ThingsBoard server, if the settings or the environment want that."""
        if not (self._variables or self._config.gateway.enabled):
            return
        from agent.gateway.agent import GatewayAgent

        services = self.services
        gateway = GatewayAgent(
            variables=self._variables,
            live=self.live,
            paths=self._paths,
            accounts=make_accounts(self._paths),
            routes=self.routes,
            boards=self.boards,
            jobs=services.jobs,
            catalog=self.catalog,
            notices=self.notices,
            status=services.gateway,
            about={"version": __version__, "platform": services.about.platform},
        )
        self._stack.push_async_callback(gateway.close)
        gateway.start()

    def tray(
        self, host: TrayHost, page: str, open_page: Callable[[str], object], *, demo: bool = False
    ) -> Tray:
        """What follows this agent beside the clock; ``page`` is the address of its page.

        That of a demo says what it is, and changes nothing of this computer.
        """
        from agent.desktop.tray.followed import Followed
        from agent.desktop.tray.tray import Tray

        services = self.services
        followed = Followed(
            boards=services.boards,
            jobs=services.jobs,
            page=page,
            open_page=open_page,
            quit_agent=services.quit,
            title="Mooring Demo" if demo else "Mooring",
            notices=services.notices,
            update=services.update,
            pause=services.boards.pause,
            consent=services.consent,
            answer=lambda ask, decision: services.consent.answer(ask, Decision(decision)),
            at_login=None if demo else find_switch(),
            tells=lambda: self.live.current.desktop.notifications,
            is_seen=lambda: services.seen.value > 0,
        )
        return Tray(host, followed, self._paths.tray_file)

    def connection(self) -> Connection:
        """A program of this user inside this process, over the same methods."""
        relay = Relay(self.services.monitors)
        dispatcher = build_dispatcher(self.services, relay, Uploads())
        return Connection(dispatcher, Peer(origin=None, own=True), relay.take_data)

    async def _examine(self, fix: bool, looked: Callable[[Looked], None]) -> Examination:
        if self._doctor is None:
            from agent.desktop.doctor.families import build_doctor

            self._doctor = build_doctor(
                self._config,
                self._paths,
                self.catalog,
                boards=self.boards.list,
                radio=self.radio,
                notices=self.notices.list,
                routes=self.routes,
                updates=lambda: self.live.current.updates,
                gateway=lambda: self.services.gateway.value,
                compat=lambda: self.live.current.compat,
                command_key=lambda: command_key(self.live.current),
                tools=self.tools,
            )
        return await self._doctor.run(fix=fix, looked=looked)

    async def _report(self) -> tuple[str, str]:
        from agent.desktop.report.report import Sources, make_report

        sources = Sources(
            paths=self._paths,
            config=self.live.current,
            models=model_names(self.catalog),
            examine=lambda: self._examine(False, lambda _: None),
            boards=self.boards.list,
            jobs=self.services.jobs.list,
            notices=self.notices.list,
        )
        return await make_report(sources)

    async def close(self) -> None:
        """End everything, last started first; may be called again."""
        await self._stack.aclose()


def build(
    config: Config,
    paths: Paths,
    quit_agent: Callable[[], None] = lambda: None,
    show: Callable[[str], bool] = lambda _place: False,
    problem: ErrorReport | None = None,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> App:
    """An agent that is not started yet. Call it inside the event loop that the agent will use."""
    return App(config, paths, quit_agent, show, problem, variables)
