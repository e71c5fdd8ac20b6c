"""``jobs.*``: what a person asked for, its questions and its journal."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from agent.boards.board import Via
from agent.bridge.fields import NetworkData
from agent.bridge.methods.start import Started
from agent.bridge.outbox import Notification
from agent.bridge.rpc import Call, Method, Nothing, Params
from agent.bridge.scopes import JOB_SCOPES, OWN_ANSWERS, OWN_FILES, WHOSE_BOARD
from agent.clouds.enrolment import CredentialsKind
from agent.errors import NotAllowed, UnknownJob
from agent.jobs.enrol_effects import WayKind
from agent.jobs.job import Job, JobChange, JobKind
from agent.jobs.request import FixedAddress, Group
from agent.jobs.which import Procedure
from agent.settings import Secret

if TYPE_CHECKING:
    from agent.bridge.methods.start import Starter
    from agent.bridge.methods.visible import JobOwners
    from agent.bridge.peer import Peer
    from agent.bridge.services import Services

SUBSCRIPTION = "jobs"
LIST_MAX = 500
LIST_USUAL = 50
REQUESTED = (
    "model",
    "cloud",
    "name",
    "confirmed",
    "procedure",
    "frequency_plan",
    "credentials",
    "delivery",
    "token",
    "template",
    "address",
    "tags",
    "commands",
    "prepare_only",
    "delete_old",
    "sketch",
    "url",
    "override",
    "entry",
    "via",
    "access_point",
    "group",
)
"""Params of ``jobs.start`` that the request of the job has under the same name."""


class Start(Params, frozen=True, kw_only=True):
    """What to do, on which board."""

    kind: JobKind
    board: str
    """Id, or any unambiguous part of one; empty: ``remove`` a device whose board is not here,
    ``provision`` into a file, or a board that is known by its ``access_point``."""
    attended: bool = True
    """Somebody is there to answer; else each question gets its safest answer at once."""
    model: str | None = None
    """Which of the board's ``candidates`` it is."""
    network: NetworkData | None = None
    """For ``provision``, ``migrate`` and ``configure``."""
    cloud: str | None = None
    """For ``provision`` and ``migrate``."""
    name: str | None = None
    """For ``provision`` and ``migrate``: what the device is to be called in the cloud."""
    confirmed: bool = False
    """The person knows the warnings: about the network, or about what is erased or overwritten."""
    procedure: Procedure | None = None
    """For ``provision``: one of those that ``board.procedure`` calls possible."""
    frequency_plan: str | None = None
    """For ``provision`` of a LoRa board: its id."""
    credentials: CredentialsKind | None = None
    """For ``provision`` with a cloud that gives credentials: what is made; without it a token."""
    delivery: WayKind | None = None
    """For the same: how the board gets them; without it as it answers."""
    token: Secret | None = None
    """For ``provision`` with nRF Cloud (attestation token) or Blynk (of the device, or the three lines
    that its console shows): as it was copied."""
    address: FixedAddress | None = None
    """For ``provision``, ``configure`` and ``renew`` with Blynk: in place of DHCP."""
    template: str | None = None
    """For ``provision`` with Blynk: the template that the board has to be of."""
    tags: list[str] | None = None
    """For ``provision`` with nRF Cloud: those of the claim, which say what rules apply to the board."""
    commands: list[Any] | None = None
    """For ``renew`` with nRF Cloud: ``{name: fields}`` each, as the service knows them; without it a
    new key for the cloud. What is secret in their fields is shown nowhere."""
    prepare_only: bool = False
    """For ``migrate``: stop when the board runs the sketch of provisioning 2.0."""
    delete_old: bool = False
    """For ``migrate``: delete the device that the board was before, once it is online."""
    sketch: str | None = None
    """For ``flash``: ``provisioning``, ``provisioning-1.0``, or id or name in ``sketches.list``."""
    image: Annotated[int, Meta(ge=1, le=255)] | None = None
    """For ``flash``: a file of this connection, all of which was sent (``flash.offer``)."""
    url: str | None = None
    """For ``flash``: a file that the agent fetches, from a server that the settings allow."""
    override: str | None = None
    """For ``flash``: id of the board's model, to write a file that was built for another one."""
    entry: str | None = None
    """For ``restore``: of the vault, its id or a beginning that no other has."""
    via: Via | None = None
    """Over which of its ports; without it over the one that the board says."""
    access_point: str | None = None
    """Of ``wifi.points``: the board's own network, which this computer joins for it. ``board`` is empty
    then, or ``via`` is ``ap``. Only for the agent's own page and programs of this user."""
    group: Group | None = None
    """Of jobs that are begun together: their ``request`` has it, so that they are found again."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the question's actions, with what it needs."""

    action: str
    password: Secret | None = None
    network: NetworkData | None = None
    choice: str | None = None
    """Id of one of the question's choices."""
    name: str | None = None
    """Of the device in its cloud."""
    token: Secret | None = None
    """As it was copied."""


class AnswerParams(Params, frozen=True, kw_only=True):
    """An answer to the open question of a job."""

    job: str
    answer: Answer
    question: int | None = None
    """Id of the question; an answer to one that is no longer open is refused."""


class OneJob(Params, frozen=True, kw_only=True):
    """A job."""

    job: str


class ListParams(Params, frozen=True, kw_only=True):
    """Which jobs."""

    limit: Annotated[int, Meta(ge=1, le=LIST_MAX)] = LIST_USUAL
    board: str | None = None
    """Only jobs of this board (its id)."""


