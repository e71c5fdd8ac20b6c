"""Making a device with credentials and delivering them: the usual way and each question."""

from __future__ import annotations

import pytest

from agent.clouds.vault_view import VaultEntry
from agent.errors import (
    EnrolNotPrepared,
    EnrolRefused,
    EnrolUsedUp,
    InputError,
    JournalFailed,
    SettingNotTaken,
)
from agent.jobs import effects as fx
from agent.jobs import enrol_effects as ex
from agent.jobs.enrol import EnrolBoard
from agent.jobs.enrol_facts import open_enrolment
from agent.jobs.job import JobState
from agent.jobs.machine import LIMIT
from agent.jobs.states import ENROL_LIMIT_S
from agent.sessions.delivery import BoardHardware
from agent.settings import Secret
from tests.jobs.drive import Drive
from tests.jobs.enrol_world import CLOUD, NAME, World, begin, order, settings
from tests.jobs.samples import wifi


def result_of(drive):
    assert drive.finish
    assert drive.finish.result
    return drive.finish.result


def actions(drive):
    assert drive.question, drive.finish
    return [action.id for action in drive.question.actions]


def test_a_board_gets_a_device_its_credentials_and_is_seen():
    world = World()
    drive = begin(world, network=wifi())
    assert drive.state is JobState.DONE
    assert world.board == world.devices[NAME]
    assert world.vault == {"e1": ("proven", world.devices[NAME])}
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["connected"] == "board"
    assert drive.finish.result["link"] == "https://tb.example/devices"
    assert set(drive.steps().values()) == {"done"}
    assert open_enrolment(drive.facts) is None
    assert "own-1" not in repr(drive.finish)


def test_the_credentials_of_the_reply_count_and_not_those_that_were_sent():
    world = World(strategy="prepared")
    drive = begin(world)
    assert drive.state is JobState.DONE
    assert world.board == settings(f"stored-{NAME}")
    assert world.vault["e1"] == ("proven", settings(f"stored-{NAME}"))


def test_the_delivery_that_disturbs_the_board_least_is_taken_and_the_reason_is_told():
    drive = begin(World(ways=("console", "nvs")))
    assert drive.state is JobState.DONE
    result = result_of(drive)
    assert result["delivery"] == "console"
    assert "sketch on the board answered" in result["delivery_reason"]
    states = [(each["kind"], each["state"]) for each in result["ways"]]
    assert states == [("console", "answers"), ("nvs", "untried"), ("header", "untried")]
    assert all(each["label"] for each in result["ways"])
    (told,) = [step for step in drive.job.steps if step.id == "deliver"]
    assert told.state.value == "done"
    named = begin(World(ways=("console",)), way="console")
    assert result_of(named)["delivery_reason"] == "It was asked for."


@pytest.mark.parametrize("choice", ["nvs", "header"])
def test_a_settings_area_that_no_sketch_is_known_to_read_is_asked_about(choice):
    world = World(ways=("nvs",))
    drive = begin(world)
    assert actions(drive) == ["choice", "stop"]
    assert drive.question
    assert [each.id for each in drive.question.choices] == ["nvs", "header"]
    world.run(drive.answer("choice", choice=choice))
    assert drive.state is JobState.DONE
    result = result_of(drive)
    assert result["delivery"] == choice
    assert result["files"] == ([] if choice == "nvs" else ["mooring_settings.h"])
    assert (world.board is None) == (choice == "header")


def test_a_settings_area_is_taken_unasked_where_it_is_known_to_be_used_or_nobody_is_there():
    known = BoardHardware(hardware_id="24a1", family="esp32", holds=NAME, networks=True)
    assert begin(World(ways=("nvs",), hardware=known)).state is JobState.DONE
    assert begin(World(ways=("nvs",)), way="nvs").state is JobState.DONE
    assert begin(World(ways=("nvs",)), attended=False).state is JobState.DONE


def test_what_is_in_the_area_and_not_ours_is_said_where_it_is_asked_and_where_it_is_done():
    note = "its namespace “app” has keys that are not ours: token"
    world = World(ways=("nvs",), hardware=BoardHardware(hardware_id="24a1", note=note))
    drive = begin(world)
    assert drive.question
    assert drive.question.meaning.endswith(f"On this board, {note}.")
    (read, *_) = begin(world, attended=False).job.steps
    assert note in read.message


