"""A simulated list of upload tools with their archives: signed with a key of its own, on loopback.

Start here: :class:`SimulatedToolIndex`; set ``fault`` to make it fail.
"""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from agent.simulator.loopback_server import LoopbackServer
from agent.simulator.loopback_servers import LoopbackServers

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

ToolFault: TypeAlias = Literal[
    "wrong-signature",
    "no-signature",
    "not-json",
    "wrong-checksum",
    "weak-checksum",
    "truncated-file",
    "longer-file",
    "no-file",
]
INDEX_PATH = "/packages/package_index.json"


class SimulatedToolIndex(LoopbackServers):
    """A list to which tools are added with :meth:`publish`; a context manager."""

    def __init__(self, *, port: int = 0) -> None:
        from pysequoia import Profile, Tsk

        super().__init__()
        self.fault: ToolFault | None = None
        self.requests: list[str] = []
        """Paths that were asked for."""
        self._key = Tsk.generate("Simulated <tools@example.invalid>", profile=Profile.RFC4880)
        self._tools: dict[tuple[str, str, str], dict[str, str]] = {}
        self._files: dict[str, bytes] = {}
        self._played: tuple[bytes, bytes] | None = None
        app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET"])])
        self._servers["http"] = LoopbackServer(app, port=port)

    @property
    def index_url(self) -> str:
        """Where the list is; its signature is beside it."""
        return f"{self.base_url}{INDEX_PATH}"

    @property
    def public_key(self) -> bytes:
        """What the signature is checked with."""
        return str(self._key.extract_certificate()).encode()

    def publish(
        self, packager: str, name: str, version: str, *, host: str, file: str, data: bytes
    ) -> str:
        """Add an archive for one kind of computer, or replace it; its address."""
        path = f"/tools/{packager}/{version}/{host}/{file}"
        self._files[path] = data
        self._tools.setdefault((packager, name, version), {})[host] = path
        return self.base_url + path

    def play_back(self) -> Callable[[], None]:
        """Record the list as it is; calling the result serves that one from then on."""
        recorded = self._plain(), self._signature()

        def play() -> None:
            self._played = recorded

        return play

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        self.requests.append(path)
        plain, signature = self._played or (self._plain(), self._signature())
        if path == INDEX_PATH:
            return Response(plain, media_type="application/json")
        if path == f"{INDEX_PATH}.sig" and self.fault != "no-signature":
            return Response(signature, media_type="application/pgp-signature")
        data = self._files.get(path)
        if data is None or self.fault == "no-file":
            return Response(status_code=HTTPStatus.NOT_FOUND)
        if self.fault == "truncated-file":
            data = data[:-20]
        elif self.fault == "longer-file":
            data += b"!"
        return Response(data, media_type="application/octet-stream")

    def _plain(self) -> bytes:
        if self.fault == "not-json":
            return b"[1, 2"
        packages: dict[str, list[dict[str, Any]]] = {}
        for (packager, name, version), hosts in self._tools.items():
            systems = [self._system(host, path) for host, path in hosts.items()]
            tool = {"name": name, "version": version, "systems": systems}
            packages.setdefault(packager, []).append(tool)
        listed = [{"name": name, "tools": tools} for name, tools in packages.items()]
        return msgspec.json.encode({"packages": listed})

    def _system(self, host: str, path: str) -> dict[str, str]:
        data = self._files[path]
        checksum = f"SHA-256:{hashlib.sha256(data).hexdigest()}"
        if self.fault == "wrong-checksum":
            checksum = f"SHA-256:{hashlib.sha256(data + b'other').hexdigest()}"
        elif self.fault == "weak-checksum":
            checksum = f"SHA-1:{hashlib.sha1(data, usedforsecurity=False).hexdigest()}"
        return {
            "host": host,
            "url": self.base_url + path,
            "archiveFileName": path.rpartition("/")[2],
            "checksum": checksum,
            "size": str(len(data)),
        }

    def _signature(self) -> bytes:
        from pysequoia import SignatureMode, sign

        plain = self._plain()
        if self.fault == "wrong-signature":
            plain += b" "
        return sign(self._key.signer(), plain, mode=SignatureMode.DETACHED, armor=False)