class OneFile(Params, frozen=True, kw_only=True):
    """A file that a job made, as its result names it."""

    job: str
    name: str


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file that holds secrets. It is kept for an hour, or until the agent ends."""

    name: str
    text: str

    def __repr__(self) -> str:
        return f"File({self.name!r})"


class JobList(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs, newest first."""

    jobs: list[Job]


def methods(services: Services, owners: JobOwners, starter: Starter) -> list[Method[Any, Any]]:
    """Start, answer, cancel, get, list, subscribe."""
    jobs = services.jobs

    async def start(call: Call, params: Start) -> Started:
        request: dict[str, Any] = {"kind": params.kind.value, "board": params.board}
        if params.network is not None:
            request["network"] = _plain(params.network)
        for name in REQUESTED:
            value = getattr(params, name)
            if value not in (None, False):
                request[name] = value
        return await starter.start(call, request, attended=params.attended, image=params.image)

    async def require(peer: Peer, name: str) -> None:
        """Refuse a job of somebody else, and one of a kind that the page may not start (now)."""
        owners.require(peer, name)
        if not peer.own:
            peer.require(JOB_SCOPES[(await jobs.get(name)).kind])

    async def answer(call: Call, params: AnswerParams) -> Nothing:
        await require(call.peer, params.job)
        if params.answer.action in OWN_ANSWERS and not call.peer.own:
            raise NotAllowed(method="What an administrator of the cloud may do")
        if params.answer.token is not None and not call.peer.own:
            raise NotAllowed(method=WHOSE_BOARD)
        given: dict[str, Any] = {"action": params.answer.action}
        if params.answer.password is not None:
            given["password"] = params.answer.password
        if params.answer.network is not None:
            given["network"] = _plain(params.answer.network)
        for name in ("choice", "name", "token"):
            if (value := getattr(params.answer, name)) is not None:
                given[name] = value
        await jobs.answer(params.job, given, params.question)
        return Nothing()

    async def cancel(call: Call, params: OneJob) -> Nothing:
        await require(call.peer, params.job)
        await jobs.cancel(params.job)
        return Nothing()

    async def get(call: Call, params: OneJob) -> Job:
        await require(call.peer, params.job)
        return await jobs.get(params.job)

    async def file(call: Call, params: OneFile) -> File:
        await require(call.peer, params.job)
        if params.name in OWN_FILES and not call.peer.own:
            raise NotAllowed(method="A file with the credentials of a device")
        content = await jobs.file(params.job, params.name)
        return File(name=params.name, text=content.reveal())

    def may(peer: Peer, job: Job) -> bool:
        return JOB_SCOPES[job.kind] <= peer.may

    async def list_jobs(call: Call, params: ListParams) -> JobList:
        return JobList(jobs=await _visible(call.peer, params.limit, params.board))

    async def subscribe(call: Call, _params: Nothing) -> JobList:
        peer = call.peer
        waiting: list[JobChange] | None = []

        def publish(change: JobChange) -> None:
            if not owners.sees(peer, change.job) or not may(peer, change.snapshot):
                return
            if waiting is not None:
                waiting.append(change)
            else:
                _publish(peer, change)

        def begin() -> None:
            nonlocal waiting
            changes, waiting = waiting or [], None
            for change in changes:
                _publish(peer, change)

        if not peer.holds(SUBSCRIPTION):
            unsubscribe = jobs.subscribe(publish)
            peer.hold(SUBSCRIPTION, unsubscribe)
            # What happens while the journal is read follows the answer.
            call.when_answered(begin)
            try:
                return await _running(peer)
            except BaseException:
                peer.drop(SUBSCRIPTION)
                unsubscribe()
                raise
        return await _running(peer)

    async def _running(peer: Peer) -> JobList:
        listed = await _visible(peer, LIST_MAX, None)
        return JobList(jobs=[job for job in listed if not job.state.final])

    async def _visible(peer: Peer, limit: int, board: str | None) -> list[Job]:
        if peer.own:
            return await jobs.list(limit, board)
        found: list[Job] = []
        for name in owners.of(peer):
            if len(found) == limit:
                break
            with contextlib.suppress(UnknownJob):  # the journal keeps jobs for some time only
                job = await jobs.get(name)
                if board in {None, job.board} and may(peer, job):
                    found.append(job)
        return found

    return [
        Method("jobs.start", "Start a job; it goes on without its page.", Start, Started, start),
        Method("jobs.answer", "Answer what a job asks.", AnswerParams, Nothing, answer),
        Method(
            "jobs.cancel",
            "Ask a job to stop; it undoes what it must and ends by itself.",
            OneJob,
            Nothing,
            cancel,
        ),
        Method("jobs.get", "One job.", OneJob, Job, get),
        Method("jobs.file", "A file with secrets that a job made.", OneFile, File, file),
        Method("jobs.list", "Jobs, newest first.", ListParams, JobList, list_jobs),
        Method(
            "jobs.subscribe",
            "The jobs that have not ended, and from now on job.changed.",
            Nothing,
            JobList,
            subscribe,
        ),
    ]


def _plain(network: NetworkData) -> dict[str, Any]:
    """The checked setting as data; its secrets stay :class:`Secret`."""
    data: dict[str, Any] = msgspec.to_builtins(network.parse(), builtin_types=(Secret,))
    return data


def _publish(peer: Peer, change: JobChange) -> None:
    peer.outbox.notify(Notification("job.changed", change), key=f"job.changed {change.job}")
