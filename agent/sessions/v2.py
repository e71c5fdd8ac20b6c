"""Provisioning 2.0 over a link: runs the host machine and speaks in the agent's errors.

Two tasks per session: one reads, one writes and keeps the time. Only the latter writes, so a
caller that is cancelled never leaves half a frame behind, which would stop a board's receiver
(protocol-v2, 1.1).
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from agent.errors import NotProvisioned, PortGone, StatusReported, WrongSketch
from agent.protocols.v2 import conversations
from agent.protocols.v2.host import Failed, Finished, HostMachine, LogText
from agent.protocols.v2.talk import HostFailure, Reason
from agent.sessions.diagnosis import LogLines, join_error, options, session_error
from agent.sessions.session import BoardFacts, BoardIdentity, NetworkOption

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

    from agent.links.link import Link
    from agent.protocols.v2.talk import Conversation, T
    from agent.settings.network import NetworkSetting

GOODBYE_S: Final = 1.0
"""Time for the last frames to leave; a board that no longer reads would hold them for ever."""

_FOREVER_S: Final = 1e9
"""A deadline further away is none."""


async def open_session(
    link: Link,
    *,
    flashed: bool = False,
    known: bool = False,
    observer: Callable[[str], None] | None = None,
    write_bytes: int | None = None,
) -> V2Session:
    """Connect to the board on ``link``; returns when it sent its list of networks.

    ``flashed``: the provisioning sketch was written just now, so allow more time. ``known``: the
    board spoke provisioning 2.0 before, so silence means :class:`NoNetworkList` after 130 s rather
    than :class:`BoardSilent` after 30 s. ``observer`` gets each line of the sketch's log, cleaned.
    ``write_bytes``: how much of a write reaches the board together, where that is limited.
    The link belongs to the session from now on and is closed if this raises.
    """
    session = V2Session(link, observer, write_bytes)
    try:
        await session.connect(flashed=flashed, known=known)
    except BaseException:
        await session.close()
        raise
    return session


class V2Session:
    """See :class:`agent.sessions.session.Session`; made by :func:`open_session`."""

    def __init__(
        self,
        link: Link,
        observer: Callable[[str], None] | None = None,
        write_bytes: int | None = None,
    ) -> None:
        self._link = link
        self._machine = HostMachine(write_bytes)
        self._lines = LogLines(observer)
        self._one_request = asyncio.Lock()
        self._answer: asyncio.Future[Any] | None = None
        self._kick = asyncio.Event()
        self._gone: BaseException | None = None
        self._closing = False
        self._closed = False
        self._sketch: str | None = None
        self._tasks = [
            asyncio.create_task(self._read(), name="session reader"),
            asyncio.create_task(self._drive(), name="session writer"),
        ]
        for task in self._tasks:
            task.add_done_callback(self._task_ended)

    @property
    def log(self) -> deque[str]:
        """The latest lines of the sketch's log, cleaned; for diagnosis."""
        return self._lines.lines

    async def connect(self, *, flashed: bool, known: bool) -> None:
        """CONNECT until the list; once, by :func:`open_session`."""
        await self._run(conversations.opening(flashed=flashed, known=known))

    async def read(self) -> BoardFacts:
        """Versions, addresses, identity and networks; 101 and 201 only if the board is not in RUN.

        The identity uses up a timestamp and makes a token, which is not kept.
        """
        talk = self._machine.talk
        sketch = await self._run(conversations.sketch_version())
        ble = uhwid = None
        if not talk.application:
            ble = await self._run(conversations.ble_address())
            uhwid = (await self._identity(int(time.time()))).uhwid
        firmware = await self._read_if_served(conversations.wifi_firmware())
        library = await self._read_if_served(conversations.library_version())
        return BoardFacts(
            sketch_version=sketch or None,
            application_sketch=bool(talk.application),
            wifi_firmware=firmware or None,
            library_version=library or None,
            ble_address=_address(ble),
            uhwid=uhwid,
            initial_status=talk.initial_status,
            online=talk.online,
            networks=options(talk.networks),
        )

    async def scan(self) -> list[NetworkOption]:
        """A new scan, strongest first; in the RUN state what the opening brought."""
        try:
            return options(await self._run(conversations.scan(), "look for networks"))
        except NotProvisioned:
            return options(self._machine.talk.networks)

    async def read_identity(self, now: int) -> BoardIdentity:
        """Public key, hardware id and a token signed for ``now`` (Unix seconds)."""
        return await self._identity(now)

    async def reset(self) -> None:
        """Wipe settings and identity; :class:`WrongSketch` from an application sketch."""
        await self._run(conversations.reset(), "erase settings and identity")

    async def configure(self, settings: NetworkSetting) -> None:
        """Send the settings and join; the sentences of a failure use the board's own scan."""
        settings.check()
        self._lines.hide(settings)
        try:
            await self._run(conversations.configure(settings))
        except StatusReported as error:
            status = error.facts["status"]
            better = join_error(int(status or 0), settings, self._machine.talk.networks)
            raise (better or error) from None

    async def wait_ended(self) -> None:
        """Return when the board closed the link or restarted; other requests wait meanwhile."""
        await self._run(conversations.watch())

    async def close(self) -> None:
        """Say goodbye and release the port; never raises, may be called again."""
        if self._closed:
            return
        self._closed = True
        reader, writer = self._tasks
        self._machine.disconnect(self._now())
        self._closing = True
        self._kick.set()
        try:
            await asyncio.wait({writer}, timeout=GOODBYE_S)
        finally:
            reader.cancel()
            writer.cancel()
            self._fail(PortGone(port=self._link.address))
            try:
                await asyncio.gather(reader, writer, return_exceptions=True)
            finally:  # also if this is cancelled a second time: the port must not stay taken
                self._lines.flush()
                await self._link.close()

    # --- requests ----------------------------------------------------------------------------

    async def _identity(self, unix_s: int) -> BoardIdentity:
        key, uhwid, token = await self._run(
            conversations.identity(unix_s), "prove its identity to a cloud"
        )
        return BoardIdentity(uhwid=uhwid.value.hex(), public_key=key.pem, token=token.jwt)

    async def _read_if_served(self, conversation: Conversation[str]) -> str | None:
        try:
            return await self._run(conversation)
        except (NotProvisioned, WrongSketch):
            return None

    async def _run(self, conversation: Conversation[T], what: str = "answer this request") -> T:
        """One conversation; a caller that is cancelled abandons it, the session stays usable."""
        async with self._one_request:
            self._raise_if_gone()
            opened = self._machine.talk.connected
            answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
            self._answer = answer
            try:
                self._machine.start(conversation, self._now())
                self._kick.set()
                return await answer
            except HostFailure as failure:
                if failure.reason is Reason.RESTARTED:
                    raise PortGone(port=self._link.address) from None
                raise session_error(failure, opened=opened, what=what) from None
            finally:
                self._answer = None
                self._machine.abandon()

    # --- the two tasks -------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            data = await self._link.receive()
            self._machine.receive(data, self._now())
            self._publish()
            self._kick.set()

    async def _drive(self) -> None:
        machine = self._machine
        while True:
            self._kick.clear()
            for frame in machine.take_writes():
                await self._link.write(frame)
            if self._closing:
                return
            wait_s = machine.next_deadline - self._now()
            if wait_s > 0:
                try:
                    async with asyncio.timeout(wait_s if wait_s < _FOREVER_S else None):
                        await self._kick.wait()
                except TimeoutError:
                    pass
            machine.tick(self._now())
            self._publish()

    def _publish(self) -> None:
        """Hand the machine's events to whom they belong."""
        for event in self._machine.take_events():
            match event:
                case Finished(value):
                    if self._answer is not None and not self._answer.done():
                        self._answer.set_result(value)
                case Failed(failure):
                    self._fail(failure)
                case LogText(data):
                    self._lines.add(data)

    def _fail(self, error: BaseException) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        """A task ends by itself only when the port is gone, or by a defect of ours."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._gone = self._gone or error
        self._fail(error)

    def _raise_if_gone(self) -> None:
        if self._closed:
            raise PortGone(port=self._link.address)
        if self._gone is not None:
            raise self._gone

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _address(value: bytes | None) -> str | None:
    if not value or value == b"\xff" * len(value):
        return None
    return value.hex(":").upper()