def test_a_board_that_takes_nothing_is_looked_at_again_or_gets_a_header_file():
    world = World(ways=())
    drive = begin(world, name="porch")
    assert actions(drive) == ["retry", "header", "stop"]
    assert drive.question
    assert "no answer" in drive.question.meaning
    world.run(drive.answer("retry"))
    world.run(drive.answer("header"))
    assert drive.state is JobState.DONE
    assert result_of(drive)["files"] == ["mooring_settings.h"]
    assert begin(World(ways=()), attended=False).error == "delivery-none"
    stopped = begin(World(ways=()))
    world.run(stopped.answer("stop"))
    assert stopped.state is JobState.CANCELLED


@pytest.mark.parametrize("attended", [True, False])
def test_a_board_of_another_device_is_not_overwritten_unasked(attended):
    world = World(hardware=BoardHardware(hardware_id="24a1", holds="garage", networks=True))
    drive = begin(world, attended=attended)
    if attended:
        assert actions(drive) == ["overwrite", "stop"]
        drive.answer("stop")
        world.run(drive)
    assert drive.state is (JobState.CANCELLED if attended else JobState.FAILED)
    assert world.devices == {}
    assert world.vault == {}
    drive = begin(world, attended=attended, confirmed=True)
    assert drive.state is JobState.DONE


def test_a_board_without_an_id_is_named_by_the_person():
    world = World(hardware=BoardHardware())
    drive = begin(world)
    assert actions(drive) == ["name", "stop"]
    world.run(drive.answer("name", text="porch"))
    assert drive.state is JobState.DONE
    assert list(world.devices) == ["porch"]
    assert begin(World(hardware=BoardHardware()), attended=False).error == InputError.code


def test_a_name_that_is_taken_can_be_changed_and_leaves_nothing_in_the_vault():
    world = World(devices={NAME: settings("theirs")})
    drive = begin(world)
    assert actions(drive) == ["retry", "name", "stop"]
    world.run(drive.answer("name", text="other"))
    assert drive.state is JobState.DONE
    assert [kept.name for _, kept in world.vault.values()] == ["other"]
    assert world.devices[NAME] == settings("theirs")


def test_the_administrator_reads_what_the_server_has_and_changes_nothing_there():
    world = World(devices={NAME: settings("theirs")})
    drive = begin(world, administrator=True)
    assert actions(drive) == ["administrator", "replace", "retry", "name", "stop"]
    assert drive.question
    assert "cut off at once" in drive.question.meaning
    world.run(drive.answer("administrator"))
    assert drive.state is JobState.DONE
    assert world.board == world.devices[NAME] == settings("theirs")
    assert world.vault == {"e1": ("proven", settings("theirs"))}


@pytest.mark.parametrize(
    ("hardware_id", "state", "warned"),
    [
        ("ffff", "proven", True),
        ("24a1", "proven", False),
        ("ffff", "earlier", False),
        ("", "proven", False),
    ],
)
def test_a_device_that_the_vault_knows_as_another_board_is_pointed_out(hardware_id, state, warned):
    other = VaultEntry(
        id="e9", board="b2", board_name="garage", device=NAME, state=state, hardware_id=hardware_id
    )
    world = World(devices={NAME: settings("theirs")}, others=[other])
    drive = begin(world, administrator=True)
    assert drive.question
    assert ("garage" in drive.question.reason) is warned


def test_a_vault_that_cannot_be_read_then_hinders_nobody():
    world = World(devices={NAME: settings("theirs")}, faults={"EntriesOf": ["before"]})
    drive = begin(world, administrator=True)
    assert actions(drive) == ["administrator", "replace", "retry", "name", "stop"]


def test_the_administrator_replaces_credentials_that_the_vault_has_already():
    world = World(devices={NAME: settings("theirs")})
    drive = begin(world, administrator=True)
    world.run(drive.answer("replace"))
    assert drive.state is JobState.DONE
    assert world.board == world.devices[NAME] == settings("own-1")


def test_what_the_server_has_and_no_board_can_use_can_only_be_replaced():
    world = World(devices={NAME: settings("theirs")}, faults={"TakeStored": ["unusable"]})
    drive = begin(world, administrator=True)
    world.run(drive.answer("administrator"))
    assert actions(drive) == ["replace", "retry", "name", "stop"]
    world.run(drive.answer("replace"))
    assert world.board == settings("own-1")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (EnrolUsedUp(cloud=CLOUD, name=NAME, state="x", maybe_done=False), "provisionState"),
        (EnrolRefused(cloud=CLOUD, name=NAME, maybe_done=False), "provisionState"),
        (
            EnrolNotPrepared(cloud=CLOUD, name=NAME, profile="pumps", detail="", maybe_done=False),
            "profile pumps",
        ),
    ],
    ids=["used up", "refused", "not prepared"],
)
def test_without_an_administrator_it_is_told_what_to_do_on_the_server(error, told):
    drive = Drive(EnrolBoard(order(), attended=True))
    world = World()
    while drive.waits_for(ex.Enrol) is None:
        world.step(drive, drive.waiting[0])
    drive.fail(ex.Enrol, error)
    assert drive.question
    assert told in drive.question.meaning
    assert NAME in drive.question.meaning
    assert next(each.label for each in drive.question.actions if each.id == "retry").startswith(
        "Done"
    )
    world.run(drive.answer("retry"))
    assert drive.state is JobState.DONE


