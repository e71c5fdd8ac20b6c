"""The body of ``POST /upload``: what is in it, and in which order it is checked.

Each refusal is one line of text, answered with status 400. Source: agent-api-compat, sections 8.1
and 8.2; that a replayed signature is not noticed by any of these checks: section 8.3.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from typing import TYPE_CHECKING, Final, NoReturn

import msgspec

from agent.errors import UploadRefused
from agent.flash.sketch import SKETCH_LIMIT
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

EXTRA_FILES_MAX: Final = 100
FILES_LIMIT: Final = 2 * SKETCH_LIMIT
"""Bytes of the sketch and all extra files."""
NAME_LIMIT: Final = 120
DEPTH_LIMIT: Final = 8
BODY_LIMIT: Final = FILES_LIMIT * 4 // 3 * 2 + 1024 * 1024
"""Bytes of the whole body: the client sends the sketch twice, in base64."""

_PART = re.compile(r"[^\x00-\x1f\x7f<>:\"'`$\\|?*/;&{}\[\]]+")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|(com|lpt)[\d¹²³]) *(\.|$)")
_FQBN = re.compile(r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+){2}(:[A-Za-z0-9_.,=-]+)?")
_PORT_CHARS_MAX: Final = 200


class _Extra(msgspec.Struct, frozen=True):
    use_1200bps_touch: bool | None = None
    wait_for_upload_port: bool | None = None
    network: bool | None = None


class _File(msgspec.Struct, frozen=True):
    hex: str | None = None
    filename: str | None = None


class _Body(msgspec.Struct, frozen=True):
    port: str | None = None
    board: str | None = None
    rewrite: str | None = None
    commandline: str | None = None
    signature: str | None = None
    hex: str | None = None
    filename: str | None = None
    extra: _Extra | None = None
    extrafiles: list[_File] | None = None


class UploadFile(msgspec.Struct, frozen=True):
    """A file that an upload brings along."""

    name: str
    """With ``/`` between folders; it stays inside its folder on every system."""
    data: bytes

    def __repr__(self) -> str:
        return f"UploadFile({self.name!r}, {len(self.data)} bytes)"


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """An upload that passed all checks that need nothing but its body and the key."""

    port: str
    fqbn: str
    command_line: str
    """As it was signed."""
    sketch: UploadFile
    extra_files: tuple[UploadFile, ...] = ()
    touch: bool = False
    wait_for_port: bool = False
    network: bool = False
    """Asked for over the network, which is no longer done: told on the socket (section 8.1)."""


def parse_upload(body: bytes, check: Callable[[str, str], None]) -> Upload:
    """The upload of a body; ``check`` raises unless a text was signed with a signature.

    Raises :class:`UploadRefused`, whose fact ``problem`` is the line that is answered, and what
    ``check`` raises.
    """
    asked = _decode(body)
    extra = asked.extra or _Extra()
    network = bool(extra.network)
    if not asked.port:
        _refuse("port is required")
    if not asked.board:
        _refuse("board is required")
    if not network:
        if not asked.signature:
            _refuse("signature is required")
        if not asked.commandline:
            _refuse("commandline is required for local board")
        check(asked.commandline, asked.signature)
    fqbn = asked.rewrite or asked.board
    if not _FQBN.fullmatch(fqbn) and not network:
        _refuse("board is not an FQBN such as arduino:samd:mkrwifi1010")
    if not _is_port(asked.port):
        _refuse("port is not the name of a port")
    sketch = UploadFile(plain_name(asked.filename or ""), decode_file(asked.hex or ""))
    extra_files = _extra_files(asked.extrafiles or [], len(sketch.data))
    touch = bool(extra.use_1200bps_touch)
    return Upload(
        port=asked.port,
        fqbn=fqbn,
        command_line=asked.commandline or "",
        sketch=sketch,
        extra_files=extra_files,
        touch=touch,
        # The original reads it together with the touch only.
        wait_for_port=touch and bool(extra.wait_for_upload_port),
        network=network,
    )


def decode_file(text: str) -> bytes:
    """Standard base64 with padding, as the original takes it; line ends are passed over."""
    packed = text.replace("\r", "").replace("\n", "")
    if len(packed) > SKETCH_LIMIT * 4 // 3 + 4:
        _refuse(f"a file is larger than {SKETCH_LIMIT} bytes")
    try:
        return base64.b64decode(packed.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        _refuse("illegal base64 data: it is not standard base64 with padding")


def plain_name(name: str) -> str:
    """``name`` if it is that of a file without folders; else :class:`UploadRefused`."""
    if "/" in inside(name):
        _refuse(f"unsafe path join: {clean_text(name, 80)} must be a plain name")
    return name


def inside(name: str) -> str:
    """``name`` if it stays below its folder on every system; else :class:`UploadRefused`.

    Words of scripts are refused too: it becomes part of an argument that a tool may interpret.
    """
    parts = name.split("/")
    wrong = (
        len(name) > NAME_LIMIT
        or len(parts) > DEPTH_LIMIT
        or any(
            _PART.fullmatch(part) is None
            or not part.isprintable()
            or part in {".", ".."}
            or part[-1] in ". "
            or part[0] in "- "
            or _RESERVED.match(part) is not None
            for part in parts
        )
    )
    if wrong:
        _refuse(f"unsafe path join: {clean_text(name, 80) or 'an empty name'} is no name of a file")
    return name


def _decode(body: bytes) -> _Body:
    if len(body) > BODY_LIMIT:
        _refuse(f"err with the payload: it is longer than {BODY_LIMIT} bytes")
    try:
        return msgspec.json.decode(body, type=_Body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _refuse(f"err with the payload: {clean_text(str(error))}")


def _extra_files(files: list[_File], before: int) -> tuple[UploadFile, ...]:
    if len(files) > EXTRA_FILES_MAX:
        _refuse(f"more than {EXTRA_FILES_MAX} extra files")
    found: dict[str, UploadFile] = {}
    size = before
    for file in files:
        name = inside(file.filename or "")
        folded = unicodedata.normalize("NFC", name).casefold()  # one name to macOS
        if any(
            folded == other or folded.startswith(f"{other}/") or other.startswith(f"{folded}/")
            for other in found
        ):
            _refuse(f"the extra file {clean_text(name, 80)} comes twice")
        found[folded] = UploadFile(name, decode_file(file.hex or ""))
        size += len(found[folded].data)
        if size > FILES_LIMIT:
            _refuse(f"the files have more than {FILES_LIMIT} bytes")
    return tuple(found.values())


def _is_port(name: str) -> bool:
    plain = name.isprintable() and not name.startswith("-") and len(name) <= _PORT_CHARS_MAX
    return plain and not set(name) & set(" \"'`$;&|<>{}")


def _refuse(problem: str) -> NoReturn:
    raise UploadRefused(problem=problem)
