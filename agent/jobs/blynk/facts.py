"""What the journal says about a token on its way to a board; never the token itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.jobs.facts import Fact

ASKED: Final = "blynk-asked"
"""``{cloud}``: the platform is about to be asked for a token; ``{name, device_id}`` too where it is
a new one of a device."""
TOKEN: Final = "blynk-token"  # noqa: S105 - the name of a fact
"""``{name, entry, source, device_id}``: there is a token; ``entry`` is of the vault, or empty."""
SENDING: Final = "blynk-sending"
"""``{way, network}``: the board is about to be given settings."""
FAILED: Final = "blynk-failed"
"""``{code, why, remedy}``: the board says that it did not come online with them, and waits for others."""
ONLINE: Final = "blynk-online"
"""``{connected, seconds}``: the board is online; who says so."""
REMOVING: Final = "blynk-removing"
"""``{name}``: a device is about to be removed."""
REMOVED: Final = "blynk-removed"
"""The result of that."""

LOST: Final = (
    "A token may have been made that nobody got. It is of no use to anybody, and no device came of "
    "it."
)
LOST_NEW: Final = (
    "The old token of {name} may have ended, and the new one was lost; the device and its data are as "
    "they were. Start the job again: it makes another one."
)


def blynk_result(facts: Iterable[Fact]) -> dict[str, Any] | None:
    """The result of a job whose board was online; None for any other end."""
    known = _known(facts)
    if REMOVED in known:
        return known[REMOVED]
    return result_with(facts, known[ONLINE]) if ONLINE in known else None


def result_with(facts: Iterable[Fact], online: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a job with these facts, whose board is ``online``."""
    known = _known(facts)
    token, sent = known.get(TOKEN, {}), known.get(SENDING, {})
    return {
        "device": token.get("name"),
        "device_id": token.get("device_id") or None,
        "cloud": "blynk",
        "entry": token.get("entry", ""),
        "token": token.get("source"),
        "way": sent.get("way"),
        "network": sent.get("network"),
        **online,
        "notes": [],
    }


def sent_with(facts: Iterable[Fact]) -> str:
    """Entry of the vault with the token that the board was about to be given; empty: none was."""
    known = _known(facts)
    return str(known.get(TOKEN, {}).get("entry", "")) if SENDING in known else ""


def blynk_left(facts: Iterable[Fact]) -> str | None:
    """What a job left that did not end by itself; None: nothing of these."""
    known = _known(facts)
    if REMOVING in known:
        name = clean_text(str(known[REMOVING].get("name")))
        return (
            f"{name} is not removed altogether. Remove it once more: what is done is passed over."
        )
    token, sent = known.get(TOKEN), known.get(SENDING)
    if token is None:
        return lost(str(known[ASKED].get("name") or "")) if ASKED in known else None
    name = clean_text(str(token.get("name")))
    board = "The board was given nothing."
    if sent:
        network = clean_text(str(sent.get("network") or "its network"))
        board = f"The board may have been given {network}, and come online."
        if FAILED in known:
            said = known[FAILED]
            why, remedy = (clean_text(str(said.get(part))) for part in ("why", "remedy"))
            code = f"(Its code is {said.get('code')}.)"
            board = f"The board did not come online in {network}: {why} {code} {remedy}"
    if not token.get("entry"):
        return f"The token of {name} was kept nowhere. {board}"
    return (
        f"The token of {name} is in the vault (entry {token['entry']}). {board} Start the job again: it "
        "goes on from there."
    )


def lost(name: str) -> str:
    """What is left when an answer with a token is lost; ``name``: of the device that had one."""
    return LOST_NEW.format(name=clean_text(name)) if name else LOST


def _known(facts: Iterable[Fact]) -> dict[str, dict[str, Any]]:
    """The last of each kind since a token was asked for or kept last."""
    known: dict[str, dict[str, Any]] = {}
    for fact in facts:
        if fact.kind == ASKED:
            known = {}
        if fact.kind == SENDING:
            known.pop(FAILED, None)
        if fact.kind in {ASKED, TOKEN, SENDING, FAILED, ONLINE, REMOVING, REMOVED}:
            known[fact.kind] = dict(fact.data)
    return known