def test_a_prepared_device_that_was_used_up_is_freed_by_the_administrator():
    world = World(strategy="prepared", used_up={NAME}, devices={NAME: settings("stored")})
    drive = begin(world, administrator=True)
    assert actions(drive) == ["administrator", "retry", "name", "stop"]
    world.run(drive.answer("administrator"))
    assert drive.state is JobState.DONE
    assert world.board == settings("stored")


def test_a_prepared_device_that_somebody_freed_is_asked_for_again():
    world = World(strategy="prepared", used_up={NAME})
    drive = begin(world)
    assert actions(drive) == ["retry", "name", "stop"]
    world.used_up.clear()
    world.run(drive.answer("retry"))
    assert drive.state is JobState.DONE


@pytest.mark.parametrize("attended", [True, False])
def test_a_refusal_ends_without_an_entry_in_the_vault(attended):
    world = World(devices={NAME: settings("theirs")})
    drive = begin(world, attended=attended)
    if attended:
        world.run(drive.answer("stop"))
    assert drive.state is (JobState.CANCELLED if attended else JobState.FAILED)
    assert world.vault == {}
    assert open_enrolment(drive.facts) is None


def test_a_lost_answer_is_found_by_the_credentials_that_were_sent():
    world = World(faults={"Enrol": ["lost"]})
    drive = begin(world)
    assert drive.state is JobState.DONE
    assert world.vault["e1"][0] == "proven"


def test_a_request_that_never_arrived_is_asked_again_with_the_same_credentials():
    world = World(faults={"Enrol": ["before"]})
    drive = begin(world)
    assert actions(drive) == ["retry", "stop"]
    assert drive.question
    assert "e1" in drive.question.safe
    world.run(drive.answer("retry"))
    assert drive.state is JobState.DONE
    assert world.devices[NAME] == settings("own-1")


def test_what_stays_unknown_is_said_with_the_entry_of_the_vault():
    world = World(strategy="prepared", faults={"Enrol": ["lost"]})
    drive = begin(world, attended=False)
    assert drive.error == "enrol-unsure"
    assert drive.finish
    assert drive.finish.error
    assert "e1" in drive.finish.error.title
    assert open_enrolment(drive.facts)


def test_a_reply_that_cannot_be_kept_is_delivered_all_the_same():
    world = World(strategy="prepared", faults={"ReplaceEntry": ["before"]})
    drive = begin(world)
    assert actions(drive) == ["retry", "continue", "stop"]
    world.run(drive.answer("continue"))
    assert drive.state is JobState.DONE
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["entry"] == ""
    assert drive.finish.result["notes"]
    assert world.board == settings(f"stored-{NAME}")


def test_credentials_that_nobody_kept_are_told_as_lost():
    world = World(strategy="prepared", faults={"ReplaceEntry": ["before"]})
    drive = begin(world)
    world.run(drive.answer("stop"))
    assert drive.error == "enrol-credentials-lost"


def test_a_board_that_is_unplugged_in_the_delivery_gets_it_when_it_is_back():
    world = World(faults={"PutSettings": ["before"]})
    drive = begin(world)
    assert drive.question
    assert "Plug it in" in drive.question.title
    assert "vault" in drive.question.safe
    while drive.finish is None:
        world.step(drive, drive.waiting[0])
    assert drive.state is JobState.DONE


def test_another_board_that_is_plugged_in_gets_nothing():
    world = World(faults={"PutSettings": ["before"]})
    drive = begin(world)
    world.hardware = BoardHardware(hardware_id="ffff", networks=True)
    while drive.waiting:
        world.step(drive, drive.waiting[0])
    assert drive.question
    assert drive.question.error
    assert drive.question.error.code == "board-other"
    assert world.board is None


def test_a_delivery_that_fails_is_tried_again_or_left_to_the_vault():
    world = World(faults={"PutSettings": ["noise"]})
    drive = begin(world)
    assert actions(drive) == ["retry", "stop"]
    world.run(drive.answer("stop"))
    assert drive.error == "enrol-kept"
    assert drive.finish
    assert drive.finish.error
    assert "e1" in drive.finish.error.title
    assert "before" in drive.finish.error.title
    again = begin(world)
    assert again.state is JobState.DONE
    assert world.board == settings("own-1")
    assert list(world.vault) == ["e1"]


