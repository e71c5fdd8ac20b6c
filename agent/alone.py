"""What commands use when no agent runs: made for one task, and gone after it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from agent.boards.ble_advert import SERVICES
from agent.boards.service import BoardService
from agent.catalog import Catalog
from agent.clouds.route import Routes
from agent.links.ble_radio import BleRadio
from agent.parts import (
    command_key,
    find_port_sources,
    make_arduino,
    make_sketches,
    make_toolbox,
    model_names,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.desktop.doctor import Doctor
    from agent.flash.fetch import Sketches
    from agent.flash.toolstore.install import Toolbox
    from agent.settings.config import Config
    from agent.settings.paths import Paths


@asynccontextmanager
async def open_sketches(config: Config, paths: Paths, catalog: Catalog) -> AsyncIterator[Sketches]:
    """The store of sketches and its sources alone: several processes may use it at a time."""
    routes = Routes(lambda: config.network)
    arduino = make_arduino(config, paths, catalog, routes)
    try:
        yield make_sketches(config, paths, arduino, routes)
    finally:
        await arduino.close()


def make_tools(config: Config, paths: Paths) -> Toolbox:
    """The store of upload tools and their source: several processes may use it at a time."""
    return make_toolbox(config, paths, Routes(lambda: config.network))


@asynccontextmanager
async def open_doctor(config: Config, paths: Paths) -> AsyncIterator[Doctor]:
    """The doctor without an agent: finds the boards on cables, and writes nothing."""
    async with _without_agent(config, paths, Catalog.load()) as (doctor, _):
        yield doctor


async def report_alone(config: Config, paths: Paths) -> tuple[str, str]:
    """Name and text of a report that is made without an agent; writes nothing."""
    from agent.desktop.report.kept import read_jobs
    from agent.desktop.report.report import Sources, make_report

    catalog = Catalog.load()
    async with _without_agent(config, paths, catalog) as (doctor, boards):
        sources = Sources(
            paths=paths,
            config=config,
            models=model_names(catalog),
            examine=doctor.run,
            boards=boards.list,
            jobs=lambda limit: asyncio.to_thread(read_jobs, paths.journal_file, limit),
        )
        return await make_report(sources)


@asynccontextmanager
async def _without_agent(
    config: Config, paths: Paths, catalog: Catalog
) -> AsyncIterator[tuple[Doctor, BoardService]]:
    from agent.desktop.doctor.families import build_doctor

    async with AsyncExitStack() as stack:
        radio = BleRadio(SERVICES) if config.bluetooth.scan != "never" else None
        if radio is not None:
            stack.push_async_callback(radio.close)
        boards = BoardService(catalog, find_port_sources(config, catalog))
        stack.push_async_callback(boards.close)
        await boards.start()
        doctor = build_doctor(
            config,
            paths,
            catalog,
            boards=boards.list,
            radio=radio,
            command_key=lambda: command_key(config),
            tools=make_tools(config, paths),
        )
        yield doctor, boards
