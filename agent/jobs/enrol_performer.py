"""Performs the requests of ``enrol_effects.py``: deliveries, the vault, the cloud's devices."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

from agent.clouds.enrolment import EnrolRequest
from agent.errors import (
    BoardHasNoDelivery,
    CloudError,
    FlashError,
    InternalError,
    NvsRefused,
    PortGone,
)
from agent.jobs import enrol_effects as wanted
from agent.jobs import enrol_ways
from agent.jobs.batch_select import by_place
from agent.jobs.enrol_header import settings_header
from agent.jobs.remove_effects import EraseSettings, RemoveEffect
from agent.jobs.remove_performer import perform_removal
from agent.jobs.surroundings import KnowingOpener
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.boards.board import Board
    from agent.clouds.enrolment import EnrolCloud
    from agent.clouds.vault import Vault
    from agent.jobs.surroundings import Lease, Surroundings
    from agent.sessions.delivery import Delivery, DeliveryKind
    from agent.settings.credentials import BoardSettings

_NOT_THIS: Final = (FlashError, NvsRefused)
"""A chip whose loader does not answer, or whose area is not to be written, may take another way."""


class EnrolPerformer:
    """For one board under one lease, one cloud and the vault; the board may be missing."""

    def __init__(
        self,
        surroundings: Surroundings,
        board: str,
        lease: Lease | None,
        cloud: EnrolCloud | None,
        *,
        job: str,
        deliver: Callable[[str, Secret], None] | None,
        advanced: Callable[[wanted.EnrolEffect, int, int, str], None],
    ) -> None:
        """``deliver`` keeps a file by its name.

        ``advanced`` hears bytes done and all of them, or a sentence about a wait.
        """
        self._surroundings = surroundings
        self._board = board
        self._lease = lease
        self._given = cloud
        self._job = job
        self._deliver = deliver
        self._advanced = advanced
        self._delivery: Delivery | None = None

    async def perform(self, request: wanted.EnrolEffect) -> Any:  # noqa: ANN401 - see effects.py
        """The value of ``request``."""
        match request:
            case wanted.FindWays():
                return await self._find(request)
            case wanted.OpenWay(kind=kind):
                return await (await self._open(kind)).identify()
            case wanted.PutSettings(settings=settings):
                delivery = self._delivery or await self._open(request.kind)
                await delivery.put(settings, lambda done, of: self._advanced(request, done, of, ""))
            case wanted.WaitConnected(seconds=seconds):
                delivery = self._delivery or await self._open(request.kind)
                return await delivery.cloud_state(seconds)
            case EraseSettings(kind=kind):
                await (self._delivery or await self._open(kind)).erase()
            case RemoveEffect():
                cloud, vault = self._cloud, self._vault
                return await perform_removal(request, board=self._board, cloud=cloud, vault=vault)
            case wanted.HandOver(name=name, settings=settings):
                if self._deliver is None:
                    raise InternalError(kind="nobody to deliver to")
                self._deliver(name, self._file(name, settings))
            case (
                wanted.LookInVault()
                | wanted.OpenEntry()
                | wanted.AddEntry()
                | wanted.ReplaceEntry()
                | wanted.ProveEntry()
                | wanted.DropEntry()
                | wanted.TellKey()
            ):
                return await self._keep(request, self._vault)
            case _:
                return await self._call(request, self._cloud)
        return None

    async def close(self) -> None:
        """Release the board."""
        delivery, self._delivery = self._delivery, None
        if delivery is not None:
            await delivery.close()

    # The board -----------------------------------------------------------------------------------

    async def _find(self, request: wanted.FindWays) -> wanted.Found:
        """The first that answers, by the rule of ``enrol_ways``."""
        if self._lease is None:
            raise PortGone(port=self._board)
        kinds = request.kinds or tuple(self._surroundings.deliveries)
        way: wanted.Way | None = None
        looked: list[wanted.Looked] = []
        for kind in enrol_ways.in_order(kinds, self._lease.board):
            if way is not None:
                looked.append(self._without_asking(kind, self._lease.board))
                continue
            self._advanced(request, 0, 0, enrol_ways.asking_for(kind))
            try:
                delivery = await self._open(kind)
                way = wanted.Way(kind, await delivery.identify())
            except BoardHasNoDelivery as none:
                looked.append(enrol_ways.none_of(kind, none))
            except _NOT_THIS as error:
                if len(kinds) == 1:
                    raise
                looked.append(enrol_ways.none_of(kind, error))
            else:
                looked.append(wanted.Looked(kind, "answers"))
        if way is None:
            raise BoardHasNoDelivery(tried=enrol_ways.tried_text(looked))
        return wanted.Found(way, tuple(looked))

    def _without_asking(self, kind: DeliveryKind, board: Board) -> wanted.Looked:
        """Whether a board could have this one, too, as far as that is known without asking it."""
        opener = self._surroundings.deliveries[kind]
        if isinstance(opener, KnowingOpener):
            try:
                opener.require_fit(board)
            except BoardHasNoDelivery as none:
                return enrol_ways.none_of(kind, none)
        return enrol_ways.untried(kind)

    async def _open(self, kind: DeliveryKind) -> Delivery:
        await self.close()
        if self._lease is None:
            raise PortGone(port=self._board)
        opener = self._surroundings.deliveries.get(kind)
        if opener is None:
            raise BoardHasNoDelivery(tried=kind)
        self._delivery = await opener(self._lease)
        return self._delivery

    def _file(self, name: str, settings: BoardSettings) -> Secret:
        if name == wanted.FILES["image"]:
            from agent.jobs.nvs_image import settings_image

            image = settings_image(settings, names=self._surroundings.nvs_names)
            return Secret(b64encode(image).decode())
        return settings_header(settings)

    # The vault -----------------------------------------------------------------------------------

    async def _keep(self, request: wanted.EnrolEffect, vault: Vault) -> Any:  # noqa: ANN401 - as above
        match request:
            case wanted.LookInVault(name=name, hardware_id=hardware_id):
                return await self._look(vault, name, clean_text(hardware_id))
            case wanted.OpenEntry(entry=entry):
                return await vault.entry(entry)
            case wanted.AddEntry(own=own, hardware_id=hardware_id):
                lease = self._lease
                return await vault.add(
                    board=self._board,
                    board_name=lease.board.name if lease is not None else self._board,
                    cloud=own.cloud,
                    device=own.name,
                    job=self._job,
                    settings=own,
                    hardware_id=hardware_id,
                )
            case wanted.ReplaceEntry(entry=entry, settings=settings):
                await vault.replace(entry, settings)
            case wanted.ProveEntry(entry=entry):
                await vault.prove(entry)
            case wanted.DropEntry(entry=entry):
                await vault.forget(entry)
            case wanted.TellKey():
                return await vault.is_file_key_news()
        return None

    async def _look(self, vault: Vault, name: str, hardware_id: str) -> wanted.Kept | None:
        """The newest; what was earlier was replaced, and what cannot be read is of no use."""
        placed = self._lease is not None and by_place(self._lease.board)
        for each in await vault.of_board(self._board, self._cloud.id, device=name):
            if placed and each.hardware_id and hardware_id not in {"", each.hardware_id}:
                continue  # another board sat in this socket then
            usable = each.state in {"pending", "proven"} and not each.problem
            if usable and each.state is not None and each.device == clean_text(name):
                return wanted.Kept(each.id, each.state, await vault.entry(each.id))
        return None

    # The cloud -----------------------------------------------------------------------------------

    async def _call(self, request: wanted.EnrolEffect, cloud: EnrolCloud) -> Any:  # noqa: ANN401 - as above
        match request:
            case wanted.MakeOwn(name=name, kind=kind):
                return await cloud.draft(name, cloud.make_credentials(kind, name))
            case wanted.Enrol(own=own):
                asked = EnrolRequest(name=own.name, own=own.credentials, made_here=True)
                return await cloud.enrol(
                    asked, say=lambda what: self._advanced(request, 0, 0, clean_text(what))
                )
            case wanted.TryOut(settings=settings):
                return await cloud.prove(settings)
            case wanted.SeenBy(name=name, since=since):
                return await cloud.seen(name, since)
            case wanted.FreeDevice(name=name):
                return await cloud.free(name)
            case wanted.TakeOver(own=own):
                return await cloud.replace(own.name, own.credentials)
            case wanted.TakeStored(own=own):
                return await cloud.stored(own.name, own.credentials)
            case wanted.FindLink(name=name):
                return await _link(cloud, name)
        raise InternalError(kind=type(request).__name__)

    @property
    def _cloud(self) -> EnrolCloud:
        if self._given is None:
            raise InternalError(kind="no cloud that gives credentials")
        return self._given

    @property
    def _vault(self) -> Vault:
        if self._surroundings.vault is None:
            raise InternalError(kind="no vault")
        return self._surroundings.vault


async def _link(cloud: EnrolCloud, name: str) -> str:
    """Only an administrator can see where the device is."""
    try:
        return await cloud.link(name)
    except CloudError:
        return ""
