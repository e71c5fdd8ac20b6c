"""Removing a device: what is asked, in which order things go, and that each part can be done again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clouds.enrolment import DeviceLook
from agent.clouds.vault_entry import server_of
from agent.clouds.vault_view import VaultEntry
from agent.errors import AdminMissing, BoardHasNoDelivery
from agent.jobs import enrol_effects as ex
from agent.jobs import remove_effects as rx
from agent.jobs.endings import ending
from agent.jobs.job import JobState
from agent.jobs.remove import RemoveDevice
from agent.sessions.delivery import BoardHardware
from tests.jobs.drive import Drive
from tests.jobs.enrol_world import CLOUD, GONE, LOST, NAME, Killed, World, order, settings

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.jobs import effects as fx

MINE, THEIRS = settings("mine"), settings("theirs", "garage")
MOMENTS = 40


def looked(name: str) -> DeviceLook:
    return DeviceLook(
        id="d1",
        name=name,
        profile="pumps",
        strategy="create",
        ours=True,
        used_up=True,
        kind="access_token",
        seen_at=1_700_000_000.0,
        link="https://tb.example/d1",
    )


@dataclass
class RemoveWorld(World):
    """A board that is a device, with one entry in the vault that works and one of before."""

    administrator: bool = True
    server: str = ""
    """Where the boards of the vault connect to, if that is another one."""
    owner: str = ""
    """Hardware id of the board that the vault's entries were made for."""
    order: list[str] = field(default_factory=list)
    """What was done, in this order."""

    def _error(self, request: fx.Request) -> MooringError:
        return GONE if isinstance(request, rx.EraseSettings) else super()._error(request)

    def _perform(self, request: fx.Request) -> Any:
        match request:
            case ex.FindWays() if not self.ways:
                raise BoardHasNoDelivery(tried="the serial console")
            case rx.LookDevice(name=name):
                if not self.administrator:
                    raise AdminMissing(cloud=CLOUD, action="see its devices")
                return looked(name) if name in self.devices else None
            case rx.EntriesOf(name=name):
                return self.entries(name)
            case rx.EraseSettings():
                self.board = None
                self.order.append("board")
            case rx.DeleteDevice(name=name):
                assert self.administrator
                self.devices.pop(name, None)
                self.order.append("device")
            case rx.ForgetDead(name=name, unless_alive=unless_alive):
                return self.forget(name, unless_alive=unless_alive)
            case _:
                return super()._perform(request)
        return None

    def entries(self, name: str) -> list[VaultEntry]:
        return [
            VaultEntry(
                id=number,
                device=kept.name,
                cloud="thingsboard",
                state=state,
                server=self.server or server_of(kept),
                hardware_id=self.owner,
            )
            for number, (state, kept) in self.vault.items()
            if name in {"", kept.name}
        ]

    def forget(self, name: str, *, unless_alive: bool) -> rx.Forgotten:
        of_device = {entry: kept for entry, (_, kept) in self.vault.items() if kept.name == name}
        alive = tuple(e for e, kept in of_device.items() if kept in self.devices.values())
        if alive and unless_alive:
            return rx.Forgotten(alive=True)
        for entry in set(of_device) - set(alive):
            del self.vault[entry]
        self.order.append("vault")
        return rx.Forgotten(tuple(set(of_device) - set(alive)), tuple((e, "") for e in alive))


def world(**changes: Any) -> RemoveWorld:
    usual: dict[str, Any] = {
        "devices": {NAME: MINE, "garage": THEIRS},
        "board": MINE,
        "vault": {
            "e1": ("earlier", settings("old")),
            "e2": ("proven", MINE),
            "e3": ("proven", THEIRS),
        },
    }
    return RemoveWorld(**(usual | changes))


def remove(*, has_board: bool = True, attended: bool = True, **changes: Any) -> Drive:
    return Drive(RemoveDevice(order(**changes), has_board=has_board, attended=attended))


def actions(drive: Drive) -> list[str]:
    assert drive.question, drive.finish
    return [action.id for action in drive.question.actions]


def result(drive: Drive) -> dict[str, Any]:
    assert drive.finish
    assert drive.finish.result, drive.finish
    return drive.finish.result


def check_gone(there: RemoveWorld) -> None:
    assert list(there.devices) == ["garage"]
    assert list(there.vault) == ["e3"]


def test_the_board_is_erased_the_device_deleted_and_the_vault_forgets_it_last():
    there = world()
    drive = there.run(remove())
    assert actions(drive) == ["continue", "stop"]
    assert drive.question
    told = {fate.what: fate for fate in drive.question.fates}
    assert "pumps" in told[f"{NAME} in {CLOUD}"].detail
    assert {fate.fate for fate in told.values()} == {"lost", "kept"}
    there.run(drive.answer("continue"))
    assert drive.state is JobState.DONE
    assert there.order == ["board", "device", "vault"]
    assert there.board is None
    check_gone(there)
    assert result(drive)["erased"]
    assert result(drive)["deleted"] == "administrator"
    assert set(result(drive)["forgotten"]) == {"e1", "e2"}
    assert set(drive.steps().values()) == {"done"}


