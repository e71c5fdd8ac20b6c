"""What a foreign page may do, and that nothing is left open by oversight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.bridge.scopes import ALL, JOB_SCOPES, Scope, complete, ordered, parse_scopes
from agent.errors import InputError
from agent.jobs.job import JobKind

if TYPE_CHECKING:
    from tests.bridge.running import Bridge

OPEN_TO_EVERY_ALLOWED_PAGE = {
    "agent.info",
    "agent.subscribe",
    "clouds.list",
    "jobs.answer",
    "jobs.cancel",
    "jobs.file",
    "jobs.get",
    "jobs.list",
    "jobs.start",
    "jobs.subscribe",
    "models.list",
    "networks.check",
    "networks.schema",
    "sketches.list",
}
"""Catalogues, what the agent is, and jobs: for these the kind of the job decides."""


def test_every_kind_of_job_needs_something() -> None:
    assert set(JOB_SCOPES) == set(JobKind)
    assert all(JOB_SCOPES.values())
    assert JOB_SCOPES[JobKind.MIGRATE] == {Scope.FLASH, Scope.PROVISION}


@pytest.mark.system("linux", "darwin")
async def test_a_new_method_is_closed_to_pages_until_somebody_decides(bridge: Bridge) -> None:
    methods = bridge.server.dispatcher.methods
    free = {each.name for each in methods if not each.own and each.scope is None}
    assert free <= OPEN_TO_EVERY_ALLOWED_PAGE


def test_scopes_are_read_from_text() -> None:
    assert parse_scopes("boards", "wants") == {Scope.BOARDS}
    assert parse_scopes("serial, boards,serial", "wants") == {Scope.BOARDS, Scope.SERIAL}
    assert parse_scopes(",".join(Scope), "wants") == ALL


def test_each_scope_includes_seeing_boards_because_it_names_one() -> None:
    assert parse_scopes("flash", "wants") == {Scope.BOARDS, Scope.FLASH}
    assert complete([]) == {Scope.BOARDS}


@pytest.mark.parametrize("text", ["", ",", "boards,", "all", "Boards", "boards;serial", "a" * 9999])
def test_what_is_no_scope_is_refused_with_what_there_is(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_scopes(text, "wants")
    problem = str(caught.value.facts["problem"])
    assert caught.value.facts["field"] == "wants"
    assert "boards, serial, flash, provision" in problem
    assert len(problem) < 300


def test_scopes_are_shown_in_one_order() -> None:
    assert ordered([Scope.PROVISION, Scope.BOARDS, Scope.PROVISION]) == (
        Scope.BOARDS,
        Scope.PROVISION,
    )
