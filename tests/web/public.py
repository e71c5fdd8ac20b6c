"""A page of the public Internet, simulated on this computer: https, under names of its own.

Chromium is told that the server is at a public address, so its rules for public pages that reach
for this computer hold.
"""

from __future__ import annotations

import contextlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agent.bridge.pages import WEB_FOLDER
from tests.internet import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.web.rig import Agent

EXAMPLE: Final = Path(__file__).parents[2] / "docs" / "example" / "index.html"
"""The page for page authors; the tests use it as it is."""

_CLIENT: Final = ("/mooring.js", "/client/")


class _Handler(SimpleHTTPRequestHandler):
    """The example with the client beside it, as its author would serve them."""

    def __init__(self, *args: Any, look_at: dict[str, str], **kwargs: Any) -> None:
        self._look_at = look_at
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        if self.path.startswith(_CLIENT):
            super().do_GET()
            return
        if self.path != "/":
            self.send_error(404)
            return
        page = EXAMPLE.read_text(encoding="utf-8")
        where = self._look_at.get("origins", "")
        # The agent of a test is on a port of its own; a page of a real author looks on the usual ones.
        body = page.replace("new Mooring()", f"(window.agent = new Mooring({where}))").encode()
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name of the base class
        """Say nothing."""


class PublicSite:
    """The example, served over https under any name."""

    def __init__(self, port: int, look_at: dict[str, str]) -> None:
        self.port = port
        self._look_at = look_at

    def url(self, name: str = "app.example.test") -> str:
        """Where a browser finds it."""
        return f"{self.origin(name)}/"

    def origin(self, name: str = "app.example.test") -> str:
        """What a browser calls it."""
        return f"https://{name}:{self.port}"

    def look_for(self, agent: Agent | None) -> None:
        """Its pages look for this agent; None: where nothing is."""
        url = agent.url.rstrip("/") if agent else "http://127.0.0.1:9"
        self._look_at["origins"] = f'{{ origins: ["{url}"] }}'

    def chromium_arguments(self) -> list[str]:
        """So that Chromium finds it, trusts it and takes it for a public page."""
        return [
            f"--ip-address-space-overrides=127.0.0.1:{self.port}=public",
            "--ignore-certificate-errors",
            "--host-resolver-rules=MAP *.example.test 127.0.0.1",
        ]


@contextlib.contextmanager
def public_site(folder: Path, *names: str) -> Iterator[PublicSite]:
    """Serve the example over https until the end of the block."""
    look_at: dict[str, str] = {}
    handler = partial(_Handler, directory=str(WEB_FOLDER), look_at=look_at)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = Authority(folder, "Example").context("app.example.test", *names)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield PublicSite(server.server_port, look_at)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