def test_without_a_yes_nothing_is_changed():
    there = world()
    drive = there.run(remove())
    there.run(drive.answer("stop"))
    assert drive.state is JobState.CANCELLED
    assert there.run(remove(attended=False)).error == "input"
    assert there.order == []
    assert there.run(remove(attended=False, confirmed=True)).state is JobState.DONE


@pytest.mark.parametrize("attended", [True, False])
def test_a_board_of_another_server_that_has_the_same_name_here_is_not_removed_unasked(
    attended: bool,
):
    there = world(server="mqtts://other.example:8883")
    drive = there.run(remove(attended=attended, confirmed=True))
    if attended:
        assert drive.question
        assert "other.example" in drive.question.reason
        there.run(drive.answer("stop"))
    else:
        assert drive.error == "input"
    assert there.order == []


def test_a_device_whose_board_is_not_here_goes_by_its_name():
    there = world()
    drive = there.run(remove(has_board=False, name=NAME, confirmed=True))
    assert drive.state is JobState.DONE
    assert there.order == ["device", "vault"]
    assert there.board == MINE
    assert not result(drive)["erased"]


def test_a_board_that_is_another_device_by_now_keeps_what_it_has():
    there = world(board=THEIRS)
    drive = there.run(remove(name=NAME, confirmed=True))
    assert drive.state is JobState.DONE
    assert there.board == THEIRS
    check_gone(there)


@pytest.mark.parametrize("ways", [(), ("console",)])
def test_a_board_that_says_nothing_is_what_the_vault_says(ways: Any):
    there = world(ways=ways, board=None, hardware=BoardHardware(hardware_id="24a1"))
    there.vault.pop("e3")
    drive = there.run(remove(confirmed=True))
    assert result(drive)["device"] == NAME
    assert bool(result(drive)["notes"]) is not bool(ways)


@pytest.mark.parametrize(("owner", "gone"), [("24a1", True), ("24b2", False)])
def test_a_new_board_in_a_socket_is_not_taken_for_the_one_that_sat_there(owner: str, gone: bool):
    there = world(board=None, owner=owner)
    there.vault.pop("e3")
    drive = there.run(remove(confirmed=True))
    assert (NAME not in there.devices) is gone
    assert drive.error == (None if gone else "input")


def test_a_name_that_nobody_knows_is_refused():
    there = world(board=None)
    assert there.run(remove(has_board=False, name="gate", confirmed=True)).error == "device-absent"
    there.vault.clear()
    assert there.run(remove(confirmed=True)).error == "input"
    assert there.order == []


def test_a_device_that_was_deleted_on_the_server_is_forgotten_here():
    there = world()
    del there.devices[NAME]
    drive = there.run(remove(confirmed=True))
    assert result(drive)["deleted"] == "absent"
    check_gone(there)


def test_what_another_server_still_takes_stays_in_the_vault():
    there = world()
    there.devices["elsewhere"] = settings("old")
    drive = there.run(remove(confirmed=True))
    assert result(drive)["kept"] == ["e1"]
    assert set(there.vault) == {"e1", "e3"}


def test_without_an_administrator_the_person_deletes_it_and_that_is_checked():
    there = world(administrator=False)
    drive = there.run(remove())
    there.run(drive.answer("continue"))
    assert actions(drive) == ["done", "stop"]
    assert drive.question
    assert "Delete device" in drive.question.meaning
    there.run(drive.answer("done"))
    assert "still there" in repr(drive.question)
    assert len(there.vault) == 3
    del there.devices[NAME]
    there.run(drive.answer("done"))
    assert drive.state is JobState.DONE
    assert result(drive)["deleted"] == "person"
    check_gone(there)


def test_with_nobody_there_and_no_administrator_nothing_is_changed():
    there = world(administrator=False)
    assert there.run(remove(attended=False, confirmed=True)).error == "admin-missing"
    assert there.order == []


@pytest.mark.parametrize("fault", ["before", "lost"])
def test_a_server_that_does_not_answer_is_asked_again(fault: str):
    there = world(faults={"DeleteDevice": [fault]})
    drive = there.run(remove(confirmed=True))
    assert actions(drive) == ["retry", "stop"]
    assert drive.question
    assert "no settings any more" in drive.question.safe
    there.run(drive.answer("retry"))
    assert drive.state is JobState.DONE
    check_gone(there)


