"""The parts that agents and commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.catalog import Catalog
from agent.clouds.route import Routes
from agent.parts import (
    find_port_sources,
    make_arduino,
    make_boards,
    make_sketches,
    make_toolbox,
    model_names,
)
from agent.settings.config import Config, PortsConfig, SketchesConfig
from agent.settings.config_compat import CompatConfig
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = Config(ports=PortsConfig(system=False, extra=["/dev/ttyS7"]))


def test_boards_are_found_in_the_simulated_folder_only_if_there_is_one(tmp_path: Path):
    catalog = Catalog.load()
    with_folder = Config(ports=PortsConfig(system=False, simulated=str(tmp_path)))
    assert len(find_port_sources(with_folder, catalog)) == 1
    assert find_port_sources(Config(ports=PortsConfig(system=False)), catalog) == []


async def test_without_a_radio_boards_have_no_air(tmp_path: Path):
    paths = find_paths({"MOORING_HOME": str(tmp_path)})
    boards = make_boards(CONFIG, paths, Catalog.load(), None)
    assert boards.air_problem is None
    assert boards.list() == []
    await boards.close()


async def test_the_key_of_the_list_of_sketches_may_be_named(tmp_path: Path):
    paths, catalog, routes = find_paths({"MOORING_HOME": str(tmp_path)}), Catalog.load(), Routes()
    config = Config(sketches=SketchesConfig(index_key="~/key.asc"))
    arduino = make_arduino(config, paths, catalog, routes)
    sketches = make_sketches(config, paths, arduino, routes)
    assert sketches.store.list() == []
    await arduino.close()


async def test_no_list_of_tools_is_asked_for_before_a_tool_is(tmp_path: Path):
    paths = find_paths({"MOORING_HOME": str(tmp_path)})
    compat = CompatConfig(tool_index_url="https://list.invalid/i.json", tool_index_key="~/key.asc")
    tools = make_toolbox(Config(compat=compat), paths, Routes())
    assert await tools.installed() == []
    assert tools.index.problem is None
    assert not paths.tools_dir.exists()


def test_models_are_known_by_id_and_by_name():
    names = model_names(Catalog.load())
    assert {"uno_r4_wifi", "Arduino UNO R4 WiFi"} <= names
