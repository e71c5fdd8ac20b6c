"""What an upload becomes: a flash method of our own, or the real tool run without a shell.

All of it is decided before a board is touched. A signature is good for every board, so the board
that is plugged in has its say: a command line for another one is refused where both are known.
Source: agent-api-compat, sections 8.3 and 8.4.
"""

from __future__ import annotations

import posixpath
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import msgspec

from agent.compat.command_line import fill, placeholders, split, tool_key
from agent.compat.own_method import writes_sketch
from agent.errors import UploadRefused
from agent.flash.sketch import without_options
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.boards.board import Board
    from agent.catalog import Catalog, Model
    from agent.compat.upload_request import Upload

NETWORK_TEXT: Final = "Uploads over the network are not supported any more; use OTA instead."
EXTRA_FILES: Final = "runtime.platform.path"
_PORT: Final = "serial.port"
_PORT_FILE: Final = "serial.port.file"
_PORT_SERIAL: Final = "serial.port.iserial"
_LATER: Final = frozenset({_PORT, _PORT_FILE, _PORT_SERIAL})


class Tools(Protocol):
    """The tools that are installed: :class:`agent.flash.toolstore.store.ToolStore`."""

    def folder_of(self, key: str, /) -> PurePath | None:
        """The folder of ``name`` or ``name-version``; None if it is not installed."""


class Places(msgspec.Struct, frozen=True):
    """Where the files of an upload will be."""

    build: PurePath
    """Folder of the sketch."""
    extra: PurePath
    """Folder of the extra files."""


class OwnMethod(msgspec.Struct, frozen=True, kw_only=True):
    """Write the sketch as :mod:`agent.flash` does for ``model``; no tool is needed."""

    model: str
    """Id in the catalogue."""
    tool: str
    """File name of the program in whose place it is done."""


class RunTool(msgspec.Struct, frozen=True, kw_only=True):
    """Run a tool of the store."""

    program: str
    """Path; below ``folder``."""
    folder: str
    """Of the tool."""
    words: tuple[str, ...]
    """Its arguments; those with ``{serial.…}`` are filled in by :meth:`argv`."""
    needs_port: bool
    """Whether they name the port."""

    def argv(self, port: str, serial_number: str = "") -> list[str]:
        """The program and its arguments, for the port as it is called after the touch."""
        values = {
            _PORT: port,
            _PORT_FILE: posixpath.basename(port),
            _PORT_SERIAL: serial_number,
        }
        if any(value.startswith("-") for value in values.values()):
            raise UploadRefused(problem="The name of the port would be taken for an option.")
        return [self.program, *(_fill_port(word, values) for word in self.words)]


Plan: TypeAlias = OwnMethod | RunTool


def plan_upload(
    upload: Upload,
    board: Board | None,
    tools: Tools,
    *,
    catalog: Catalog,
    places: Places,
    system: str = "linux",
    own: bool = True,
) -> Plan:
    """What ``upload`` becomes for ``board``, the one at its port (None: nothing is known of it).

    ``system`` is ``linux``, ``windows`` or ``darwin``; ``own``: a method of ours may be taken.
    Raises :class:`UploadRefused`.
    """
    if upload.network:
        raise UploadRefused(problem=NETWORK_TEXT)
    wanted = catalog.by_fqbn(without_options(upload.fqbn))
    if board is not None:
        _require_board(upload, board, wanted, catalog)
    words = split(upload.command_line)
    key, program = _program(words[0])
    if own and wanted is not None and _may_be(board, wanted, catalog):
        extension = PurePosixPath(upload.sketch.name).suffix
        if writes_sketch(posixpath.basename(program), words[1:], wanted, extension):
            return OwnMethod(model=wanted.id, tool=posixpath.basename(program))
    return _run(upload, key, program, words[1:], tools, places, system)


def _require_board(upload: Upload, board: Board, wanted: Model | None, catalog: Catalog) -> None:
    """Refuse what is for another board, as far as both are known."""
    if wanted is None or _may_be(board, wanted, catalog):
        return
    there = clean_text(board.name or board.id)
    problem = (
        f"The sketch is for {wanted.name} ({clean_text(upload.fqbn)}), and the board at "
        f"{clean_text(upload.port)} is {there}."
    )
    raise UploadRefused(problem=problem)


def _may_be(board: Board | None, wanted: Model, catalog: Catalog) -> bool:
    """Whether the hardware can be ``wanted``: nothing is known of it, or it may be that model."""
    if board is None:
        return True
    ids = [board.model] if board.model is not None else board.candidates
    models = [model for each in ids if (model := catalog.get(each)) is not None]
    return not models or any(model.fqbn == wanted.fqbn for model in models)


def _program(word: str) -> tuple[str, str]:
    """Key of the tool, and where its program is below the folder of the tool."""
    first = word.partition("}")
    names = placeholders(f"{first[0]}}}")
    key = tool_key(names[0]) if names and word.startswith(f"{{{names[0]}}}") else None
    below = first[2].replace("\\", "/")
    if key is None or not below.startswith("/") or placeholders(below):
        shown = clean_text(word, 80)
        problem = f"The command line starts {shown}, which is no program of an upload tool."
        raise UploadRefused(problem=problem)
    parts = below.split("/")[1:]
    if any(part in {"", ".", ".."} or ":" in part for part in parts):
        raise UploadRefused(problem="The command line leads out of the folder of its tool.")
    return key, "/".join(parts)


def _run(
    upload: Upload,
    key: str,
    program: str,
    words: list[str],
    tools: Tools,
    places: Places,
    system: str,
) -> RunTool:
    def required(each: str) -> PurePath:
        found = tools.folder_of(each)
        if found is None:
            problem = f"The tool {clean_text(each, 80)} is not installed; the page must install it."
            raise UploadRefused(problem=problem)
        return found

    def value_of(name: str) -> str | None:
        if name in _LATER:
            return f"{{{name}}}"
        needed = tool_key(name)
        if needed is not None:
            return required(needed).as_posix()
        return fixed.get(name)

    fixed = {
        "build.path": places.build.as_posix(),
        "build.project_name": PurePosixPath(upload.sketch.name).stem,
        EXTRA_FILES: places.extra.as_posix(),
        "fqbn": upload.fqbn,
    }
    folder = required(key)
    if system == "windows" and not program.lower().endswith(".exe"):
        program += ".exe"
    return RunTool(
        program=str(folder / program),
        folder=str(folder),
        words=tuple(fill(word, value_of) for word in words),
        needs_port=any(_LATER.intersection(placeholders(word)) for word in words),
    )


def _fill_port(word: str, values: Mapping[str, str]) -> str:
    """Only our own three names: braces that came in with a folder stay as they are."""
    return fill(word, lambda name: values.get(name, f"{{{name}}}"))


def places_in(root: Path) -> Places:
    """Where :func:`write_files` will put the files of an upload."""
    return Places(root / "build", root / "extra")


def write_files(upload: Upload, root: Path) -> Places:
    """Write the files of an upload below ``root``, a folder of its own; whoever made it removes it.

    Raises :class:`OSError`.
    """
    places = places_in(root)
    build, extra = Path(places.build), Path(places.extra)
    for folder in (build, extra):
        folder.mkdir(mode=0o700)
    build.joinpath(upload.sketch.name).write_bytes(upload.sketch.data)
    for file in upload.extra_files:
        path = extra.joinpath(*file.name.split("/"))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(file.data)
    return places
