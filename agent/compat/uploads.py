"""Uploads: ``POST /upload`` and ``killupload``, each upload a job of the agent.

Both kinds are ``flash`` jobs: one that our own method does is the same as anybody's; one that runs
the real tool has a kit (:mod:`agent.compat.tool_kit`). So each has a lease (one upload per port, and
none beside other work on the board), stands on our page and in the journal, is asked about by
``mooring quit``, and can be stopped by a person. Nobody is asked questions: the page waits.

What is wrong with the body is answered with 400, as the original does. What is wrong with tools,
board or port is found before the board is touched, too, but told on the socket after a 202: of an
HTTP failure the client shows the words of the status only. While an upload of the same origin runs
that would be taken for its end, as messages name no upload: then it is 409. Sources:
agent-api-compat, sections 7.8 and 8.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
from typing import TYPE_CHECKING, Any, Final, Protocol

from agent.compat import upload_progress as words
from agent.compat.answer import TEXT, Answer
from agent.compat.command_line import placeholders
from agent.compat.tool_steps import UPLOAD_VARIABLE, ToolUpload
from agent.compat.upload_plan import (
    EXTRA_FILES,
    OwnMethod,
    places_in,
    plan_upload,
    write_files,
)
from agent.compat.upload_request import parse_upload
from agent.errors import FlashStopped, MooringError, PortGone, ToolMissing, UploadRefused
from agent.flash.child import kill_marked
from agent.flash.sketch import without_options
from agent.jobs.flash_effects import Upload as Image
from agent.jobs.job import JobState
from agent.links import open_link
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.boards.board import Board
    from agent.catalog import Catalog
    from agent.compat.answer import Asked
    from agent.compat.page import Page
    from agent.compat.signature import CommandKey
    from agent.compat.upload_plan import Plan, RunTool, Tools
    from agent.compat.upload_request import Upload
    from agent.jobs.job import Job, JobChange
    from agent.jobs.surroundings import Flashers

SCOPE: Final = "flash"
FILES_SCOPE: Final = "tool-files"
"""Of the vendor's pages and of programs; no consent gives it. The signature does not cover what a
tool finds beside the sketch, which may be a script for it: OpenOCD runs whatever such a one says."""
_NO_FILES: Final = "The tool would read files of this page; only pages of Arduino may bring such."
KILLED_S: Final = 1.0
"""How long an answer to ``killupload`` waits for the end of what it kills; a tool is gone by then,
and our own methods go on to a place where the bootloader takes the next sketch."""


class Jobs(Protocol):
    """The jobs of this agent (:class:`agent.jobs.service.JobService`)."""

    async def start(self, request: dict[str, Any], *, attended: bool, owner: object = None) -> str:
        """Start a job; its id."""

    async def cancel(self, job: str) -> None:
        """Ask it to stop."""

    async def wait(self, job: str) -> Job:
        """The job once it has ended."""

    def subscribe(self, callback: Callable[[JobChange], None]) -> Callable[[], None]:
        """Hear of each change; the result ends that."""


class BoardList(Protocol):
    """The boards of this computer (:class:`agent.boards.service.BoardService`)."""

    def list(self) -> list[Board]:
        """All of them."""


class Monitors(Protocol):
    """The serial monitors that pages of this interface have open."""

    async def let_go(self, port: str, origin: str | None) -> None:
        """Close those that pages of ``origin`` have on ``port``; each page is told.

        Returns when the port is free of them.
        """


class _Run:
    """One upload, from its first check to its end."""

    def __init__(self, origin: str | None, tell: Callable[[str], None]) -> None:
        self.origin = origin
        self.job = ""
        """Its job, once there is one."""
        self.own = True
        """The job tells how far it is; else the tool does."""
        self.killed = False
        self.folder: Path | None = None
        self.task: asyncio.Task[None] | None = None
        self.last = ""
        self._tell = tell
        self.lines = words.Lines(lambda line: self.tell(words.busy(line)))

    def tell(self, text: str) -> None:
        """Say it to the pages, unless they were told that it was killed: nothing follows that."""
        if not self.killed:
            self._tell(text)


class Uploads:
    """All uploads of the interface. To be used in one event loop."""

    def __init__(
        self,
        *,
        jobs: Jobs,
        boards: BoardList,
        catalog: Catalog,
        flashers: Flashers,
        tools: Tools,
        key: Callable[[], CommandKey],
        tell: Callable[[str | None, str], None],
        monitors: Monitors,
        folder: Path,
        system: str,
    ) -> None:
        """``tell`` says a message to the pages of an origin; ``key`` is who may send command lines.

        ``folder`` is for files while an upload runs, and for nothing else. ``system`` is
        ``linux``, ``windows`` or ``darwin``.
        """
        self._jobs = jobs
        self._boards = boards
        self._catalog = catalog
        self._flashers = flashers
        self._tools = tools
        self._key = key
        self._tell = tell
        self._monitors = monitors
        self._folder = folder
        self._system = system
        self._runs: set[_Run] = set()
        self._unsubscribe = jobs.subscribe(self._changed)

    def sweep(self) -> None:
        """End and remove what an agent that was killed left; before the first upload.

        A tool that says nothing does not notice that its agent is gone: beside the next one it
        would write to the same board.
        """
        with contextlib.suppress(OSError):
            kill_marked({f"{UPLOAD_VARIABLE}={each.name}" for each in self._folder.iterdir()})
        shutil.rmtree(self._folder, ignore_errors=True)

    async def close(self) -> None:
        """Tell nobody anything more. What runs is ended, and tidied up, with the jobs."""
        self._unsubscribe()
        tasks = [run.task for run in self._runs if run.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # What pages ask --------------------------------------------------------------------------

    async def upload(self, asked: Asked) -> Answer:
        """``POST /upload``: everything is checked, then it runs by itself."""
        if not asked.may(SCOPE):
            return Answer(403, b"This page may not write sketches.", TEXT)
        try:
            upload = await asyncio.to_thread(parse_upload, asked.body, self._check)
        except MooringError as error:
            return Answer(400, _said(error).encode(), TEXT)
        run = _Run(asked.origin, lambda text: self._tell(asked.origin, text))
        self._runs.add(run)
        try:
            _require_files(asked, upload)
            await self._begin(run, upload)
        except OSError as error:
            await self._forget(run)
            problem = f"the files cannot be written: {error.strerror or type(error).__name__}"
            return Answer(400, problem.encode(), TEXT)
        except MooringError as error:
            await self._forget(run)
            return self._refused(run, error)
        except BaseException:
            await self._forget(run)
            raise
        return Answer(202, b"", TEXT)

    async def kill(self, page: Page, _: str) -> None:
        """``killupload``: stop the uploads of this page's origin."""
        mine = [run for run in self._runs if run.origin == page.origin and page.may(SCOPE)]
        for run in mine:
            run.killed = True
            run.lines.drop()
            await self._stop(run)
        tasks = [run.task for run in mine if run.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=KILLED_S)
        page.say(words.kill_answer())
        if mine:
            self._tell(page.origin, words.killed())

    # One upload ------------------------------------------------------------------------------

    def _check(self, text: str, signature: str) -> None:
        self._key().check(text, signature)

    async def _begin(self, run: _Run, upload: Upload) -> None:
        """Check the rest, and start the job; nothing was touched if this raises."""
        board = self._board_at(upload.port)
        folder = self._folder / secrets.token_hex(8)
        plan = await self._plan(upload, board, folder)
        if isinstance(plan, OwnMethod) and not await self._is_able(plan):
            plan = await self._plan(upload, board, folder, own=False)
        if board is None:
            raise PortGone(port=clean_text(upload.port))
        if isinstance(plan, OwnMethod):
            image = self._for_us(upload, plan, board)
        else:
            run.own, run.folder = False, folder
            await asyncio.to_thread(_write, upload, folder)
            image = self._for_tool(run, upload, plan, folder)
        request = {"kind": "flash", "board": board.id, "via": "usb", **image}
        await self._monitors.let_go(upload.port, run.origin)
        if run.killed:
            raise FlashStopped
        run.job = await self._jobs.start(request, attended=False, owner=run.origin)
        # Nothing of the job has run yet, so this is the first word.
        run.tell(words.starting())
        run.task = asyncio.create_task(self._follow(run))
        if run.killed:
            await self._stop(run)

    async def _plan(
        self, upload: Upload, board: Board | None, folder: Path, *, own: bool = True
    ) -> Plan:
        return await asyncio.to_thread(
            plan_upload,
            upload,
            board,
            self._tools,
            catalog=self._catalog,
            places=places_in(folder),
            system=self._system,
            own=own,
        )

    async def _is_able(self, plan: OwnMethod) -> bool:
        """Some of our methods need a program, which may be in the store of tools only."""
        model = self._catalog.get(plan.model)
        if model is None:
            return False
        try:
            await self._flashers.of(model, open_link)
        except ToolMissing:
            return False
        return True

    def _for_us(self, upload: Upload, plan: OwnMethod, board: Board) -> dict[str, object]:
        image = Image(name=upload.sketch.name, data=upload.sketch.data)
        named = {} if board.model is not None else {"model": self._model(board, plan.model)}
        return {"image": image, **named}

    def _for_tool(
        self, run: _Run, upload: Upload, plan: RunTool, folder: Path
    ) -> dict[str, object]:
        image = ToolUpload(
            name=upload.sketch.name,
            data=upload.sketch.data,
            run=plan,
            folder=folder,
            port=upload.port,
            model=self._catalog.by_fqbn(without_options(upload.fqbn)),
            touch=upload.touch,
            wait_for_port=upload.wait_for_port,
            on_line=run.lines.offer,
        )
        return {"image": image}

    async def _follow(self, run: _Run) -> None:
        """Until the job has ended; then the page hears how."""
        end = ""
        try:
            end = _end(await self._jobs.wait(run.job))
        except MooringError as error:
            end = words.failed(_said(error))
        finally:
            await run.lines.close()
            if end:
                run.tell(end)
            self._runs.discard(run)
        # A job that was stopped before its first step has not done that.
        await _remove(run.folder)

    async def _stop(self, run: _Run) -> None:
        if run.job:
            # One that has ended meanwhile, or is asked too often, stops all the same.
            with contextlib.suppress(MooringError):
                await self._jobs.cancel(run.job)

    async def _forget(self, run: _Run) -> None:
        """There is no job; one tidies up by itself."""
        self._runs.discard(run)
        run.lines.drop()
        await run.lines.close()
        await _remove(run.folder)

    def _refused(self, run: _Run, error: MooringError) -> Answer:
        if any(other.origin == run.origin for other in self._runs):
            return Answer(409, _said(error).encode(), TEXT)
        run.tell(words.failed(_said(error)))
        return Answer(202, b"", TEXT)

    def _changed(self, change: JobChange) -> None:
        """Our own methods tell how far they are by the steps of their job."""
        run = next((run for run in self._runs if run.own and run.job == change.job), None)
        step = next((step for step in change.snapshot.steps if step.id == change.step), None)
        if run is None or step is None:
            return
        line = f"{step.name}: {step.message}" if step.message else step.name
        if line != run.last:
            run.last = line
            run.lines.offer(line)

    # Shared ----------------------------------------------------------------------------------

    def _board_at(self, name: str) -> Board | None:
        """The board at a port; stable names such as ``/dev/serial/by-id/…`` are links to it."""
        # Elsewhere a look at the disk can take minutes: what names a server, it is asked for.
        link = os.path.normpath(name).startswith("/dev/")
        names = {name, os.path.realpath(name)} if link else {name}
        for board in self._boards.list():
            if any(port.kind == "serial" and port.address in names for port in board.ports):
                return board
        return None

    def _model(self, board: Board, wanted: str) -> str:
        """Which of the board's candidates it is, by what the sketch was built for."""
        fqbn = next((each.fqbn for each in self._catalog.models if each.id == wanted), None)
        for candidate in board.candidates:
            model = self._catalog.get(candidate)
            if model is not None and model.fqbn == fqbn:
                return candidate
        return wanted


def _require_files(asked: Asked, upload: Upload) -> None:
    """Refuse files that the command line leads the tool to, if a page brings them that may not."""
    reads = upload.extra_files and EXTRA_FILES in placeholders(upload.command_line)
    if reads and not asked.may(FILES_SCOPE):
        raise UploadRefused(problem=_NO_FILES)


def _write(upload: Upload, folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True)
    write_files(upload, folder)


async def _remove(folder: Path | None) -> None:
    if folder is not None:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _end(job: Job) -> str:
    if job.state is JobState.DONE:
        return words.done()
    if job.state is JobState.CANCELLED:
        return words.killed()
    if job.error is None:
        return words.failed("The upload ended without a word.")
    return words.failed(f"{job.error.title} {job.error.remedy}")


def _said(error: MooringError) -> str:
    """One line; who asks for something that cannot be has a remedy of its own."""
    report = error.report()
    return report.title if isinstance(error, UploadRefused) else f"{report.title} {report.remedy}"
