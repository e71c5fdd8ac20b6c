"""A batch from its rows to its end: opens the agent and the journal, and watches."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.boards.board import BoardChanges
from agent.cli.air import Lookout
from agent.cli.batch_agent import BridgeJobs
from agent.cli.batch_results import Results
from agent.cli.batch_view import BatchView
from agent.cli.connect import open_client
from agent.cli.inputs import drop_secret_variables
from agent.errors import ExitStatus, InputError, MooringError, NotSignedIn
from agent.jobs.batch_journal import open_batch
from agent.jobs.batch_machine import BatchMachine
from agent.jobs.batch_records import Begin, BoardsSeen
from agent.jobs.batch_row import batch_id, row_content
from agent.jobs.batch_runner import BatchRunner
from agent.jobs.job import Job
from agent.settings import clean_text
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent.cli.client import Client
    from agent.cli.shell import Shell
    from agent.jobs.batch_journal import BatchJournal
    from agent.jobs.batch_machine import Again
    from agent.jobs.batch_records import Kept
    from agent.jobs.batch_row import Row

SHOW_S: Final = 0.2
"""How often the sockets are drawn again: their times move in tenths."""
LEFT_SHOWN: Final = 10
"""Rows that are named at the end; the list of results has the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the batch is worked on."""

    name: str
    parallel: int | None
    again: Again
    changed: bool
    waits: bool
    dry_run: bool
    place: Path
    """Where the manifest is, and what it names."""
    results: Path
    files: Path


async def work(
    shell: Shell, rows: list[Row], networks: dict[str, dict[str, Any]], options: Options
) -> ExitStatus:
    """Until all rows have ended, or nothing more can be done, or the person stops it."""
    drop_secret_variables()
    identity = batch_id(options.name, rows)
    async with open_client(shell.output) as client:
        await _require_accounts(client, rows)
        journal = await open_batch(find_paths().journal_file, identity, options.name)
        try:
            kept = await _known(shell, journal, rows, options)
            machine = BatchMachine(
                rows, kept, parallel=options.parallel, again=options.again, waits=options.waits
            )
            if options.dry_run:
                return await _tell_plan(shell, client, machine)
            await journal.begin(options.name, len(rows), time.time())
            results = Results(options.results)
            results.catch_up(each for each in machine.ended.values())
            jobs = BridgeJobs(client, networks, options.place, options.files)
            batch = _Batch(shell, client, machine, results)
            status = await batch.run(jobs, journal)
            batch.tell(identity, options)
        finally:
            await journal.close()
    return status


async def _require_accounts(client: Client, rows: Sequence[Row]) -> None:
    """An account that is missing would be told by each row."""
    wanted = {row.cloud for row in rows if row.cloud not in {"", "none"}}
    for info in (await client.call("clouds.list"))["clouds"]:
        if info["id"] in wanted and not info["signed_in"]:
            raise NotSignedIn(cloud=info["title"], id=info["id"])


async def _known(
    shell: Shell, journal: BatchJournal, rows: Sequence[Row], options: Options
) -> dict[int, Kept]:
    """What earlier runs wrote down; a manifest that has changed is for the person to explain."""
    kept = await journal.load()
    earlier = None if kept else await journal.earlier(options.name)
    if earlier is None:
        return kept
    if not options.changed:
        done = f"{earlier.done} of its {earlier.rows} rows are done"
        problem = (
            f"was begun with another manifest ({done}): --changed goes on with this one and leaves "
            "rows that say the same and are done; --name NAME begins another batch"
        )
        raise InputError(field=clean_text(f"batch {options.name}"), problem=problem)
    if options.dry_run:
        return kept
    keys: dict[bytes, list[int]] = {}
    for row in rows:
        keys.setdefault(row_content(row), []).append(row.n)
    await journal.begin(options.name, len(rows), time.time())
    taken = await journal.adopt(earlier.id, keys)
    shell.output.note(f"{taken} rows of the batch as it was before are taken over.")
    return await journal.load()


async def _tell_plan(shell: Shell, client: Client, machine: BatchMachine) -> ExitStatus:
    """What would be begun now."""
    boards = (await client.call("boards.list"))["boards"]
    seen = msgspec.convert({"appeared": boards}, BoardChanges).appeared
    output = shell.output
    doings = machine.handle(BoardsSeen(tuple(seen)), time.time())
    begins = [doing for doing in doings if isinstance(doing, Begin)]
    counts = machine.counts
    if output.as_json:
        for begin in begins:
            output.document(
                {"row": begin.row.n, "would": begin.row.kind, "board": begin.kept.board}
                | {key: begin.request[key] for key in ("name", "cloud") if key in begin.request}
            )
        output.document({"rows": counts.total, "done": counts.done, "failed": counts.failed})
        return ExitStatus.DONE
    output.table(
        ("ROW", "JOB", "CLOUD", "NAME", "BOARD", "SOCKET"),
        [
            (
                *(str(begin.row.n), begin.row.kind, begin.row.cloud or "–"),
                *(str(begin.request.get("name", "–")), begin.kept.board or "–", begin.kept.socket),
            )
            for begin in begins
        ],
        empty="None of the boards that are there now is one of the manifest.",
    )
    output.note(
        f"{counts.total} rows: {counts.done} done, {counts.failed} failed, {len(begins)} would begin "
        f"now. Nothing was sent."
    )
    return ExitStatus.DONE


class _Batch:
    """One run."""

    def __init__(
        self, shell: Shell, client: Client, machine: BatchMachine, results: Results
    ) -> None:
        self._shell = shell
        self._client = client
        self._machine = machine
        self._results = results
        self._view = BatchView(shell.output, machine)
        self._interrupted = False

    async def run(self, jobs: BridgeJobs, journal: BatchJournal) -> ExitStatus:
        """Until the end; cancelling the calling task begins no further board."""
        client = self._client
        runner = BatchRunner(
            self._machine,
            jobs,
            journal,
            concluded=self._concluded,
            moved=self._view.moved,
        )
        client.on("job.changed", lambda p: runner.job_moved(msgspec.convert(p["snapshot"], Job)))
        await client.call("jobs.subscribe")
        lookout = Lookout(client, self._shell.output, told=lambda _: see())

        def see() -> None:
            runner.see(tuple(lookout.boards.values()))

        await lookout.begin(ble=False)
        running = asyncio.ensure_future(runner.run())
        gone = asyncio.ensure_future(client.wait_gone())
        try:
            while not running.done():
                try:
                    self._view.show(time.time())
                    await asyncio.wait(
                        {running, gone}, timeout=SHOW_S, return_when=asyncio.FIRST_COMPLETED
                    )
                    if gone.done():
                        gone.result()
                except asyncio.CancelledError:
                    self._stop(runner)
            await running
        finally:
            gone.cancel()
            running.cancel()
            await asyncio.gather(running, gone, return_exceptions=True)
        return self._status()

    def _stop(self, runner: BatchRunner) -> None:
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        self._interrupted = True
        live = self._machine.counts.live
        if live:
            self._shell.output.note(
                f"Stopping; {live} rows that were begun come to their end. Ctrl-C again leaves at "
                "once."
            )
        runner.stop()

    def _concluded(self, row: Row, kept: Kept) -> None:
        self._view.concluded(row, kept)
        try:
            self._results.add(kept)
        except MooringError as error:
            # It is in the journal, and the next run completes the list.
            self._shell.output.explain(error.report())

    def _status(self) -> ExitStatus:
        counts = self._machine.counts
        if counts.done == counts.total:
            return ExitStatus.DONE
        return ExitStatus.INTERRUPTED if self._interrupted else ExitStatus.FAILED

    def tell(self, identity: str, options: Options) -> None:
        """How it ended, and what is left."""
        machine, output = self._machine, self._shell.output
        counts = machine.counts
        if output.as_json:
            output.document(
                {
                    "batch": options.name,
                    "id": identity,
                    "rows": counts.total,
                    "done": counts.done,
                    "failed": counts.failed,
                    "left": counts.left,
                    "results": str(options.results),
                }
            )
            return
        output.line(self._view.summary, "bold")
        if machine.gave_up:
            output.note(
                "It stopped by itself: so many rows failed one after the other that it is not the "
                "boards.",
                "red",
            )
        left = machine.waits_for()
        for row in left[:LEFT_SHOWN]:
            output.note(f"  row {row.n} {what_is_left(row)}")
        if len(left) > LEFT_SHOWN:
            output.note(f"  … and {len(left) - LEFT_SHOWN} more")
        if counts.failed:
            output.note("Rows that failed are tried again with --again.")
        with contextlib.suppress(OSError):
            if options.results.exists():
                output.note(f"What came of each row: {clean_text(str(options.results), 500)}")


def what_is_left(row: Row) -> str:
    """Why a row was not begun, in words."""
    if not row.needs_board:
        return "was not begun"
    if row.by != "next":
        return clean_text(f"waits for {row.by.replace('_', ' ')} {row.value}")
    return "waits for " + (
        "any board" if row.model == "any" else clean_text(f"the next {row.model}")
    )
