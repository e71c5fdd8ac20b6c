"""The interface of the Arduino Create Agent, put together from the parts of this agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent import __version__
from agent.compat.drop_in import DropIn
from agent.compat.hub import Hub
from agent.compat.own_commands import add_own_commands, greeting
from agent.compat.plain_routes import add_plain_routes
from agent.compat.port_list import PortList
from agent.compat.serial import SerialPorts
from agent.compat.signature import CommandKey
from agent.compat.tool_installs import ToolInstalls
from agent.compat.tools_api import add_tools
from agent.compat.upload_request import BODY_LIMIT
from agent.compat.uploads import Uploads
from agent.flash.flashers import Flashers
from agent.flash.toolstore.tool import computer_here

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.boards.board import BoardChanges
    from agent.bridge.services import Services
    from agent.catalog import Catalog
    from agent.settings.live import LiveConfig


class _Consent:
    """What the person decided, as the drop-in asks for it."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def may(self, origin: str) -> frozenset[str]:
        return frozenset(self._services.origins.may(origin))

    def enter(self, origin: str) -> Callable[[], None]:
        return self._services.consent.enter(origin)

    def refused(self, origin: str) -> None:
        if not self.is_settled(origin):
            self._services.refused_pages.add(origin)

    def is_settled(self, origin: str) -> bool:
        """Whether the person has decided about it, so that it is no news."""
        origins = self._services.origins
        return origin in origins or origins.silent_until(origin) is not None


def make_drop_in(
    services: Services, live: LiveConfig, catalog: Catalog, uploads_dir: Path
) -> DropIn:
    """The interface over these services; it ends with the server whose guest it is.

    ``uploads_dir`` is for files while an upload runs, and for nothing else.
    """
    computer = computer_here()
    ports = PortList(services.boards.list)
    hub = Hub(ports.text, lambda: greeting(hub.commands, computer.system))
    add_own_commands(hub, ports.text)
    serial = SerialPorts(services.boards, services.monitors, hub.push_list)
    hub.commands.update(serial.commands)
    ports.is_open = serial.is_open
    consent = _Consent(services)
    drop_in = DropIn(hub, consent, lambda: live.current.compat.enabled)
    add_plain_routes(drop_in, computer, __version__, services.boards.pause.begin)

    def key() -> CommandKey:
        return CommandKey.of_file(live.current.compat.signature_key)

    installs = ToolInstalls(services.tools)
    drop_in.when_stopped(installs.stop)
    add_tools(drop_in, services.tools, installs, key)
    uploads = Uploads(
        jobs=services.jobs,
        boards=services.boards,
        catalog=catalog,
        flashers=Flashers(live.current.flash.tools),
        tools=services.tools.store,
        key=key,
        tell=hub.tell_origin,
        monitors=serial,
        folder=uploads_dir,
        system=computer.system,
    )
    uploads.sweep()
    hub.commands["killupload"] = uploads.kill
    drop_in.add_route("/upload", ("POST",), uploads.upload, BODY_LIMIT)
    drop_in.when_stopped(uploads.close)

    def boards_changed(_changes: BoardChanges) -> None:
        serial.boards_changed()
        if ports.is_new():
            hub.push_list()

    def consent_changed() -> None:
        services.refused_pages.forget(consent.is_settled)

    drop_in.when_stopped(services.consent.subscribe(consent_changed))
    services.origins.when_revoked(drop_in.revoked)
    drop_in.when_stopped(live.subscribe(drop_in.settings_changed))
    drop_in.when_stopped(services.boards.subscribe(boards_changed))
    return drop_in
