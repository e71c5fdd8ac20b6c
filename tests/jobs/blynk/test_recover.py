"""What becomes of a job that was killed, without I/O."""

from __future__ import annotations

from typing import Any

import pytest

from agent.errors import BlynkTokenUnknown, Unreachable, VaultFailed
from agent.jobs import effects as fx
from agent.jobs.blynk import effects as bx
from agent.jobs.blynk import facts
from agent.jobs.blynk.recover import recovery
from agent.jobs.facts import Fact
from agent.jobs.job import JobState
from tests.jobs.blynk.samples import PENDING
from tests.jobs.drive import Drive

TOKEN = {"name": "Kitchen", "entry": "0a0b0c0d", "source": "made", "device_id": 55}
SENT = {"way": "console", "network": "HomeNet"}


def known(*kinds: str, **changes: Any) -> list[Fact]:
    data: dict[str, dict[str, Any]] = {facts.TOKEN: TOKEN | changes, facts.SENDING: SENT}
    return [Fact(kind=kind, data=data.get(kind, {}), at=1.0) for kind in kinds]


def recovered(found: list[Fact]) -> Drive:
    machine = recovery(found)
    assert machine is not None
    return Drive(machine)


def left(drive: Drive) -> str:
    drive.done(fx.CloseSession)
    assert drive.state is JobState.INTERRUPTED
    assert drive.finish is not None
    assert drive.finish.error is not None
    return drive.finish.error.meaning


def test_other_jobs_are_not_looked_after() -> None:
    assert recovery([Fact(kind="enrol-asking", at=1.0)]) is None


def test_what_was_not_sent_is_only_told() -> None:
    assert "nobody got" in left(recovered(known(facts.ASKED)))
    kept = left(recovered(known(facts.ASKED, facts.TOKEN)))
    assert "0a0b0c0d" in kept
    assert "given nothing" in kept
    assert "kept nowhere" in left(recovered(known(facts.TOKEN, facts.SENDING, entry="")))


def test_a_board_that_came_online_meanwhile_is_done() -> None:
    drive = recovered(known(facts.ASKED, facts.TOKEN, facts.SENDING)).done(bx.OpenKept, PENDING)
    drive.done(bx.CheckToken, True).done(bx.Prove)
    rename = drive.waits_for(bx.Rename)
    assert rename is not None
    assert (rename.device_id, rename.name) == (55, "Kitchen")
    drive.done(bx.Rename).done(fx.CloseSession)
    assert drive.state is JobState.DONE
    assert drive.finish is not None
    result = drive.finish.result or {}
    assert (result["device"], result["connected"], result["way"]) == ("Kitchen", "cloud", "console")
    assert drive.facts[-1].kind == facts.ONLINE


def test_a_device_that_was_there_before_keeps_its_name() -> None:
    drive = recovered(known(facts.TOKEN, facts.SENDING, source="vault"))
    drive.done(bx.OpenKept, PENDING).done(bx.CheckToken, True).done(bx.Prove)
    assert drive.waits_for(bx.Rename) is None
    named = recovered(known(facts.ASKED, facts.TOKEN, facts.SENDING)).done(bx.OpenKept, PENDING)
    named.done(bx.CheckToken, True).done(bx.Prove).fail(bx.Rename, Unreachable(cloud="b"))
    assert named.done(fx.CloseSession).state is JobState.DONE


@pytest.mark.parametrize(
    "step", ["vault", "unknown", "unreachable", "offline", "limit", "cancelled"]
)
def test_otherwise_the_vault_has_its_token(step: str) -> None:
    drive = recovered(known(facts.ASKED, facts.TOKEN, facts.SENDING))
    match step:
        case "vault":
            drive.fail(bx.OpenKept, VaultFailed(path="/v", detail="x"))
        case "limit":
            drive.fire("limit")
        case "cancelled":
            drive.cancel(interrupted=True)
        case "offline":
            drive.done(bx.OpenKept, PENDING).done(bx.CheckToken, False)
        case _:
            error = BlynkTokenUnknown(cloud="b") if step == "unknown" else Unreachable(cloud="b")
            drive.done(bx.OpenKept, PENDING).fail(bx.CheckToken, error)
    assert "may have been given HomeNet" in left(drive)


def test_what_the_board_said_of_its_attempt_is_told_until_it_is_given_something_else() -> None:
    said = {
        "code": 722,
        "why": "The network refused the board.",
        "remedy": "Type the password again.",
    }
    failed = Fact(kind=facts.FAILED, data=said, at=2.0)
    found = [*known(facts.ASKED, facts.TOKEN, facts.SENDING), failed]
    told = left(recovered(found).done(bx.OpenKept, PENDING).done(bx.CheckToken, False))
    assert (
        "did not come online in HomeNet: The network refused the board. (Its code is 722.)" in told
    )
    assert "Type the password again." in told
    assert "0a0b0c0d" in told
    assert "may have" not in told
    again = [*found, *known(facts.SENDING)]
    told = left(recovered(again).done(bx.OpenKept, PENDING).done(bx.CheckToken, False))
    assert "may have been given HomeNet" in told
    assert "722" not in told
