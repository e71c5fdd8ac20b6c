"""Answers of nRF Cloud: both shapes of bulk results, lists of pages, errors without a list of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.nrf import answers
from agent.protocols.nrf.answers import (
    BulkClaimed,
    BulkQueued,
    ClaimRefusal,
    Failure,
    NotAsDocumented,
    claim_refusal,
    parse_failure,
)
from agent.protocols.nrf.commands import Progress

DEVICE = {
    "id": "50360000-0000-4000-8000-0000000000a1",
    "deviceType": "nrf9151_LACA",
    "firmwareId": "1aff0000-0000-4000-8000-0000000000b2",
    "imei": "350000000000000",
    "ownerId": "o",
    "ownershipStatus": "IDENTIFIED",
    "tags": ["nrf-cloud-onboarding"],
    "status": "READY",
    "claimedAt": "2026-01-02T03:04:05.678Z",
}


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def test_a_claimed_device_is_read():
    device = answers.parse_claimed(encoded(DEVICE))
    assert device.id == DEVICE["id"]
    assert device.tags == ("nrf-cloud-onboarding",)
    assert (device.status, device.imei) == ("READY", "350000000000000")


@pytest.mark.parametrize("body", [{"items": [DEVICE]}, [DEVICE]])
def test_a_list_may_be_bare_or_under_items(body):
    devices, more = answers.parse_claimed_list(encoded(body))
    assert [device.id for device in devices] == [DEVICE["id"]]
    assert not more


def test_a_list_says_what_its_next_page_is_asked_for_with():
    body = {"items": [{"id": "1", "status": "PENDING"}], "pageNextToken": "n"}
    states, more = answers.parse_commands(encoded(body))
    assert more == "n"
    assert states[0].progress is Progress.WAITING


def test_a_command_tells_its_name_and_what_came_of_it():
    body = {"id": "1", "status": "SUCCEEDED", "request": {"finished": {}}, "response": {"a": 1}}
    state = answers.parse_command(encoded(body))
    assert (state.name, state.progress, state.response) == ("finished", Progress.DONE, {"a": 1})
    assert answers.parse_command(b'{"id":"1","status":"NEW"}').progress is Progress.FAILED


def test_rules_and_accounts_are_read():
    rules, _ = answers.parse_rules(encoded({"items": [{"name": "r", "tags": ["t"]}]}))
    assert (rules[0].name, rules[0].tags, rules[0].active) == ("r", ("t",), True)
    assert answers.parse_account(encoded({"team": {"name": "us"}})).name == "us"
    assert answers.parse_account(b'{"mqttEndpoint":"x"}').name == ""


@pytest.mark.parametrize(
    ("state", "last"),
    [
        ({"desired": {"command": [1, 7]}}, 7),
        ({"desired": {"command": [1]}}, 0),
        ({"desired": {"command": "x"}}, 0),
        ({"desired": {}}, 0),
        ({}, 0),
    ],
)
def test_the_last_command_of_a_shadow_is_read_where_there_is_one(state, last):
    body = encoded({"id": "d", "subType": "s", "state": state})
    assert answers.parse_record(body).last_command == last


def test_both_shapes_of_bulk_results_are_read():
    done = encoded({"claimedIds": ["a"], "failed": [{"row": 1}]})
    assert answers.parse_bulk(done) == BulkClaimed(("a",), ({"row": 1},))
    assert answers.parse_bulk(b'{"bulkOpsRequestId":"r"}') == BulkQueued("r")
    assert answers.parse_bulk(b'{"claimedIds":[]}') == BulkClaimed((), ())
    with pytest.raises(NotAsDocumented):
        answers.parse_bulk(b"{}")


def test_errors_of_a_file_are_told_by_row():
    said = ["[0]: first", "[12]:  second  ", "[0]: again", "no row", "[x]: none"]
    rows, others = answers.parse_bulk_errors(encoded({"errors": said}))
    assert rows == {0: "first; again", 12: "second"}
    assert others == ["no row", "[x]: none"]


def test_the_end_of_a_file_says_where_its_errors_are():
    status = answers.parse_bulk_status(b'{"status":"FAILED","errorSummaryUrl":"https://x/y"}')
    assert status.progress is Progress.FAILED
    assert status.errors_url == "https://x/y"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"message": "Not good"}, "Not good"),
        ({"message": "m", "errors": ["a", {"message": "b"}, 3]}, "m a b"),
        ({"errors": ["a"]}, "a"),
        ({"message": ["x"]}, ""),
        ([], ""),
    ],
)
def test_an_error_says_what_its_body_says(body, text):
    assert parse_failure(encoded(body)).text == text


@pytest.mark.parametrize(
    ("status", "text", "refusal"),
    [
        (404, "", ClaimRefusal.UNKNOWN_CHIP),
        (409, "", ClaimRefusal.MAYBE_OWNED),
        (400, "Device is already claimed", ClaimRefusal.MAYBE_OWNED),
        (422, "owned by another team", ClaimRefusal.MAYBE_OWNED),
        (400, "Invalid claim token", ClaimRefusal.TOKEN),
        (422, "", ClaimRefusal.TOKEN),
        (418, "", ClaimRefusal.OTHER),
    ],
)
def test_a_refused_claim_is_told_apart_by_status_and_where_it_must_by_text(status, text, refusal):
    assert claim_refusal(status, Failure(text)) is refusal


@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["items", "id", "errors", "message", "status"]), inner
            )
        ),
        max_leaves=6,
    ).map(encoded)
)
def test_any_answer_is_read_or_is_not_as_documented(body):
    for parse in (
        answers.parse_claimed,
        answers.parse_claimed_list,
        answers.parse_rules,
        answers.parse_command,
        answers.parse_commands,
        answers.parse_record,
        answers.parse_account,
        answers.parse_bulk,
        answers.parse_bulk_status,
        answers.parse_bulk_errors,
    ):
        try:
            parse(body)
        except NotAsDocumented:
            continue
    assert isinstance(parse_failure(body).text, str)
