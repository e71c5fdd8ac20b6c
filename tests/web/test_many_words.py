"""Names for many boards, and what jobs that were begun together are at, in words."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pytest

from agent.jobs.batch_row import check_pattern, numbered

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]


async def call(page: Page, module: str, name: str, *args: object) -> Any:
    script = "async ([module, name, args]) => (await import(`/lib/${module}.js`))[name](...args)"
    return await page.evaluate(script, [module, name, list(args)])


def board(number: int, **fields: Any) -> dict[str, Any]:
    port = {"kind": "serial", "address": f"/dev/ttyACM{number}", "serial_number": f"A{number}"}
    return {"id": f"b{number}", "model": "esp32", "ports": [port]} | fields


def job(number: int, state: str = "running", **fields: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "id": f"{number}",
        "kind": "provision",
        "board": f"b{number}",
        "state": state,
        "created_at": 100,
        "steps": [],
        "request": {"cloud": "thingsboard", "group": "g1"},
    }
    return usual | fields


PATTERNS = ["", "a", "a-{n}", "{n:4}", "{n:04}", "{n:0}", "{n:12}", "{x}", "{", "}", "{n", "{{n}}"]


@pytest.mark.parametrize("pattern", [*PATTERNS, "{model} {serial_number}", "{hardware_id}"])
async def test_the_page_takes_the_patterns_that_a_list_takes(modules: Page, pattern: str) -> None:
    problem = await call(modules, "many", "patternProblem", pattern, [board(1)])
    assert bool(problem) == bool(check_pattern(pattern))
    if not problem and pattern != "{model} {serial_number}":
        assert await call(modules, "many", "nameFor", pattern, board(7), 7) == numbered(pattern, 7)


@pytest.mark.parametrize(
    ("pattern", "boards", "problem"),
    [
        ("", [board(1), board(2)], ""),
        ("a", [board(1)], ""),
        ("a", [board(1), board(2)], "the same for several boards"),
        ("{model}", [board(1), board(2)], "the same for several boards"),
        ("a-{hardware_id}", [board(1), board(2)], ""),
        ("{serial_number}", [board(1), board(2)], ""),
        ("{serial_number}", [board(1), board(2, ports=[])], "one of the boards does not tell"),
        ("{model}{n}", [board(1, model=None), board(2, model=None)], "2 of the boards do not"),
    ],
)
async def test_names_that_cannot_be_made_are_told_before(
    modules: Page, pattern: str, boards: list[dict[str, Any]], problem: str
) -> None:
    told = await call(modules, "many", "patternProblem", pattern, boards)
    assert problem in told
    assert bool(told) == bool(problem)


async def test_a_name_is_shown_as_far_as_it_is_known(modules: Page) -> None:
    for pattern, shown in (
        ("", "esp32-…"),
        ("x-{n:02}", "x-03"),
        ("{serial_number}-{hardware_id}", "A1-…"),
    ):
        assert await call(modules, "many", "previewOf", pattern, board(1), 3) == shown
    assert await call(modules, "many", "previewOf", "", board(1, model=None), 3) == ""


async def test_a_group_has_the_newest_job_of_each_board_in_the_place_of_the_first(
    modules: Page,
) -> None:
    jobs = [
        job(10, board="b1", created_at=200),
        job(1, "failed"),
        job(9),
        job(2),
        job(3, request={"group": "g2"}, created_at=300),
        job(4, request={}),
    ]
    found = await call(modules, "wall", "jobsOf", jobs, "g1")
    assert [each["id"] for each in found] == ["10", "2", "9"]
    assert await call(modules, "wall", "groupsOf", jobs) == ["g2", "g1"]


async def test_how_far_they_are_is_one_sentence(modules: Page) -> None:
    states = ["done", "done", "asking", "failed", "interrupted", "cancelled", "running"]
    seen = {"connected": "board"}
    jobs = [job(n, state, result=seen) for n, state in enumerate(states)]
    counts = await call(modules, "wall", "tally", jobs)
    told = "2 of 7 done · 1 needs you · 2 failed · 1 stopped · 1 under way"
    assert await call(modules, "wall", "tallyWords", counts) == told
    assert counts["share"] == pytest.approx(5 / 7)
    jobs[0]["result"] = {"connected": None}
    counts = await call(modules, "wall", "tally", jobs)
    told = await call(modules, "wall", "tallyWords", counts)
    assert told.startswith("2 of 7 done, 1 not seen connected yet · ")


@pytest.mark.parametrize(
    ("texts", "shared"),
    [
        (["The same."], "The same."),
        (["The same.", "The same."], "The same."),
        (["It has a-1 already.", "It has a-2 already."], "It has … already."),
        (["a a", "a"], "a …"),
        (["", "a"], "…"),
    ],
)
async def test_what_sentences_have_in_common_stays(
    modules: Page, texts: list[str], shared: str
) -> None:
    assert await call(modules, "wall", "shared", texts) == shared


async def test_a_table_is_no_program_for_a_spreadsheet(modules: Page) -> None:
    name = '=cmd|"x",\n'
    done = job(1, "done", result={"device": name, "link": "javascript:alert(1)"})
    script = """async (jobs) => (await import("/lib/wall.js")).tableOf(
      jobs, () => ({ name: "@x", socket: "1-2.3" }))"""
    text = await modules.evaluate(script, [done])
    (row,) = csv.DictReader(text.splitlines(keepends=True))
    assert (row["device"], row["board"], row["link"]) == (f"'{name}", "'@x", "")
