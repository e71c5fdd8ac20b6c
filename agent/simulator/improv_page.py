"""The page that a simulated Improv device has once it is in a network, on a loopback port."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from agent.simulator.loopback_server import LoopbackServer
from agent.simulator.loopback_servers import LoopbackServers

if TYPE_CHECKING:
    from starlette.requests import Request

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{name}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: 4rem auto; padding: 0 1rem }}
</style>
<h1>{name}</h1>
<p>This simulated device is in its network. A real one shows its own page here.</p>
</html>
"""


class SimulatedDevicePage(LoopbackServers):
    """One page of a device of this name; an asynchronous context manager."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._text = _PAGE.format(name=html.escape(name))
        self._servers["http"] = LoopbackServer(Starlette(routes=[Route("/", self._answer)]))

    @property
    def url(self) -> str:
        """Its address; only after the start."""
        return f"{self.base_url}/"

    async def _answer(self, _: Request) -> HTMLResponse:
        return HTMLResponse(self._text)
