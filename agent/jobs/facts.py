"""What the journal says about a claim: facts of a job, and what they add up to.

Facts are only ever added. A claim is *open* from its intent, which is written before the cloud is
called, until it is settled; an open claim of a job that ended is a debt that somebody must pay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent.jobs.states import CLAIM_LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.clouds.cloud import Claim

INTENT = "claim-intent"
"""``{cloud, uhwid, name, connection_type, known}``: the cloud is about to be asked; ``known`` are
the claims that the journal knew by then."""
CLAIMED = "claimed"
"""``{claim}``: the cloud answered with this id."""
JOINED = "joined"
"""``{network}``: the board is in its network and fetches its certificate."""
SETTLED = "settled"
"""``{how, device_id?}``: ``refused``, ``none`` (nothing was made), ``undone`` or ``online``."""

CLOCK_SLACK_S = 900.0
"""How far the cloud's clock may be from ours when a claim is looked for by its time. A quarter of
an hour: with more the token of the board would have been refused for its time already."""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the journal about a job."""

    kind: str
    data: dict[str, Any] = {}
    at: float
    """Unix seconds."""


class OpenClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim that was begun and neither undone nor completed."""

    cloud: str
    uhwid: str
    name: str
    since: float
    """When the intent was written (Unix seconds)."""
    known: tuple[str, ...] = ()
    """Claims that are older than this one."""
    claim: str | None = None
    """None: the cloud's answer never arrived."""
    joined: bool = False
    network: str = ""


def open_claim(facts: Iterable[Fact]) -> OpenClaim | None:
    """The claim that is still open after these facts, oldest first."""
    claim: OpenClaim | None = None
    for fact in facts:
        data = fact.data
        if fact.kind == INTENT:
            claim = OpenClaim(
                cloud=data["cloud"],
                uhwid=data["uhwid"],
                name=data["name"],
                since=fact.at,
                known=tuple(data.get("known", ())),
            )
        elif fact.kind == SETTLED:
            claim = None
        elif claim and fact.kind == CLAIMED:
            claim = with_id(claim, data["claim"])
        elif claim and fact.kind == JOINED:
            claim = msgspec.structs.replace(claim, joined=True, network=data.get("network", ""))
    return claim


def online_result(facts: Sequence[Fact]) -> dict[str, Any] | None:
    """The result of a job whose last claim was settled as online; None if it was not."""
    known: dict[str, Any] = {}
    for fact in facts:
        if fact.kind == INTENT:
            known = {}
        known |= fact.data
    if known.get("how") != "online":
        return None
    return {
        "device": known.get("name"),
        "device_id": known.get("device_id"),
        "claim": known.get("claim"),
        "cloud": known.get("cloud"),
        "network": known.get("network"),
        "uhwid": known.get("uhwid"),
    }


def with_id(open_: OpenClaim, claim: str) -> OpenClaim:
    """``open_`` after the cloud told the id of the claim."""
    return msgspec.structs.replace(open_, claim=claim)


def find_ours(claims: Sequence[Claim], wanted: OpenClaim) -> list[Claim]:
    """The claims that the lost answer of ``wanted`` can have been about, newest first.

    Ours has our name, was made around the time of the intent, and is none that the journal knew
    before: a claim of the same board that is older, or that somebody else made, is not touched.
    """
    earliest = wanted.since - CLOCK_SLACK_S
    latest = wanted.since + CLAIM_LIMIT_S + CLOCK_SLACK_S
    ours = [
        claim
        for claim in claims
        if claim.uhwid.lower() == wanted.uhwid.lower()
        and claim.name == wanted.name
        and claim.id not in wanted.known
        and earliest <= claim.created_at <= latest
    ]
    return sorted(ours, key=lambda claim: claim.created_at, reverse=True)
