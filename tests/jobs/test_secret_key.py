"""A device with a secret key, and with it what all procedures that make a device have in common."""

from __future__ import annotations

import pytest

from agent.errors import InternalError, JournalFailed, MooringError
from agent.jobs import device_effects as dx
from agent.jobs import effects as fx
from agent.jobs.facts import CLAIMED, INTENT, SETTLED, Fact, device_result, handed_over
from agent.jobs.job import JobState
from agent.jobs.recover import recovery
from agent.settings import Secret
from agent.settings.network import WiFi
from tests.jobs.device_samples import (
    DEVICE_ID,
    DOWN,
    KEY,
    LOST,
    PASSWORD,
    REFUSALS,
    SERIAL,
    delivered,
    device,
    secret_key,
    to_delivering,
    to_end,
    to_keying,
    to_making,
)
from tests.jobs.drive import Drive

NO_DISK = JournalFailed(path="journal.sqlite3", detail="disk is full")


def kinds(drive: Drive) -> list[str]:
    return [fact.kind for fact in drive.facts]


# --- the way it should go --------------------------------------------------------------------


def test_device_and_key_are_made_and_the_header_is_handed_over():
    drive = to_end(to_delivering(secret_key()))
    assert drive.state is JobState.DONE
    assert drive.finish
    assert drive.finish.result == {
        "device": "kitchen-sensor",
        "device_id": DEVICE_ID,
        "cloud": "arduino",
        "procedure": "secret-key",
        "files": ["arduino_secrets.h"],
        "seconds": 0.0,
    }
    assert drive.steps() == {"device": "done", "secrets": "done"}
    header = delivered(drive)
    assert f'#define SECRET_DEVICE_ID "{DEVICE_ID}"' in header
    assert f'#define SECRET_DEVICE_KEY "{KEY}"' in header
    assert '#define SECRET_SSID "HomeNet"' in header
    assert PASSWORD in header


def test_the_board_is_left_alone():
    drive = to_end(to_delivering(secret_key()))
    assert {type(request) for request in drive.asked} == {
        fx.SettleLeftovers,
        dx.FindDevices,
        dx.CreateDevice,
        dx.SecretKey,
        dx.Deliver,
        fx.CloseSession,
    }


def test_the_intent_is_written_before_the_cloud_is_asked_and_the_id_after():
    drive = secret_key().done(fx.SettleLeftovers, ["d-0"])
    wanted = drive.machine.handle(fx.Done(dx.FindDevices(SERIAL), [device("d-1")]), 5.0)
    intent = next(e for e in wanted if isinstance(e, fx.Record))
    request = next(e for e in wanted if isinstance(e, dx.CreateDevice))
    assert wanted.index(intent) < wanted.index(request)
    assert intent.data["known"] == ["d-0", "d-1"] == list(request.known)
    assert kinds(to_end(to_delivering(secret_key()))) == [INTENT, CLAIMED, SETTLED]


def test_no_secret_is_in_facts_steps_or_result():
    drive = to_end(to_delivering(secret_key()))
    said = repr(drive.facts) + repr(drive.job) + repr(drive.finish) + repr(drive.asked)
    assert KEY not in said
    assert PASSWORD not in said


# --- the cloud -------------------------------------------------------------------------------


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: error.code)
def test_a_refused_device_fails_the_job_and_leaves_nothing(error: MooringError):
    drive = to_making(secret_key()).fail(dx.CreateDevice, error).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, error.code)
    assert drive.open_claim is None


@pytest.mark.parametrize("error", LOST, ids=lambda error: error.code)
def test_after_a_lost_answer_our_device_is_found_and_used(error: MooringError):
    drive = to_making(secret_key(), device("old")).fail(dx.CreateDevice, error)
    drive.done(dx.FindDevices, [device("old"), device("new")])
    assert drive.waits_for(dx.SecretKey) == dx.SecretKey("new")


def test_after_a_lost_answer_no_device_of_another_name_or_board_is_taken():
    others = [device("a", name="attic"), device("b", serial="other"), device("c", serial=None)]
    drive = to_making(secret_key()).fail(dx.CreateDevice, DOWN).done(dx.FindDevices, others)
    drive.fire("again").done(dx.FindDevices, others)
    assert drive.open_claim is None
    assert drive.waits_for(fx.SettleLeftovers)


@pytest.mark.parametrize(
    ("created_at", "ours"),
    [
        (None, True),
        ("1970-01-12T13:46:40Z", True),
        ("1970-01-12T13:47:10+00:00", True),
        ("1970-01-12T13:00:00Z", False),
        ("2026-11-22T07:00:00Z", False),
        ("yesterday", True),
    ],
)
def test_a_device_that_was_made_at_another_time_is_somebody_elses(
    created_at: str | None, ours: bool
):
    drive = to_making(secret_key()).fail(dx.CreateDevice, DOWN)
    drive.done(dx.FindDevices, [device("new", created_at=created_at)])
    assert bool(drive.waits_for(dx.SecretKey)) is ours


def test_a_device_that_was_never_made_is_asked_for_once_more():
    drive = to_making(secret_key()).fail(dx.CreateDevice, DOWN)
    drive.done(dx.FindDevices, []).fire("again").done(dx.FindDevices, [])
    to_making(drive).fail(dx.CreateDevice, DOWN)
    drive.done(dx.FindDevices, []).fire("again").done(dx.FindDevices, []).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "cloud-unreachable")
    assert kinds(drive) == [INTENT, SETTLED] * 2
    assert drive.open_claim is None


