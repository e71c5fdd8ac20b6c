"""Starting a job for a peer: what ``jobs.start`` and ``flash.start`` share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from agent.bridge.scopes import JOB_SCOPES, OWN_JOBS, WHOSE_BOARD
from agent.errors import InputError, NotAllowed
from agent.jobs.flash_effects import Upload
from agent.jobs.job import JobKind
from agent.settings.addresses import is_below

if TYPE_CHECKING:
    from agent.bridge.methods.visible import JobOwners
    from agent.bridge.rpc import Call
    from agent.bridge.services import Services
    from agent.bridge.uploads import Uploads


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A job that runs."""

    job: str


class Starter:
    """Hands requests to the jobs, with the files and the rights of the peer."""

    def __init__(self, services: Services, owners: JobOwners, uploads: Uploads) -> None:
        self._services = services
        self._owners = owners
        self._uploads = uploads

    async def start(
        self, call: Call, request: dict[str, Any], *, attended: bool, image: int | None
    ) -> Started:
        """Start a job; ``image`` is a file that the peer has sent, and that is used up by it."""
        kind = JobKind(request["kind"])
        call.peer.require(JOB_SCOPES[kind])
        if kind in OWN_JOBS and not call.peer.own:
            raise NotAllowed(method=f"A job of the kind {kind.value}")
        if "token" in request and not call.peer.own:
            raise NotAllowed(method=WHOSE_BOARD)
        if "access_point" in request and not call.peer.own:
            raise NotAllowed(method="A job that takes this computer into another network")
        if not call.peer.own:
            request["foreign"] = True
        if request["board"]:
            request["board"] = self._services.boards.find(request["board"]).id
        if "url" in request:
            self._check_url(request["url"])
        if image is not None:
            offer = self._uploads.find(call.peer, image)
            request["image"] = Upload(name=offer.name, data=offer.content())
        # A job is started or not; a caller that leaves meanwhile does not tear it in two.
        starting = self._services.jobs.start(request, attended=attended, owner=call.peer.party)
        job = await asyncio.shield(asyncio.ensure_future(starting))
        if image is not None:
            self._uploads.drop(call.peer, image)
        self._owners.add(job, call.peer)
        return Started(job=job)

    def _check_url(self, url: str) -> None:
        allowed = self._services.flash_urls()
        if not is_below(url, allowed):
            known = ", ".join(allowed) or "none"
            problem = f"must begin with an address that the settings allow (flash.urls): {known}"
            raise InputError(field="url", problem=problem)
