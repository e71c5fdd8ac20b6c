"""What an agent and the commands that work without one are both made of."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.boards.ble_boards import BleBoards
from agent.boards.known import KnownBoards
from agent.boards.loader_drives import Drive
from agent.boards.service import BoardService, port_sources
from agent.boards.usb_loaders import ListedDevice
from agent.clouds.accounts import AccountStore
from agent.clouds.arduino import ArduinoCloud
from agent.clouds.blynk.cloud import Blynk
from agent.clouds.downloads import LIST_ANSWER_LIMIT_S, Downloads
from agent.clouds.http import Limits
from agent.clouds.nrf.cloud import NrfCloud
from agent.clouds.pacing import Rate
from agent.clouds.thingsboard.cloud import ThingsBoard
from agent.flash.dfu_list import DfuLister
from agent.flash.fetch import Sketches
from agent.flash.index import INDEX_KEY, IndexSource
from agent.flash.store import SketchStore
from agent.flash.toolstore.index import PACKAGE_KEY, ToolIndexSource
from agent.flash.toolstore.install import Toolbox
from agent.flash.toolstore.store import ToolStore
from agent.flash.volumes import VolumeFinder
from agent.links import open_link
from agent.links.access_point_keeper import AccessPointKeeper
from agent.links.ble import with_ble
from agent.links.ble_gatt import open_gatt

if TYPE_CHECKING:
    from agent.boards.watch import PortSource
    from agent.catalog import Catalog
    from agent.clouds.route import Routes
    from agent.compat.signature import CommandKey
    from agent.links.ble_radio import BleRadio
    from agent.settings.config import Config
    from agent.settings.live import LiveConfig
    from agent.settings.notices import Notices
    from agent.settings.paths import Paths


TOOL_LIST_ANSWER_LIMIT_S: Final = 30.0
"""The vendor's list of tools has a megabyte or so: ten times that of sketches, on a slow line."""


def model_names(catalog: Catalog) -> frozenset[str]:
    """Ids and names of all models: what may stand in a report."""
    return frozenset(name for model in catalog.models for name in (model.id, model.name))


def make_arduino(config: Config, paths: Paths, catalog: Catalog, routes: Routes) -> ArduinoCloud:
    """The client of Arduino Cloud with the settings of the start."""
    return ArduinoCloud(
        base_url=config.arduino.base_url,
        title=config.arduino.title,
        accounts=make_accounts(paths),
        catalog=catalog,
        rate=Rate.of(config.arduino.requests_per_s),
        routes=routes,
    )


def make_accounts(paths: Paths) -> AccountStore:
    """Where accounts of clouds, and networks with names, rest."""
    return AccountStore(paths.accounts_file, use_keyring=not paths.portable)


def make_thingsboard(paths: Paths, routes: Routes) -> ThingsBoard:
    """The client of a ThingsBoard server; its account names the server."""
    return ThingsBoard(accounts=make_accounts(paths), routes=routes)


def make_blynk(paths: Paths, routes: Routes) -> Blynk:
    """The client of Blynk.Cloud; its account names the server."""
    return Blynk(accounts=make_accounts(paths), routes=routes)


def make_nrf(config: Config, paths: Paths, routes: Routes) -> NrfCloud:
    """The client of nRF Cloud with the settings of the start."""
    return NrfCloud(
        accounts=make_accounts(paths),
        provisioning_url=config.nrf.provisioning_url,
        devices_url=config.nrf.devices_url,
        routes=routes,
    )


def make_sketches(config: Config, paths: Paths, arduino: ArduinoCloud, routes: Routes) -> Sketches:
    """The store of sketches and its sources."""
    downloads = Downloads(routes=routes)
    key = config.sketches.index_key
    index = IndexSource(
        Downloads(limits=Limits(answer_s=LIST_ANSWER_LIMIT_S), routes=routes),
        paths.sketches_dir / "index.json",
        url=config.sketches.index_url,
        key_file=Path(key).expanduser() if key else INDEX_KEY,
        now=time.time,
    )
    return Sketches(SketchStore(paths.sketches_dir), index, downloads, arduino, now=time.time)


def make_toolbox(config: Config, paths: Paths, routes: Routes) -> Toolbox:
    """The store of upload tools and the list that they come from; asks nobody yet."""
    key = config.compat.tool_index_key
    index = ToolIndexSource(
        Downloads(limits=Limits(answer_s=TOOL_LIST_ANSWER_LIMIT_S), routes=routes),
        paths.tools_dir / "index.json",
        url=config.compat.tool_index_url,
        key_file=Path(key).expanduser() if key else PACKAGE_KEY,
        now=time.time,
    )
    return Toolbox(ToolStore(paths.tools_dir), index, Downloads(routes=routes), now=time.time)


def command_key(config: Config) -> CommandKey:
    """Whose signature counts on command lines and addresses of tools; raises InputError."""
    from agent.compat.signature import CommandKey

    return CommandKey.of_file(config.compat.signature_key)


def make_boards(
    config: Config, paths: Paths, catalog: Catalog, radio: BleRadio | None
) -> BoardService:
    """What finds boards and tells them apart; without ``radio`` on cables alone."""
    sources = find_port_sources(config, catalog)
    known = KnownBoards(paths.data_dir / "boards.json")
    if radio is None:
        return BoardService(catalog, sources, known=known)
    return BoardService(
        catalog,
        sources,
        known=known,
        air=BleBoards(radio, config.ports.ignore),
        opener=with_ble(radio, open_link),
        gatt_opener=partial(open_gatt, radio),
    )


def make_access_points(live: LiveConfig, paths: Paths, notices: Notices) -> AccessPointKeeper:
    """The Wi-Fi of this computer, for boards with a network of their own."""
    return AccessPointKeeper(
        paths.way_back_file,
        partial(notices.set, "wifi"),
        may_join=lambda: live.current.wifi.join == "ask",
    )


def find_port_sources(config: Config, catalog: Catalog) -> list[PortSource]:
    """What finds ports; the flash methods know how their bootloaders show themselves."""
    volumes, dfu = VolumeFinder(), DfuLister(config.flash.tools)

    def find_drives() -> list[Drive]:
        return [Drive(str(each.path), each.info.board_id, each.location) for each in volumes.find()]

    def find_dfu() -> list[ListedDevice]:
        return [ListedDevice(*each) for each in dfu.find()]

    return port_sources(config.ports, catalog.models, find_drives=find_drives, find_dfu=find_dfu)
