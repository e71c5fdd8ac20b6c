"""What the journal says about a claim or a device: facts of a job, and what they add up to.

Facts are only ever added. A claim is *open* from its intent, which is written before the cloud is
called, until it is settled; an open claim of a job that ended is a debt that somebody must pay.
The same facts keep the devices that clouds make for boards of provisioning 1.0.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from agent.jobs.states import CLAIM_LIMIT_S
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.clouds.cloud import Claim
    from agent.clouds.devices import Device

INTENT = "claim-intent"
"""``{cloud, uhwid, name, connection_type, known}``: the cloud is about to be asked; ``known`` are
the claims that the journal knew by then. A device has ``{cloud, device: true, serial_number, name,
known, procedure}`` instead; ``known`` are the devices that the cloud had by then."""
CLAIMED = "claimed"
"""``{claim}``: the cloud answered with this id."""
JOINED = "joined"
"""``{network}``: the board is in its network and fetches its certificate."""
SETTLED = "settled"
"""``{how, device_id?}``: ``refused``, ``none`` (nothing was made), ``undone`` or ``online``; for a
device also ``kept`` (the board has what it needs) or ``handed over`` (its key went to the person,
and nobody else has it). ``online`` without the settings of the job has ``network`` (empty if it is
not known) and ``note`` too; after it ``woken`` says that this network was erased by hand."""

SENDING = "sending"
"""``{network}``: a device that no cloud knows is about to get the settings of this network."""

FLASHING = "flashing"
"""``{sha256, model, place, sketch, version, bytes}``: the board is about to enter its bootloader, for
this sketch of the store; ``place`` is its USB socket, where that is known."""
FLASHED = "flashed"
"""``{how}``: ``written``, ``untouched``, ``stopped`` or ``given up`` by a person, ``other``."""

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
    """A claim, or a device, that was begun and neither undone nor completed."""

    cloud: str
    uhwid: str = ""
    """Of a claim."""
    device: bool = False
    """It is a device and not a claim."""
    serial_number: str | None = None
    """Of a device: USB serial number of its board."""
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
                uhwid=data.get("uhwid", ""),
                device=data.get("device", False),
                serial_number=data.get("serial_number"),
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


class OpenFlash(msgspec.Struct, frozen=True, kw_only=True):
    """A sketch that was being written when the agent ended."""

    sha256: str
    """Of the file in the store."""
    model: str
    """Id in the catalogue."""
    place: str | None = None
    since: float = 0.0
    """When that began (Unix seconds)."""


def open_flash(facts: Iterable[Fact]) -> OpenFlash | None:
    """The sketch that is still to be written after these facts; None: there is none."""
    found: OpenFlash | None = None
    for fact in facts:
        if fact.kind == FLASHING:
            found = msgspec.convert(fact.data | {"since": fact.at}, OpenFlash)
        elif fact.kind == FLASHED:
            found = None
    return found


def flash_result(facts: Sequence[Fact]) -> dict[str, Any] | None:
    """The result of a job whose sketch was written last; None if it was not."""
    begun = next((fact for fact in reversed(facts) if fact.kind == FLASHING), None)
    ended = next((fact for fact in reversed(facts) if fact.kind == FLASHED), None)
    if begun is None or ended is None or ended.data.get("how") != "written":
        return None
    told = {name: begun.data.get(name) for name in ("sketch", "version", "sha256", "bytes")}
    return told | {"seconds": round(ended.at - begun.at, 3), "notes": []}


def online_result(facts: Sequence[Fact]) -> dict[str, Any] | None:
    """The result of a job whose last claim was settled as online; None if it was not."""
    known = _last(facts)
    if known.get("how") != "online":
        return None
    result = {
        "device": known.get("name"),
        "device_id": known.get("device_id"),
        "claim": known.get("claim"),
        "cloud": known.get("cloud"),
        "network": known.get("network"),
        "uhwid": known.get("uhwid"),
    }
    note = known.get("note")
    return result | (as_stored(known.get("network", ""), [note]) if note else {})


def as_stored(network: str, notes: list[str]) -> dict[str, Any]:
    """What the result has of a board that is online with what it had stored before."""
    return {"network": network or None, "settings_sent": False, "notes": notes}


def without_network(name: str, cloud: str) -> str:
    """What is to be said of a board that is in its cloud, but whose network was erased."""
    return (
        f"{clean_text(name)} keeps its place in {clean_text(cloud)}, but has no network now: "
        "change its network to give it one."
    )


def device_result(facts: Sequence[Fact]) -> dict[str, Any] | None:
    """The result of a job whose device was settled as kept; None if it was not."""
    known = _last(facts)
    if known.get("how") != "kept":
        return None
    names = ("device_id", "cloud", "procedure")
    return {"device": known.get("name"), **{name: known.get(name) for name in names}, "files": []}


def handed_over(facts: Sequence[Fact]) -> str | None:
    """Id of the device whose key was handed over last."""
    known = _last(facts)
    return known.get("device_id") if known.get("how") == "handed over" else None


def left_behind(facts: Sequence[Fact]) -> str:
    """What a job left that was giving a board or a device its settings."""
    known = _last(facts)
    if known.get("how") == "woken":
        return without_network(known.get("name", ""), known.get("cloud", ""))
    return settings_left(facts) or "Nothing was left behind."


def settings_left(facts: Sequence[Fact]) -> str | None:
    """What a job left that was giving a device settings; None if it was not."""
    sent = next((fact for fact in reversed(facts) if fact.kind == SENDING), None)
    if sent is None:
        return None
    return sent_settings(sent.data.get("network", ""))


def sent_settings(network: str) -> str:
    """What a device does that was given settings, with nobody left to hear of it."""
    return (
        f"The device was given the settings of {clean_text(network)} and may join it, now or when "
        "it is started again. If it does not, it can be set up anew."
    )


def _last(facts: Sequence[Fact]) -> dict[str, Any]:
    """All that is known of the last claim or device."""
    known: dict[str, Any] = {}
    for fact in facts:
        if fact.kind == INTENT:
            known = {}
        if fact.kind in {INTENT, CLAIMED, JOINED, SETTLED}:
            known |= fact.data
    return known


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


def find_our_devices(devices: Sequence[Device], wanted: OpenClaim) -> list[Device]:
    """The devices that the lost answer of ``wanted`` can have been about, the likeliest first.

    Ours has our name and serial number, was not there before the intent and, where the cloud tells
    when it was made, was made around the time of the intent.
    """
    found: list[tuple[float, Device]] = []
    for device in devices:
        away = _seconds_away(device.created_at, wanted.since)
        if (
            device.name == wanted.name
            and (device.serial or None) == (wanted.serial_number or None)
            and device.id not in wanted.known
            and -CLOCK_SLACK_S <= away <= CLAIM_LIMIT_S + CLOCK_SLACK_S
        ):
            found.append((abs(away), device))
    return [device for _, device in sorted(found, key=lambda entry: entry[0])]


def _seconds_away(moment: str | None, since: float) -> float:
    """Seconds from ``since`` to ``moment`` (RFC 3339); 0 for one that cannot be read."""
    try:
        parsed = datetime.fromisoformat(moment or "")
    except ValueError:
        return 0.0
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() - since
