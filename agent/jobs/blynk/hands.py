"""Performs the requests of the procedures for Blynk boards: one session, the cloud, the vault."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from agent.clouds.blynk.keeping import waits_for_board
from agent.errors import InternalError, MooringError, PortGone, WifiAbsent
from agent.jobs.blynk import effects as wanted
from agent.jobs.blynk.deliver import await_board, deliver
from agent.jobs.blynk.order import CLOUD
from agent.jobs.blynk.point import Point
from agent.jobs.blynk.reach import open_session
from agent.links.access_point_name import access_point_text
from agent.links.access_point_question import leaving
from agent.settings import clean_text
from agent.settings.credentials import AccessToken

if TYPE_CHECKING:
    from agent.clouds.blynk.cloud import Blynk
    from agent.clouds.vault import Vault
    from agent.clouds.vault_view import VaultEntry
    from agent.jobs.blynk.deliver import Pace
    from agent.jobs.blynk.point import Place
    from agent.jobs.kit import Hold, KitEffect
    from agent.links.access_point_question import Leaving
    from agent.protocols.blynk.platform import Device
    from agent.sessions.blynk import BlynkSession, Told
    from agent.settings import Secret
    from agent.settings.credentials import CloudSettings

USE_LIMIT_S: Final = 180.0
"""As :data:`agent.links.access_point.USE_LIMIT_S`, which is not loaded before it is used."""
CALL_BACK_S: Final = 1.5
"""To tell a board at the very end that it shall stop trying; abandoned requests have 2 s."""


class BlynkHands:
    """For one job; the board may be missing."""

    def __init__(self, hold: Hold, cloud: Blynk, pace: Pace, place: Place) -> None:
        self._hold = hold
        self._cloud = cloud
        self._pace = pace
        self._place = place
        self._session: BlynkSession | Point | None = None
        self._key = hold.board
        """What the vault keeps things of this board by."""

    async def perform(self, request: KitEffect) -> Any:  # noqa: ANN401 - see effects.py
        """The value of ``request``."""
        match request:
            case wanted.Reach():
                return await self._reach(request)
            case wanted.PlanLeaving(point=point):
                return await self._plan(point)
            case wanted.GoBack():
                await self._go_back()
            case wanted.LookAround():
                return await self._open_one().scan()
            case wanted.Deliver():
                return await self._deliver(request)
            case wanted.AwaitBoard(token=token, fresh=fresh):
                return await self._await(token, fresh=fresh)
            case wanted.GiveUp():
                await self._give_up()
            case wanted.Erase():
                await self._open_one().reset()
            case (
                wanted.FindKept()
                | wanted.Keep()
                | wanted.OpenKept()
                | wanted.Prove()
                | wanted.TellKey()
                | wanted.ForgetTokens()
            ):
                return await self._keep(request, self._vault)
            case _:
                return await self._call(request)
        return None

    async def close(self) -> None:
        """Let go of the board."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    # --- the board -----------------------------------------------------------------------------

    async def _plan(self, point: bytes) -> Leaving:
        points = self._hold.surroundings.access_points
        if points is None:
            raise WifiAbsent(detail="This system has none that Mooring knows.")
        return leaving(*await points.plan(point), USE_LIMIT_S)

    async def _go_back(self) -> None:
        if isinstance(self._session, Point):
            await self._session.leave()

    async def _reach(self, request: wanted.Reach) -> wanted.Found:
        await self.close()
        if request.point:
            return await self._join(request)
        if self._hold.lease is None:
            raise PortGone(port=self._hold.board)
        self._session, found = await open_session(self._hold.lease, self._pace)
        return found

    async def _join(self, request: wanted.Reach) -> wanted.Found:
        self._key = self._hold.board or f"ap:{access_point_text(request.point)}"
        points = self._hold.surroundings.access_points
        by_hand = request.by_hand
        point = Point(points, request.point, self._place, self._pace, by_hand=by_hand)
        self._session = point
        board = await point.open()
        return wanted.Found("http", board, (wanted.Looked("http", "answers"),))

    async def _await(self, token: Secret, *, fresh: bool) -> wanted.Arrived:
        if isinstance(self._session, Point):
            return await self._session.follow(self._cloud, token, fresh=fresh)
        return await await_board(self._cloud, token, fresh=fresh, pace=self._pace)

    async def _deliver(self, request: wanted.Deliver) -> wanted.Arrived:
        def told(news: Told) -> None:
            self._hold.advanced(request, wanted.STAGES.index(news.stage), 0, news.detail)

        session = self._open_one()
        if isinstance(session, Point):
            return await session.deliver(
                self._cloud,
                request.config,
                told,
                fresh=request.fresh,
                was_online=request.was_online,
            )
        return await deliver(
            session, self._cloud, request.config, told, fresh=request.fresh, pace=self._pace
        )

    async def _give_up(self) -> None:
        if self._session is not None:
            with contextlib.suppress(MooringError, TimeoutError):
                async with asyncio.timeout(CALL_BACK_S):
                    await self._session.give_up()

    def _open_one(self) -> BlynkSession | Point:
        if self._session is None:
            raise PortGone(port=self._hold.board)
        return self._session

    # --- the vault -----------------------------------------------------------------------------

    async def _keep(self, request: KitEffect, vault: Vault) -> Any:  # noqa: ANN401 - as above
        match request:
            case wanted.FindKept(name=name, said=said):
                return await self._find(vault, name, said)
            case wanted.Keep():
                return await self._put(vault, request)
            case wanted.OpenKept(entry=entry):
                return _kept(entry, await vault.entry(entry), proven=False)
            case wanted.Prove(entry=entry):
                await vault.prove(entry)
            case wanted.TellKey():
                return await vault.is_file_key_news()
            case wanted.ForgetTokens():
                return await self._forget(vault, request)
        return None

    async def _find(self, vault: Vault, name: str, said: tuple[str, ...]) -> wanted.Kept | None:
        """The newest that can be read; what was earlier was replaced.

        Else that of a device which waits for its board, if ``name`` is the device's.
        """
        usable = [
            each for each in (await vault.list()).entries if each.state in {"pending", "proven"}
        ]
        ours = [each for each in usable if self._is_ours(each, said)]
        for each in [*ours, *(each for each in usable if waits_for_board(each, name))]:
            settings = await self._token_of(vault, each)
            if settings is not None and name in {"", settings.name}:
                return _kept(each.id, settings, proven=each.state == "proven")
        return None

    def _is_ours(self, entry: VaultEntry, said: tuple[str, ...]) -> bool:
        """Of this board, also where it was reached in another way; without a board all of the cloud.

        A socket, or the number of a USB chip, may be that of several boards; what a board says of
        itself is kept with its entries. Of two boards that are listed neither is the other.
        """
        if entry.cloud != CLOUD or not self._key:
            return entry.cloud == CLOUD
        told = entry.hardware_id
        if entry.board == clean_text(self._key):
            return not (told and said) or told in said
        here = {each.id for each in self._hold.surroundings.boards.list()}
        return told in said and not {entry.board, self._hold.board} <= here

    async def _token_of(self, vault: Vault, entry: VaultEntry) -> CloudSettings | None:
        settings = None if entry.problem else await vault.entry(entry.id)
        has_token = settings is not None and isinstance(settings.credentials, AccessToken)
        return settings if has_token else None

    async def _forget(self, vault: Vault, request: wanted.ForgetTokens) -> list[str]:
        """Also those of another way to the board; not those of another one with the same name."""
        names = {clean_text(name) for name in request.names}
        named = [
            each
            for each in (await vault.list()).entries
            if each.cloud == CLOUD and each.device in names
        ]
        boards = {(each.board, each.hardware_id) for each in named}
        if self._key or len(boards) > 1:
            boards = set()
            for each in named:
                settings = await self._token_of(vault, each)
                if settings is not None and _token(settings) == request.token:
                    boards.add((each.board, each.hardware_id))
        gone = [
            each.id
            for each in named
            if (each.board, each.hardware_id) in boards
            or (self._key and self._is_ours(each, request.said))
        ]
        for entry in gone:
            await vault.forget(entry)
        return gone

    async def _put(self, vault: Vault, request: wanted.Keep) -> wanted.Put:
        settings = await self._cloud.settings(request.name, request.token)
        waiting = bool(request.entry and self._key) and not (await vault.find(request.entry)).board
        if request.entry and not waiting:
            return wanted.Put(request.entry, settings.host, settings.port)
        lease = self._hold.lease
        entry = await vault.add(
            board=self._key,
            board_name=lease.board.name if lease is not None else self._key,
            cloud=CLOUD,
            device=request.name,
            job=self._hold.job,
            settings=settings,
            hardware_id=request.hardware_id,
        )
        if waiting:  # from now on it is this board's
            await vault.forget(request.entry)
        return wanted.Put(entry, settings.host, settings.port)

    @property
    def _vault(self) -> Vault:
        if self._hold.surroundings.vault is None:
            raise InternalError(kind="no vault")
        return self._hold.surroundings.vault

    # --- the cloud -----------------------------------------------------------------------------

    async def _call(self, request: KitEffect) -> Any:  # noqa: ANN401 - as above
        cloud = self._cloud
        match request:
            case wanted.MakeToken(device_id=0):
                return await cloud.provision()
            case wanted.MakeToken(device_id=device_id):
                return await cloud.reprovision(device_id)
            case wanted.DeleteDevice(device_id=device_id):
                await cloud.delete(device_id)
                return None
            case wanted.CheckToken(token=token):
                return await cloud.connected(token)
            case wanted.FindDevice(token=token, name=name):
                return await self._device(token, name)
            case wanted.Rename(device_id=device_id, name=name, token=token):
                found = await cloud.device(device_id) if device_id else await self._device(token)
                if found is None or name in {"", found.name}:
                    return found
                return await cloud.rename(found.id, name)
        raise InternalError(kind=type(request).__name__)

    async def _device(self, token: Secret, name: str = "") -> Device | None:
        devices = await self._cloud.devices()
        if token:
            return next((each for each in devices if each.token == token), None)
        named = [each for each in devices if each.name == name]
        return named[0] if len(named) == 1 else None


def _token(settings: CloudSettings) -> Secret:
    if not isinstance(settings.credentials, AccessToken):
        raise InternalError(kind="an entry without a token")
    return settings.credentials.token


def _kept(entry: str, settings: CloudSettings, *, proven: bool) -> wanted.Kept:
    return wanted.Kept(entry, settings.name, _token(settings), proven)
