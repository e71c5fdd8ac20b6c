"""Claiming a board: rule, dry run, claim, and what becomes of refusals and of lost answers.

Nothing is ever unclaimed here: a board that the team has already is taken as it is.
Source: cloud-nrf, sections 4 and 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal

from agent.clouds.http import Request
from agent.clouds.nrf.api import CONFLICT, NOT_FOUND, json_request, maybe_done
from agent.clouds.pacing import BACKOFF_S
from agent.errors import (
    CloudError,
    MooringError,
    NrfChipUnknown,
    NrfClaimRefused,
    NrfClaimUnsure,
    NrfOwnedElsewhere,
    NrfTokenRefused,
    Unreachable,
)
from agent.protocols.nrf import bodies
from agent.protocols.nrf.answers import (
    ClaimedDevice,
    ClaimRefusal,
    claim_refusal,
    parse_claimed,
    parse_claimed_list,
    parse_failure,
    parse_rules,
)
from agent.protocols.nrf.commands import SEC_TAG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.clouds.http import Answer
    from agent.clouds.nrf.api import NrfApi
    from agent.protocols.nrf.token import AttestationToken

RuleLook = Literal["there", "made", "inactive"]
ATTEMPTS: Final = 3
"""Of a claim that ended in a fault of the service and was not carried out."""
CLAIM: Final = "claim boards"


@dataclass(frozen=True, slots=True)
class ClaimOutcome:
    """A board that the team has now."""

    device: ClaimedDevice
    before: bool
    """It had it already."""
    missing_tags: tuple[str, ...] = ()
    """Tags that were asked for and that it does not have, because it was claimed without them."""


async def claimed(api: NrfApi, device_id: str) -> ClaimedDevice | None:
    """The board if the team has claimed it."""
    request = Request("GET", bodies.device_path(device_id), repeatable=True)
    answer = await api.send(api.provisioning, request, "see boards", device=device_id)
    if answer.status == NOT_FOUND:
        return None
    return api.read(answer, parse_claimed, "see a board")


async def all_claimed(api: NrfApi) -> list[ClaimedDevice]:
    """All boards of the team."""
    found = await api.pages(api.provisioning, bodies.CLAIMED, parse_claimed_list, "see boards")
    return found or []


async def try_claim(
    api: NrfApi, token: AttestationToken, tags: Sequence[str] = (bodies.ONBOARDING_TAG,)
) -> ClaimOutcome | None:
    """The dry run: None if the board can be claimed, else what the team has already."""
    bodies.check_tags(tags)
    if not token.signed:
        raise NrfTokenRefused(cloud=api.title, detail="Its signature is missing.")
    dry = Request(
        "POST",
        bodies.CLAIMED,
        query=bodies.DRY_RUN,
        json=bodies.dry_run_body(token),
        secrets=(token.text,),
        repeatable=True,
    )
    answer = await api.send(api.provisioning, dry, CLAIM, device=token.device_id)
    if answer.status != HTTPStatus.ACCEPTED:
        return await _refused(api, token, answer, tags)
    return None


async def claim(
    api: NrfApi,
    token: AttestationToken,
    tags: Sequence[str] = (bodies.ONBOARDING_TAG,),
    *,
    tried: bool = False,
) -> ClaimOutcome:
    """Claim the board that made this token; done as well if the team has it already.

    :func:`try_claim` goes before, unless it was ``tried`` and nothing stands in the way.
    A lost answer is followed by the question whether it was carried out; only if that is lost too,
    :class:`NrfClaimUnsure`.
    """
    before = None if tried else await try_claim(api, token, tags)
    if before is not None:
        return before
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await _claim_once(api, token, tags)
        except CloudError as error:
            if not maybe_done(error):
                raise
            found = await _look(api, token.device_id, error)
            if found is not None:
                return ClaimOutcome(found, before=False)
            failed = isinstance(error, Unreachable) and isinstance(error.facts.get("status"), int)
            if not failed or attempt == ATTEMPTS:
                raise
            await api.clock.sleep(BACKOFF_S[attempt - 1])
    raise AssertionError


async def ensure_rule(
    api: NrfApi, tag: str = bodies.ONBOARDING_TAG, *, sec_tag: int = SEC_TAG, coap: bool = True
) -> RuleLook:
    """See that a rule brings boards with this tag into nRF Cloud; make it if there is none."""
    made = api.rules_made
    look = await _rule(api, tag)
    if look is not None:
        return look
    # Many boards are set up at once, and whether the service keeps two rules apart is not known.
    async with api.making_rules:
        look = await _rule(api, tag) if api.rules_made != made else None
        api.rules_made += 1
        return look or await _make_rule(api, tag, sec_tag=sec_tag, coap=coap)


async def has_rule(api: NrfApi, tags: Sequence[str]) -> bool:
    """Whether an active rule has one of these tags, so that a board with them gets commands."""
    rules = await api.pages(api.provisioning, bodies.RULES, parse_rules, "see rules") or []
    return any(rule.active and not set(rule.tags).isdisjoint(tags) for rule in rules)


async def _make_rule(api: NrfApi, tag: str, *, sec_tag: int, coap: bool) -> RuleLook:
    action = "make rules"
    for path, body in (
        (bodies.TAGS, bodies.tag_body(tag, "Made by Mooring")),
        (bodies.RULES, bodies.rule_body(tag, sec_tag=sec_tag, coap=coap)),
    ):
        try:
            answer = await api.send(api.provisioning, json_request("POST", path, body), action)
        except CloudError as error:
            if not maybe_done(error) or (path == bodies.RULES and await _rule(api, tag) is None):
                raise
            continue
        # What exists already was made by somebody else in between.
        if not answer.ok and answer.status != CONFLICT:
            raise api.unexpected(answer, action)
    return "made"


async def _rule(api: NrfApi, tag: str) -> RuleLook | None:
    rules = await api.pages(api.provisioning, bodies.RULES, parse_rules, "see rules") or []
    ours = [rule for rule in rules if tag in rule.tags]
    if not ours:
        return None
    return "there" if any(rule.active for rule in ours) else "inactive"


async def _claim_once(api: NrfApi, token: AttestationToken, tags: Sequence[str]) -> ClaimOutcome:
    request = json_request("POST", bodies.CLAIMED, bodies.claim_body(token, tags), token.text)
    answer = await api.send(api.provisioning, request, CLAIM, device=token.device_id)
    if not answer.ok:
        return await _refused(api, token, answer, tags)
    return ClaimOutcome(api.read(answer, parse_claimed, CLAIM), before=False)


async def _look(api: NrfApi, device_id: str, lost: CloudError) -> ClaimedDevice | None:
    """The board, if the claim whose answer was lost was carried out."""
    try:
        return await claimed(api, device_id)
    except CloudError as error:
        detail = str(error.facts.get("detail") or error.report().title)
        raise NrfClaimUnsure(
            cloud=api.title, device=device_id, detail=detail, maybe_done=True
        ) from lost


async def _refused(
    api: NrfApi, token: AttestationToken, answer: Answer, tags: Sequence[str]
) -> ClaimOutcome:
    """What a refusal means: the team's own list knows more than its status."""
    kind = claim_refusal(answer.status, parse_failure(answer.body))
    if kind in {ClaimRefusal.MAYBE_OWNED, ClaimRefusal.TOKEN}:
        found = await claimed(api, token.device_id)
        if found is not None:
            missing = tuple(tag for tag in tags if tag not in found.tags)
            return ClaimOutcome(found, before=True, missing_tags=missing)
    detail = api.said(answer, (token.text,))
    raise _refusal(kind, api.title, token.device_id, detail or f"HTTP status {answer.status}.")


def _refusal(kind: ClaimRefusal, cloud: str, device: str, detail: str) -> MooringError:
    match kind:
        case ClaimRefusal.TOKEN:
            return NrfTokenRefused(cloud=cloud, detail=detail)
        case ClaimRefusal.MAYBE_OWNED:
            return NrfOwnedElsewhere(cloud=cloud, device=device, detail=detail)
        case ClaimRefusal.UNKNOWN_CHIP:
            return NrfChipUnknown(cloud=cloud, device=device, detail=detail)
        case ClaimRefusal.OTHER:
            return NrfClaimRefused(cloud=cloud, device=device, detail=detail)
