"""Lines that are commands, and lines that are none."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from agent.errors import InputError
from agent.simulator.commands import LINE_BYTES, answer_line


class Command(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    id: Any = None
    word: str = ""


async def echo(command: Command) -> dict[str, Any]:
    if not command.word:
        raise InputError(field="word", problem="is empty")
    return {"said": command.word}


async def answer(line: bytes) -> dict[str, Any]:
    return await answer_line(line, Command, echo)


async def test_an_answer_has_the_id_of_its_command_if_it_had_one():
    assert await answer(b'{"word": "a"}') == {"ok": True, "said": "a"}
    assert await answer(b'{"id": [1], "word": "a"}') == {"id": [1], "ok": True, "said": "a"}
    refused = await answer(b'{"id": 2}')
    assert refused["id"] == 2
    assert refused["error"]["facts"] == {"field": "word", "problem": "is empty"}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"other": 1}',
        b'{"word": 1}',
        b"[" * 100_000,
        b'{"word": "%s"}' % (b"x" * LINE_BYTES),
    ],
    ids=["empty", "cut", "array", "bytes", "unknown", "type", "deep", "long"],
)
async def test_what_is_no_command_is_an_error(line):
    told = await answer(line)
    assert set(told) == {"error"}
    assert told["error"]["facts"]["field"] == "command"
    assert len(json.dumps(told)) < 2000
