"""The page that a simulated Improv device has once it is in a network, on a loopback port."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from agent.simulator.loopback_server import HOST, LoopbackServer

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

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


class SimulatedDevicePage:
    """One page of a device of this name; an asynchronous context manager."""

    def __init__(self, name: str) -> None:
        self._text = _PAGE.format(name=html.escape(name))
        self._server = LoopbackServer(Starlette(routes=[Route("/", self._answer)]))

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._server.stop()

    @property
    def url(self) -> str:
        """Its address; only after the start."""
        return f"http://{HOST}:{self._server.port}/"

    async def _answer(self, _: Request) -> HTMLResponse:
        return HTMLResponse(self._text)
