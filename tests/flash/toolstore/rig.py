"""A list of tools on loopback, and what asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.clouds.downloads import Downloads
from agent.clouds.http import Limits
from agent.clouds.route import Routes
from agent.flash.toolstore.index import ToolIndexSource
from agent.flash.toolstore.install import Toolbox
from agent.flash.toolstore.store import ToolStore
from agent.flash.toolstore.tool import Computer
from agent.parts import make_toolbox
from agent.settings.config import Config
from agent.settings.config_compat import CompatConfig
from agent.settings.paths import find_paths
from tests.clouds.manual_clock import ManualClock
from tests.flash.toolstore.archives import tar

if TYPE_CHECKING:
    from pathlib import Path

    from agent.simulator.tool_index import SimulatedToolIndex

LINUX = Computer("linux", "amd64")
HOST = "x86_64-pc-linux-gnu"


class Time:
    """Unix seconds that a test moves."""

    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def program(content: bytes = b"program") -> bytes:
    return tar({"b/bossac!": content})


def publish(server: SimulatedToolIndex, version: str, content: bytes = b"program") -> str:
    """A bossac for Linux."""
    return server.publish(
        "arduino", "bossac", version, host=HOST, file="bossac.tar.gz", data=program(content)
    )


def downloads() -> Downloads:
    return Downloads(clock=ManualClock(), limits=Limits(answer_s=5.0))


def source(server: SimulatedToolIndex, folder: Path, time: Time, **options: str) -> ToolIndexSource:
    key = folder / f"key-{id(server)}.asc"
    key.write_bytes(server.public_key)
    url = options.get("url", server.index_url)
    return ToolIndexSource(downloads(), folder / "index", url=url, key_file=key, now=time)


def toolbox_in(folder: Path) -> Toolbox:
    """One whose list cannot be reached."""
    config = Config(compat=CompatConfig(tool_index_url="http://127.0.0.1:9/index.json"))
    return make_toolbox(config, find_paths({"MOORING_HOME": str(folder / "home")}), Routes())


def toolbox(server: SimulatedToolIndex, folder: Path, time: Time) -> Toolbox:
    index = source(server, folder, time)
    return Toolbox(ToolStore(folder / "tools"), index, downloads(), now=time, computer=LINUX)