def last_put(world):
    return [each for each in world.sent if isinstance(each, ex.PutSettings)][-1]


def test_another_network_goes_to_the_board_alone():
    world = World(outcome="network-failed")
    drive = begin(world, network=wifi("Nowhere"))
    assert actions(drive) == ["retry", "network", "wait", "keep", "stop"]
    world.outcome = "connected"
    world.run(drive.answer("network", network=wifi("HomeNet")))
    assert drive.state is JobState.DONE
    assert last_put(world).settings.cloud is None
    assert last_put(world).settings.network == wifi("HomeNet")
    assert result_of(drive)["network"] == "HomeNet"


def test_a_wrong_password_is_asked_for_again_without_a_new_device_or_new_credentials():
    world = World(outcome="network-failed")
    drive = begin(world, network=wifi("HomeNet", "wrong password"))
    assert drive.question
    assert drive.question.error
    assert drive.question.error.code == "enrol-board-offline"
    assert "vault" in drive.question.safe
    (retry, *_) = drive.question.actions
    assert retry.needs == "password"
    made, kept = dict(world.devices), dict(world.vault)
    world.outcome = "connected"
    world.run(drive.answer("retry", password=Secret("right password")))
    assert drive.state is JobState.DONE
    assert last_put(world).settings.cloud is None
    assert last_put(world).settings.network == wifi("HomeNet", "right password")
    assert world.devices == made
    assert list(world.vault) == list(kept)
    assert sum(isinstance(each, ex.Enrol) for each in world.sent) == 1


def test_a_board_that_keeps_its_own_network_is_offered_one_when_that_fails():
    world = World(outcome="network-failed")
    drive = begin(world)
    assert actions(drive) == ["network", "wait", "keep", "stop"]
    assert drive.question
    assert "its network" in drive.question.title


REFUSED = SettingNotTaken(field="pin (sim_pin)", why="It has no such setting.", group="network")


@pytest.mark.parametrize("action", ["network", "without-network"])
def test_a_network_that_the_firmware_does_not_take_is_replaced_or_left_out(action):
    world = World()
    drive = Drive(EnrolBoard(order(network=wifi("HomeNet")), attended=True))
    while drive.waits_for(ex.PutSettings) is None:
        world.step(drive, drive.waiting[0])
    drive.fail(ex.PutSettings, REFUSED)
    assert actions(drive) == ["network", "without-network", "stop"]
    world.run(drive.answer(action, network=wifi("Other") if action == "network" else None))
    assert drive.state is JobState.DONE
    assert last_put(world).settings.cloud == world.devices[NAME]
    assert last_put(world).settings.network == (wifi("Other") if action == "network" else None)


def test_who_says_that_it_is_connected_is_told():
    world = World(outcome="unknown")
    world.connected = True
    drive = begin(world)
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["connected"] == "server"


@pytest.mark.parametrize("outcome", ["unknown", "refused", "network-failed"])
def test_with_nobody_there_a_board_that_is_not_seen_fails_and_keeps_what_it_has(outcome):
    world = World(outcome=outcome)
    drive = begin(world, attended=False)
    assert drive.error == "enrol-kept"
    assert drive.finish
    assert drive.finish.error
    assert "has its new settings" in drive.finish.error.title
    assert world.board == world.devices[NAME]


def test_a_board_that_is_not_seen_may_be_left_so():
    world = World(outcome="unknown")
    drive = begin(world)
    world.run(drive.answer("keep"))
    assert drive.state is JobState.DONE
    assert world.vault["e1"][0] == "pending"
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["connected"] is None


@pytest.mark.parametrize("way", ["header", "image"])
def test_a_file_needs_no_board(way):
    world = World(ways=())
    drive = begin(world, way=way, serial_number="ab12")
    assert drive.state is JobState.DONE
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["files"] == [ex.FILES[way]]
    assert drive.finish.result["delivery"] == way
    assert not [each for each in world.sent if isinstance(each, ex.FindWays)]


def test_a_board_that_takes_no_network_is_not_given_one():
    world = World(hardware=BoardHardware(hardware_id="24a1"))
    drive = begin(world, network=wifi())
    assert drive.error == "board-not-supported"
    assert world.vault == {}


def test_credentials_that_no_longer_count_are_made_anew():
    world = World()
    begin(world)
    world.devices.clear()
    drive = begin(world)
    assert drive.state is JobState.DONE
    assert world.board == world.devices[NAME]
    assert len(world.vault) == 2


