"""Makes one device: asks, reads what was decided, and finds a device whose answer was lost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent.clouds.thingsboard.asking import ask, error_of
from agent.clouds.thingsboard.certificates import check_certificate
from agent.clouds.thingsboard.refusals import explain_refusal
from agent.errors import EnrolUnusable, InputError, MooringError
from agent.protocols.thingsboard.names import name_problem
from agent.protocols.thingsboard.provisioning import NotAsked, NotUnderstood, Overloaded
from agent.protocols.thingsboard.replies import Issued, Refused, StoredCertificate
from agent.settings import Secret
from agent.settings.credentials import AccessToken, Certificate, CloudSettings, Credentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clouds.enrolment import EnrolRequest
    from agent.clouds.thingsboard.opened import Opened

OTHER_CERTIFICATE = "It keeps this device with another certificate, whose key is not here."


async def enrol(
    opened: Opened, request: EnrolRequest, *, say: Callable[[str], None] | None = None
) -> CloudSettings:
    """See :meth:`agent.clouds.enrolment.EnrolCloud.enrol`."""
    check_request(opened, request)
    wire = opened.request(request)
    asked = await ask(opened.carrier, wire, opened.clock, say=say)
    lost = _maybe_done(asked.outcome)
    if lost and request.made_here and request.own is not None:
        if await _is_ours(opened, request):
            return opened.settings(request.name, request.own)
        # Not with ours: nothing was done, or a prepared device was. Asking tells which.
        again = await ask(opened.carrier, wire, opened.clock, say=say)
        if not isinstance(again.outcome, NotAsked | Overloaded | NotUnderstood):
            asked = again  # else what was said first still counts: that it may be done
    match asked.outcome:
        case Issued() as issued:
            return settings_of(opened, request.name, issued.credentials, request.own)
        case Refused(status="FAILURE"):
            # Maybe by an earlier call, whose answer was lost.
            ours: bool | None = False
            if request.made_here and request.own is not None:
                ours = await _is_ours(opened, request)
                if ours:
                    return opened.settings(request.name, request.own)
            raise await explain_refusal(
                opened.admin,
                cloud=opened.title,
                name=request.name,
                key=opened.account.provision_key,
                # Refused because it was done, perhaps, and nobody could look.
                maybe_done=lost and ours is None,
            )
        case _:
            raise error_of(asked, cloud=opened.title, name=request.name)


def check_request(opened: Opened, request: EnrolRequest) -> None:
    """Raise :class:`InputError` for what would be refused, before anything is sent."""
    own = request.own
    problem = name_problem(request.name, certificate=isinstance(own, Certificate))
    if problem is not None:
        raise InputError(field="name", problem=problem)
    if isinstance(own, Certificate):
        check_certificate(own, datetime.fromtimestamp(opened.clock.wall(), UTC))
    # Which credentials the board's own transport can carry.
    opened.settings(request.name, own or AccessToken(token=Secret("x"))).check()


def settings_of(
    opened: Opened,
    name: str,
    issued: Credentials | StoredCertificate,
    own: Credentials | None,
) -> CloudSettings:
    """The settings with what the server gave; :class:`EnrolUnusable` if a board cannot use it."""
    credentials: Credentials
    if isinstance(issued, StoredCertificate):
        if not isinstance(own, Certificate) or not issued.is_of(own.certificate):
            raise EnrolUnusable(
                cloud=opened.title, name=name, detail=OTHER_CERTIFICATE, maybe_done=True
            )
        credentials = own
    else:
        credentials = issued
    settings = opened.settings(name, credentials)
    try:
        settings.check()
    except InputError as error:
        detail = f"The {error.facts['field']} {error.facts['problem']}."
        raise EnrolUnusable(
            cloud=opened.title, name=name, detail=detail, maybe_done=True
        ) from error
    return settings


def _maybe_done(outcome: object) -> bool:
    return isinstance(outcome, NotUnderstood) and outcome.maybe_done


async def _is_ours(opened: Opened, request: EnrolRequest) -> bool | None:
    """Whether the server knows somebody by what was made for this device alone; None: not known."""
    if request.own is None:
        return False
    try:
        return await opened.prove(opened.settings(request.name, request.own))
    except MooringError:
        return None  # the caller's own error says more
