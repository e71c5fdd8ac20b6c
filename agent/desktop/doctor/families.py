"""All families of findings, from what the rest of the agent knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agent import __version__
from agent.clouds.route import Routes
from agent.desktop.autostart import find_ways
from agent.desktop.doctor.accounts import Keyring
from agent.desktop.doctor.bluetooth import Bluetooth
from agent.desktop.doctor.bridge_ports import BridgePorts
from agent.desktop.doctor.clock import Clock
from agent.desktop.doctor.doctor import Doctor
from agent.desktop.doctor.folders import Folders
from agent.desktop.doctor.gateway import AsGateway
from agent.desktop.doctor.holders import PortHolders, Probers
from agent.desktop.doctor.internet import CloudAddress, Internet
from agent.desktop.doctor.login import AtLogin
from agent.desktop.doctor.other_agents import OtherAgents
from agent.desktop.doctor.serial import SerialAccess
from agent.desktop.doctor.settings import AgentItself
from agent.desktop.doctor.tools import Tools
from agent.desktop.doctor.tray import TrayPlace
from agent.desktop.doctor.udev import UdevRule
from agent.desktop.doctor.udev_rules import udev_rules
from agent.desktop.doctor.updates import NewerVersion
from agent.desktop.doctor.upload_tools import UploadTools
from agent.desktop.instance import find_instance
from agent.flash.tools import places_here

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.boards.board import Board, Port
    from agent.catalog import Catalog
    from agent.desktop.instance import Instance
    from agent.errors import ErrorReport
    from agent.flash.toolstore.install import Toolbox
    from agent.links.ble_radio import BleRadio
    from agent.settings.config import Config, UpdatesConfig
    from agent.settings.config_compat import CompatConfig
    from agent.settings.notices import GatewayInfo
    from agent.settings.paths import Paths


def build_doctor(
    config: Config,
    paths: Paths,
    catalog: Catalog,
    *,
    boards: Callable[[], Sequence[Board]],
    radio: BleRadio | None,
    notices: Callable[[], Sequence[ErrorReport]] = lambda: (),
    routes: Routes | None = None,
    updates: Callable[[], UpdatesConfig] | None = None,
    gateway: Callable[[], GatewayInfo | None] = lambda: None,
    compat: Callable[[], CompatConfig] | None = None,
    command_key: Callable[[], object] = lambda: None,
    tools: Toolbox,
) -> Doctor:
    """The doctor of this computer and user.

    ``boards`` that are there now; ``notices`` of the agent about itself; ``routes`` and
    ``updates`` are what counts in the agent now, None: ``config``, as for ``compat``; ``gateway`` is
    how it does as one; ``tools`` are those of pages, and ``command_key`` reads whose command lines
    count. Looks at nothing yet.
    """

    def ports() -> list[Port]:
        return [port for board in boards() for port in board.ports]

    def agent_port() -> int | None:
        instance = running_agent(paths)
        return None if instance is None else instance.port

    def agent_processes() -> list[int]:
        instance = running_agent(paths)
        return [] if instance is None else [instance.pid]

    wanted = compat or (lambda: config.compat)
    usb = [
        each
        for model in catalog.models
        for each in (*model.usb.sketch, *model.usb.bootloader, *model.usb.other)
    ]
    written = (paths.journal_file, paths.log_file, paths.accounts_file, Path(__file__))
    return Doctor(
        [
            AgentItself(paths.config_file, notices),
            AsGateway(gateway),
            NewerVersion(paths.updates_file, updates or (lambda: config.updates), __version__),
            SerialAccess(ports),
            UdevRule(udev_rules(catalog.models)),
            PortHolders(boards, own=agent_processes),
            Probers(usb),
            Bluetooth(radio),
            BridgePorts(config.bridge, agent_port),
            OtherAgents(agent_port, bridge=config.bridge, wanted=lambda: wanted().enabled),
            Internet(
                [CloudAddress(config.arduino.title, config.arduino.base_url)],
                routes=routes or Routes(lambda: config.network),
            ),
            Clock(written),
            TrayPlace(),
            AtLogin(find_ways),
            Keyring(used=not paths.portable),
            Folders(paths),
            Tools(places_here(explicit=config.flash.tools)),
            UploadTools(tools, command_key),
        ]
    )


def running_agent(paths: Paths) -> Instance | None:
    """The agent of this user; None as well where the folder that tells is not ours to read."""
    try:
        return find_instance(paths)
    except OSError:
        return None
