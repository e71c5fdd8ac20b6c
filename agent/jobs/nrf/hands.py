"""Performs the requests of :mod:`agent.jobs.nrf.effects`: one session with the board, one team."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from agent.errors import InternalError, NrfProvisioningFailed, PortGone
from agent.jobs.nrf import effects as wanted
from agent.jobs.nrf.words import seen_words
from agent.protocols.nrf.logs import Seen
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clouds.nrf.cloud import NrfCloud
    from agent.jobs.kit import Hold, KitEffect
    from agent.sessions.nrf import NrfSession

BOARD = (
    wanted.OpenModem,
    wanted.ReadToken,
    wanted.CatchToken,
    wanted.TriggerByCable,
    wanted.FollowLog,
)
"""What the board is asked; everything else is for the cloud."""
ASKS = {Seen.ACCEPTED, Seen.FINISHED, Seen.ONLINE}
"""A board that asks for more has told the service what came of the commands before."""


class NrfHands:
    """For one job. The session stays on the port that answered until the board is gone."""

    def __init__(self, hold: Hold, cloud: NrfCloud) -> None:
        self._hold = hold
        self._cloud = cloud
        self._session: NrfSession | None = None
        self._heard = asyncio.Event()
        """The board says that there may be news in the cloud."""

    async def perform(self, request: KitEffect) -> Any:  # noqa: ANN401 - see effects.py
        """The value of ``request``."""
        if isinstance(request, wanted.OpenModem):
            return await self._open()
        if isinstance(request, BOARD):
            return await self._ask_board(request)
        return await self._ask_cloud(request)

    async def close(self) -> None:
        """Release the ports."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    # The board -----------------------------------------------------------------------------------

    async def _open(self) -> wanted.Modem:
        """All ports at once; the one that answers is kept."""
        from agent.sessions.nrf import BAUD, open_first

        await self.close()
        lease = self._hold.lease
        if lease is None:
            raise PortGone(port=self._hold.board)
        session = await open_first(await lease.open_all(BAUD))
        self._session = session
        return wanted.Modem(await session.identify(), session.wire.address)

    async def _ask_board(self, request: KitEffect) -> Any:  # noqa: ANN401 - see effects.py
        from agent.sessions.nrf_progress import follow

        session = self._session
        if session is None:
            raise PortGone(port=self._hold.board)
        match request:
            case wanted.ReadToken():
                return await session.read_token()
            case wanted.CatchToken(seconds=seconds):
                return await session.catch_token(seconds)
            case wanted.TriggerByCable():
                return await session.trigger()
        say = self._say(request)

        def tell(seen: Seen) -> None:
            if seen in ASKS:
                self._heard.set()
            say(seen_words(seen))

        try:
            return await follow(session, tell)
        except NrfProvisioningFailed:
            self._heard.set()
            raise

    # The cloud -----------------------------------------------------------------------------------

    async def _ask_cloud(self, request: KitEffect) -> Any:  # noqa: ANN401 - one line each
        cloud, say = self._cloud, self._say(request)
        match request:
            case wanted.EnsureRule(tag=tag):
                return await cloud.ensure_rule(tag)
            case wanted.LookForRule(tags=tags):
                return await cloud.has_rule(tags)
            case wanted.TryClaim(token=token, tags=tags):
                return await cloud.try_claim(token, tags)
            case wanted.ClaimBoard(token=token, tags=tags):
                return await cloud.claim(token, tags, tried=True)
            case wanted.LookClaimed(device_id=device_id):
                return await cloud.claimed(device_id)
            case wanted.FindDevice(wanted=name):
                return await cloud.find_device(name)
            case wanted.LookAtDevice(device_id=device_id, imei=imei):
                commands = tuple(await cloud.listed(device_id) or ())
                return wanted.DeviceLook(commands, await cloud.record(device_id, imei))
            case wanted.LookForRecord(device_id=device_id, imei=imei):
                return await cloud.record(device_id, imei)
            case wanted.WatchCommands(device_id=device_id, known=known, imei=imei):
                return tuple(await cloud.watch(device_id, known, say, self._heard, imei))
            case wanted.LookForLeft(device_id=device_id):
                return tuple(await cloud.left_before(device_id))
            case wanted.DeleteCommands(device_id=device_id, commands=asked):
                await cloud.delete_commands(device_id, asked)
            case wanted.QueueAgain(device_id=device_id):
                return await cloud.queue_again(device_id)
            case wanted.QueueCommands(device_id=device_id, commands=asked, left=left):
                return tuple(await cloud.queue(device_id, asked, left))
            case wanted.FollowCommands(device_id=device_id, queued=queued):
                return tuple(await cloud.follow(device_id, queued, say, self._heard))
            case wanted.TriggerByAir(device_id=device_id, imei=imei):
                await cloud.trigger(device_id, imei)
            case wanted.WaitRecord(device_id=device_id, imei=imei):
                return await cloud.wait_for_record(device_id, say, imei)
            case wanted.RenameDevice(device_id=device_id, name=name):
                await cloud.rename(device_id, name)
            case wanted.LookAtRemoval(device_id=device_id):
                return await cloud.look_at_removal(device_id)
            case wanted.UnclaimBoard(removal=removal):
                await cloud.unclaim(removal)
            case _:
                raise InternalError(kind=type(request).__name__)
        return None

    def _say(self, request: KitEffect) -> Callable[[str], None]:
        def say(words: str) -> None:
            if words:
                self._hold.advanced(request, 0, 0, clean_text(words))

        return say
