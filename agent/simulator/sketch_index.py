"""A simulated public list of 1.0 sketches: signed with a key of its own, on a loopback port.

Start here: :class:`SimulatedSketchIndex`; set ``fault`` to make it fail.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from agent.catalog import Catalog
from agent.simulator.images import IMAGE_BYTES, ImageIdentity, build_image
from agent.simulator.loopback_server import LoopbackServer
from agent.simulator.loopback_servers import LoopbackServers

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

Fault: TypeAlias = Literal[
    "wrong-signature",
    "no-signature",
    "wrong-checksum",
    "weak-checksum",
    "truncated-index",
    "truncated-file",
    "longer-file",
    "no-file",
    "bomb",
    "not-json",
    "slow",
]
BOMB_BYTES: Final = 64 * 1024 * 1024
"""What the decompression bomb becomes, out of 65 kB."""
_BOMB_PART: Final = 1024 * 1024


class SimulatedSketchIndex(LoopbackServers):
    """A list with a sketch for each model that has one in the real list; a context manager."""

    def __init__(
        self, *, catalog: Catalog | None = None, port: int = 0, size: int = IMAGE_BYTES
    ) -> None:
        """``size`` is that of each sketch in bytes."""
        from pysequoia import Profile, Tsk

        super().__init__()
        self.fault: Fault | None = None
        self.requests: list[str] = []
        """Paths that were asked for."""
        self.slow_s = 30.0
        """How long ``slow`` holds an answer back."""
        self._played: tuple[bytes, bytes] | None = None
        self._key = Tsk.generate("Simulated <index@example.invalid>", profile=Profile.RFC4880)
        self._boards: dict[str, tuple[str, bytes]] = {}
        for model in (catalog or Catalog.load()).models:
            if model.fqbn is None or "1.0" not in model.provisioning:
                continue
            lora = "lora" in model.connectivity
            identity = ImageIdentity(
                runs="lora-1.0" if lora else "provisioning-1.0", fqbn=model.fqbn
            )
            folder = f"/binaries/provision/{'lora' if lora else 'crypto'}"
            name = f"provision{model.upload.v1_binary_extension or model.upload.file_extension}"
            path = f"{folder}/{model.fqbn.replace(':', '.')}/{name}"
            self._boards[model.fqbn] = path, build_image(identity, model, size)
        app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET"])])
        self._servers["http"] = LoopbackServer(app, port=port)

    @property
    def index_url(self) -> str:
        """For ``sketches.index_url``."""
        return f"{self.base_url}/binaries/index.json.gz"

    @property
    def public_key(self) -> bytes:
        """For the file of ``sketches.index_key``."""
        return str(self._key.extract_certificate()).encode()

    def give(self, fqbn: str, data: bytes) -> None:
        """Publish another sketch for a kind of board."""
        path = f"/binaries/provision/crypto/{fqbn.replace(':', '.')}/provision.bin"
        self._boards[fqbn] = self._boards.get(fqbn, (path, b""))[0], data

    def play_back(self) -> Callable[[], None]:
        """Record the list as it is; calling the result serves that one from then on."""
        recorded = self._packed(), self._signature()

        def play() -> None:
            self._played = recorded

        return play

    def data(self, fqbn: str) -> bytes:
        """The published sketch."""
        return self._boards[fqbn][1]

    # --- answers ---

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        self.requests.append(path)
        if self.fault == "slow":
            await asyncio.sleep(self.slow_s)
        if path == "/binaries/index.json.gz":
            packed = self._played[0] if self._played else self._packed()
            return Response(packed, media_type="application/gzip")
        if path == "/binaries/index.json.sig":
            if self.fault == "no-signature":
                return Response(status_code=HTTPStatus.NOT_FOUND)
            signature = self._played[1] if self._played else self._signature()
            return Response(signature, media_type="application/pgp-signature")
        for published, data in self._boards.values():
            if published == path and self.fault != "no-file":
                return Response(self._file(data), headers={"ETag": f'"{_digest(data)[:16]}"'})
        return Response(status_code=HTTPStatus.NOT_FOUND)

    def _plain(self) -> bytes:
        if self.fault == "not-json":
            return b"<html>Please sign in to this network.</html>"
        boards: list[dict[str, Any]] = []
        for fqbn, (path, data) in sorted(self._boards.items()):
            checksum = f"SHA-256:{_digest(data)}"
            if self.fault == "wrong-checksum":
                checksum = f"SHA-256:{_digest(data + b'other')}"
            elif self.fault == "weak-checksum":
                checksum = f"SHA-1:{hashlib.sha1(data, usedforsecurity=False).hexdigest()}"
            entry = {"url": self.base_url + path, "checksum": checksum, "size": str(len(data))}
            boards.append({"fqbn": fqbn, "provision": entry})
        return msgspec.json.encode({"boards": boards})

    def _packed(self) -> bytes:
        if self.fault == "bomb":
            return _bomb()
        packed = gzip.compress(self._plain(), mtime=0)
        return packed[:-20] if self.fault == "truncated-index" else packed

    def _signature(self) -> bytes:
        from pysequoia import SignatureMode, sign

        plain = self._plain()
        if self.fault == "wrong-signature":
            plain += b" "
        return sign(self._key.signer(), plain, mode=SignatureMode.DETACHED, armor=False)

    def _file(self, data: bytes) -> bytes:
        if self.fault == "truncated-file":
            return data[:-100]
        return data + b"!" if self.fault == "longer-file" else data


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _bomb() -> bytes:
    import zlib

    packing = zlib.compressobj(9, wbits=31)
    part = b"\0" * _BOMB_PART
    parts = [packing.compress(part) for _ in range(BOMB_BYTES // _BOMB_PART)]
    return b"".join([*parts, packing.flush()])
