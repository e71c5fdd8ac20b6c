"""How a request is refused: code and words are those of the reference server."""

from __future__ import annotations

import json

import pytest

from agent.protocols.engineio.effects import Problem, refuse


@pytest.mark.parametrize(
    ("problem", "code", "message", "status"),
    [
        (Problem.TRANSPORT, 0, "Transport unknown", 400),
        (Problem.SID, 1, "Session ID unknown", 400),
        (Problem.METHOD, 2, "Bad handshake method", 400),
        (Problem.REQUEST, 3, "Bad request", 400),
        (Problem.VERSION, 5, "Unsupported protocol version", 400),
        (Problem.TOO_LARGE, 3, "Body too large", 413),
        (Problem.FULL, 3, "Too many sessions", 503),
    ],
)
def test_a_refusal_has_status_code_and_words(problem, code, message, status):
    answer = refuse(7, problem)
    assert (answer.wire, answer.status, answer.media_type) == (7, status, "application/json")
    assert json.loads(answer.body) == {"code": code, "message": message}