def test_who_stops_then_is_told_what_is_left_and_the_next_job_finishes():
    there = world(faults={"DeleteDevice": ["before"]})
    drive = there.run(remove(attended=False, confirmed=True))
    assert drive.error == "remove-unfinished"
    assert drive.finish
    assert drive.finish.error
    assert "not known" in drive.finish.error.title
    assert len(there.vault) == 3
    assert there.run(remove(confirmed=True, name=NAME)).state is JobState.DONE
    check_gone(there)


@pytest.mark.parametrize("fault", ["before", "lost"])
def test_a_board_that_is_unplugged_is_erased_when_it_is_back(fault: str):
    there = world(faults={"EraseSettings": [fault]})
    drive = there.run(remove(confirmed=True))
    while drive.finish is None:
        there.step(drive, drive.waiting[0])
    assert drive.state is JobState.DONE
    check_gone(there)


def test_a_vault_that_cannot_be_written_is_told_and_the_device_is_gone():
    there = world(faults={"ForgetDead": ["before"]})
    drive = there.run(remove(confirmed=True))
    assert drive.state is JobState.DONE
    assert "The vault still has" in result(drive)["notes"][0]
    assert list(there.devices) == ["garage"]


def test_killed_at_each_moment_it_is_told_what_is_left_and_the_next_job_finishes():
    told = set()
    for moment in range(1, MOMENTS):
        there = world(kill_at=moment)
        drive = remove(confirmed=True)
        try:
            there.run(drive)
        except Killed:
            pass
        else:
            assert moment > 10
            break
        there.kill_at = 0
        end = ending(drive.job, drive.facts)
        if end.error is not None and end.error.code == "remove-unfinished":
            told.add(end.error.title)
            assert f"mooring remove {NAME} --cloud thingsboard" in end.error.remedy
            if NAME not in there.devices:
                assert f"{NAME} is still in" not in end.error.title
            if there.board is None:
                assert "was not changed" not in end.error.title
        else:
            assert end.state is JobState.DONE or there.order == []
        if end.state is not JobState.DONE:
            again = there.run(remove(confirmed=True, name=NAME))
            assert again.state is JobState.DONE or again.error == "device-absent"
        check_gone(there)
        assert there.board is None
    else:
        pytest.fail("it did not end")
    assert len(told) == 3


def test_cancelled_at_each_moment_it_ends_and_says_what_is_left():
    for moment in range(MOMENTS):
        there = world()
        drive = remove(confirmed=True)
        for _ in range(moment):
            if drive.waiting and drive.finish is None:
                there.step(drive, drive.waiting[0])
        if drive.finish is not None:
            assert moment > 4
            return
        drive.cancel()
        there.run(drive)
        assert drive.state in {JobState.CANCELLED, JobState.DONE}
        if there.order and drive.state is JobState.CANCELLED:
            assert drive.error == "remove-unfinished"
        if NAME in there.devices:
            assert len(there.vault) == 3
    pytest.fail("it did not end")


def test_a_lost_look_at_the_server_ends_before_anything_is_changed():
    there = world(faults={"LookDevice": ["before"]})
    assert there.run(remove(confirmed=True)).error == LOST.code
    assert there.order == []


FAULTS = st.sampled_from(["", "", "before", "lost"])
KINDS = ("DeleteDevice", "EntriesOf", "EraseSettings", "FindWays", "ForgetDead", "LookDevice")


@given(data=st.data(), attended=st.booleans(), administrator=st.booleans())
def test_whatever_fails_it_ends_and_the_vault_forgets_only_what_is_gone(
    data: st.DataObject, attended: bool, administrator: bool
):
    there = world(administrator=administrator)
    there.faults = {kind: data.draw(st.lists(FAULTS, max_size=3)) for kind in KINDS}
    agreed = data.draw(st.booleans())
    drive = remove(attended=attended, confirmed=agreed)
    for _ in range(40):
        if drive.finish is not None:
            break
        actions = [action.id for action in drive.question.actions] if drive.question else []
        choices = [*actions, *map(str, range(len(drive.waiting))), *drive.timers, "cancel"]
        what = data.draw(st.sampled_from(choices))
        if what in actions:
            agreed = agreed or what == "continue"
            drive.answer(what)
        elif what == "cancel":
            drive.cancel()
        elif what in drive.timers:
            drive.fire(what)
        else:
            there.step(drive, drive.waiting[int(what)])
    there.faults.clear()
    for _ in range(10):
        if drive.finish is None:
            there.run(drive)
        if drive.question is not None:
            drive.answer("stop")
    assert drive.finish
    if not agreed:
        assert there.order == []
    if NAME in there.devices:
        assert "e2" in there.vault
        assert drive.state is not JobState.DONE
    assert "e3" in there.vault
    if there.order and drive.state is not JobState.DONE:
        assert NAME in repr(drive.finish.error)