def test_a_full_vault_stops_before_the_cloud_is_asked():
    world = World(faults={"AddEntry": ["before"]})
    drive = begin(world)
    assert drive.error == "vault"
    assert world.devices == {}


def test_a_limit_of_the_cloud_counts_as_a_lost_answer():
    world = World()
    drive = Drive(EnrolBoard(order(), attended=False))
    world.run(drive, steps=4)
    assert drive.waits_for(ex.Enrol)
    drive.fire(LIMIT)
    assert drive.waits_for(ex.TryOut)
    assert drive.waits_for(ex.Enrol) is None


BUSY = "The server is busy. The next try is in 60 s."


def busy(*, attended: bool = True) -> tuple[World, Drive]:
    """A job whose server asks for patience."""
    world = World()
    drive = Drive(EnrolBoard(order(), attended=attended))
    while (asked := drive.waits_for(ex.Enrol)) is None:
        world.step(drive, drive.waiting[0])
    drive.now += 60.0
    drive.give(fx.Advanced(asked, "write", 0, 0, BUSY))
    return world, drive


def test_a_server_that_is_busy_is_told_and_gets_the_whole_limit_for_each_attempt():
    world, drive = busy()
    (step,) = [step for step in drive.job.steps if step.id == "enrol"]
    assert step.message == BUSY
    assert drive.due[LIMIT] == drive.now + ENROL_LIMIT_S
    world.run(drive)
    assert drive.state is JobState.DONE


def test_a_cancel_need_not_wait_for_a_busy_server():
    world, drive = busy()
    drive.cancel()
    assert drive.waits_for(ex.Enrol) is None
    world.run(drive)
    assert drive.state is JobState.CANCELLED
    assert drive.error == "enrol-unsure"
    assert drive.finish
    assert drive.finish.error
    assert "e1" in drive.finish.error.title
    assert drive.finish.error.meaning == "The job was stopped."
    again = begin(world)
    assert again.state is JobState.DONE
    assert list(world.vault) == ["e1"]


def test_a_key_of_the_vault_that_is_in_a_file_is_told_once():
    world = World(key_news=True)
    assert any("in a file" in note for note in result_of(begin(world))["notes"])
    assert result_of(begin(world))["notes"] == []


def test_a_second_network_that_is_not_taken_leaves_nothing_to_be_delivered():
    world = World(outcome="network-failed")
    drive = begin(world, network=wifi("Nowhere"))
    drive.answer("network", network=wifi("Odd"))
    drive.fail(ex.PutSettings, REFUSED)
    puts = sum(isinstance(each, ex.PutSettings) for each in world.sent)
    world.outcome = "connected"
    world.run(drive.answer("without-network"))
    assert drive.state is JobState.DONE
    assert sum(isinstance(each, ex.PutSettings) for each in world.sent) == puts


def until(world: World, kind: type[fx.Request], **changes: object) -> Drive:
    """A job that waits for this request."""
    drive = Drive(EnrolBoard(order(**changes), attended=True))
    while drive.waits_for(kind) is None:
        world.step(drive, drive.waiting[0])
    return drive


def test_without_a_journal_the_cloud_is_not_asked_and_nothing_is_left():
    world = World()
    drive = until(world, ex.Enrol)
    drive.fail(ex.Enrol, JournalFailed(path="/journal", detail="no room"))
    world.run(drive)
    assert drive.error == "journal"
    assert world.vault == {}


def test_without_a_journal_the_board_keeps_what_it_has_until_the_person_tries_again():
    world = World()
    drive = until(world, ex.PutSettings)
    drive.fail(ex.PutSettings, JournalFailed(path="/journal", detail="no room"))
    assert actions(drive) == ["retry", "stop"]
    assert drive.question
    assert "what it had before" in drive.question.safe
    world.run(drive.answer("retry"))
    assert drive.state is JobState.DONE


@pytest.mark.parametrize("attended", [True, False])
def test_what_the_server_says_about_the_link_or_the_board_being_seen_ends_no_job(attended):
    world = World(faults={"FindLink": ["before"], "SeenBy": ["before"]}, outcome="unknown")
    drive = begin(world, attended=attended)
    if attended:
        assert actions(drive) == ["wait", "keep", "stop"]
        world.run(drive.answer("keep"))
        assert drive.state is JobState.DONE
        assert result_of(drive)["link"] == ""
        (note,) = result_of(drive)["notes"]
        assert "start" in note
    else:
        assert drive.error == "enrol-kept"
