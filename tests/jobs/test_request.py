"""Requests and answers with a token: taken as it was pasted, and never told again."""

from __future__ import annotations

import pytest

from agent.errors import InputError
from agent.jobs.job import Action, Question
from agent.jobs.request import TOKEN_CHARS, parse_request, read_answer
from agent.settings import Secret

ASKED = {"kind": "provision", "board": "b", "cloud": "blynk"}
TOKEN = "marker-token-9f3c marker-token-9f"
QUESTION = Question(
    id=1,
    step="token",
    title="Token?",
    actions=[Action(id="token", label="Use it", needs="token"), Action(id="stop", label="Stop")],
)


def test_a_token_of_a_request_is_a_secret_from_the_beginning() -> None:
    for given in (TOKEN, Secret(TOKEN)):
        request = parse_request(ASKED | {"token": given})
        assert request.token == Secret(TOKEN)
        assert TOKEN not in repr(request)


@pytest.mark.parametrize("given", ["", "  ", 7, ["x"], "x" * (TOKEN_CHARS + 1)])
def test_what_is_no_token_is_refused_without_being_repeated(given: object) -> None:
    with pytest.raises(InputError) as caught:
        parse_request(ASKED | {"token": given})
    assert caught.value.facts["field"] == "token"
    assert "xx" not in str(caught.value.facts)


@pytest.mark.parametrize("field", ["token", "template"])
def test_other_jobs_have_no_token(field: str) -> None:
    with pytest.raises(InputError, match="is not used by configure"):
        parse_request({"kind": "configure", "board": "b", field: "TMPLdemo00000"})


def test_an_answer_carries_the_token_that_its_action_needs() -> None:
    for given in (TOKEN, Secret(TOKEN)):
        answered = read_answer({"action": "token", "token": given}, QUESTION, None)
        assert answered.token == Secret(TOKEN)
        assert TOKEN not in repr(answered)
    for wrong in ({}, {"token": None}, {"token": 7}, {"token": ""}):
        with pytest.raises(InputError, match="token"):
            read_answer({"action": "token", **wrong}, QUESTION, None)
    assert read_answer({"action": "stop"}, QUESTION, None).token is None