def test_a_cloud_that_stays_away_leaves_the_device_open_and_says_how_to_find_it():
    drive = to_making(secret_key()).fail(dx.CreateDevice, DOWN)
    drive.fail(dx.FindDevices, DOWN).fire("again").fail(dx.FindDevices, DOWN)
    drive.fire("again").fail(dx.FindDevices, DOWN).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "cloud-device-left")
    assert drive.open_claim
    assert drive.finish
    assert drive.finish.error
    assert "kitchen-sensor" in drive.finish.error.remedy


def test_the_key_is_asked_for_again_before_the_device_is_given_up():
    drive = to_keying(secret_key())
    drive.fail(dx.SecretKey, DOWN).fire("again").fail(dx.SecretKey, DOWN).fire("again")
    drive.fail(dx.SecretKey, DOWN)
    assert drive.waits_for(dx.DeleteDevice) == dx.DeleteDevice(DEVICE_ID)
    drive.done(dx.DeleteDevice).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "cloud-unreachable")
    assert drive.open_claim is None


def test_both_errors_are_told_if_the_device_stays():
    drive = to_keying(secret_key()).fail(dx.SecretKey, REFUSALS[1])
    drive.fail(dx.DeleteDevice, InternalError(kind="KeyError")).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "cloud-device-left")
    assert drive.finish
    report = drive.finish.error
    assert report
    assert report.title == REFUSALS[1].report().title
    assert "KeyError" in report.meaning
    assert DEVICE_ID in report.remedy
    assert drive.open_claim
    assert drive.open_claim.claim == DEVICE_ID


def test_a_value_that_no_sketch_can_hold_deletes_the_device():
    drive = to_delivering(secret_key(network=WiFi(ssid="a\0b", password=Secret(PASSWORD))))
    drive.done(dx.DeleteDevice).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "input")
    assert drive.open_claim is None


# --- cancel, the end of the agent, a full disk -----------------------------------------------


def test_a_cancel_before_the_device_leaves_nothing():
    drive = secret_key().cancel().done(fx.CloseSession)
    assert (drive.state, drive.open_claim) == (JobState.CANCELLED, None)


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_cancel_while_the_device_is_made_waits_for_it_and_deletes_it(interrupted: bool):
    drive = to_making(secret_key()).cancel(interrupted=interrupted)
    drive.done(dx.CreateDevice, device()).done(dx.DeleteDevice).done(fx.CloseSession)
    assert drive.state is (JobState.INTERRUPTED if interrupted else JobState.CANCELLED)
    assert drive.open_claim is None


def test_a_cancel_while_the_key_is_fetched_deletes_the_device():
    drive = to_keying(secret_key()).cancel().done(dx.DeleteDevice).done(fx.CloseSession)
    assert (drive.state, drive.open_claim) == (JobState.CANCELLED, None)


def test_a_cancel_before_the_header_is_handed_over_deletes_the_device():
    drive = to_delivering(secret_key()).cancel().done(dx.DeleteDevice).done(fx.CloseSession)
    assert (drive.state, drive.open_claim) == (JobState.CANCELLED, None)


def test_a_cancel_after_it_was_handed_over_comes_too_late():
    drive = to_delivering(secret_key()).done(dx.Deliver).cancel()
    assert drive.done(fx.CloseSession).done(fx.CloseSession).state is JobState.DONE


def test_a_device_that_cannot_be_settled_in_the_journal_is_deleted():
    """The next start would delete it, and the person would rely on it."""
    drive = to_delivering(secret_key()).done(dx.Deliver)
    drive.fail(fx.CloseSession, NO_DISK).done(dx.DeleteDevice).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "journal")


# --- the next start --------------------------------------------------------------------------


def test_the_next_start_deletes_a_device_that_was_made():
    drive = to_keying(secret_key())
    assert drive.open_claim
    assert drive.open_claim.device
    again = Drive(recovery(drive.open_claim, "Arduino Cloud"))
    again.done(dx.DeleteDevice).done(fx.CloseSession)
    assert (again.state, again.error) == (JobState.FAILED, "interrupted")
    assert [fact.data["how"] for fact in again.facts] == ["undone"]


def test_the_next_start_looks_for_a_device_whose_answer_was_lost():
    drive = to_making(secret_key(), device("old"))
    assert drive.open_claim
    again = Drive(recovery(drive.open_claim, "Arduino Cloud"))
    assert again.waits_for(dx.FindDevices) == dx.FindDevices(SERIAL)
    again.done(dx.FindDevices, [device("old"), device("new")])
    assert again.waits_for(dx.DeleteDevice) == dx.DeleteDevice("new")
    assert kinds(again) == [CLAIMED]


def test_the_next_start_finds_that_there_was_no_device():
    drive = to_making(secret_key(), device("old"))
    assert drive.open_claim
    again = Drive(recovery(drive.open_claim, "Arduino Cloud"))
    again.done(dx.FindDevices, [device("old")]).fire("again").done(dx.FindDevices, [device("old")])
    again.done(fx.CloseSession)
    assert [fact.data["how"] for fact in again.facts] == ["none"]


def test_a_key_that_was_handed_over_is_known_to_be_lost_with_the_agent():
    facts = to_delivering(secret_key()).done(dx.Deliver).facts
    assert handed_over(facts) == DEVICE_ID
    assert device_result(facts) is None


def test_a_device_that_is_kept_gives_the_result_of_its_job():
    facts = [
        *to_keying(secret_key()).facts,
        Fact(kind=SETTLED, data={"how": "kept", "device_id": DEVICE_ID}, at=1.0),
        Fact(kind="flashed", data={"how": "written"}, at=2.0),
    ]
    assert device_result(facts) == {
        "device": "kitchen-sensor",
        "device_id": DEVICE_ID,
        "cloud": "arduino",
        "procedure": "secret-key",
        "files": [],
    }
    assert handed_over(facts) is None
