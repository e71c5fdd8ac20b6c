"""What the page says about jobs, procedures, fates and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import pytest

from agent.jobs.fates import Fate, fates_of
from agent.jobs.which import Procedure

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]


async def call(page: Page, module: str, name: str, *args: object) -> Any:
    script = "async ([module, name, args]) => (await import(`/lib/${module}.js`))[name](...args)"
    return await page.evaluate(script, [module, name, list(args)])


def job(kind: str = "flash", **states: str) -> dict[str, Any]:
    """A job with these steps, in their order."""
    steps = [{"id": name, "name": name, "state": state} for name, state in states.items()]
    return {"kind": kind, "steps": steps, "state": "running", "title": "", "board": "b"}


WAITING = {"enter": "pending", "write": "pending", "restart": "pending"}
ENTERING = {"enter": "running", "write": "pending", "restart": "pending"}
STRANDED = {"enter": "done", "write": "failed", "restart": "pending"}
WRITTEN = {"enter": "done", "write": "done", "restart": "running"}


@pytest.mark.parametrize(
    ("states", "stage"),
    [(WAITING, "before"), (ENTERING, "without"), (STRANDED, "without"), (WRITTEN, "after")],
)
async def test_a_job_that_writes_knows_which_sketch_is_on_the_board(
    modules: Page, states: dict[str, str], stage: str
) -> None:
    assert await call(modules, "jobwords", "stageOf", job(**states)) == stage


async def test_other_jobs_have_no_such_stage(modules: Page) -> None:
    assert await call(modules, "jobwords", "stageOf", job("provision", read="running")) is None
    assert await call(modules, "jobwords", "cancelMeaning", job("provision", read="done")) == ""


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (WAITING, "the board keeps its sketch"),
        (ENTERING, "The old sketch is gone"),
        (WRITTEN, "The new sketch is on the board"),
    ],
)
async def test_what_cancelling_means_depends_on_the_sketch(
    modules: Page, states: dict[str, str], words: str
) -> None:
    assert words in await call(modules, "jobwords", "cancelMeaning", job(**states))
    assert (await call(modules, "jobwords", "cancelled", job(**states))).startswith("Cancelled.")


async def test_while_a_sketch_is_written_the_share_is_that_of_writing(modules: Page) -> None:
    writing = job(fetch="done", enter="done", write="running", restart="pending")
    writing["steps"][2]["progress"] = 0.25
    assert await call(modules, "jobwords", "shareOf", writing) == 0.25
    starting = job(fetch="done", enter="done", write="done", restart="running")
    assert await call(modules, "jobwords", "shareOf", starting) == 0.75


async def test_every_procedure_has_words_of_its_own(modules: Page) -> None:
    for procedure in set(get_args(Procedure)) - {"unsupported"}:
        way = await call(modules, "procedures", "wayOf", procedure)
        assert procedure not in way.values()
        assert all(way.values())


async def test_ways_that_are_the_same_for_a_person_are_offered_once(modules: Page) -> None:
    decision = {"procedure": "migrate", "possible": ["flash-then-2.0", "provision-1.0"]}
    ways = await call(modules, "procedures", "waysFor", decision)
    assert [way["id"] for way in ways] == ["migrate", "provision-1.0", "prepare"]
    ways = await call(modules, "procedures", "waysFor", {"procedure": "secret-key"})
    assert [way["id"] for way in ways] == ["secret-key"]


@pytest.mark.parametrize("procedure", sorted(set(get_args(Procedure)) - {"unsupported"}))
async def test_every_thing_that_has_a_fate_has_a_picture(modules: Page, procedure: str) -> None:
    fates: tuple[Fate, ...] = fates_of(procedure)
    pictures = [await call(modules, "fates", "pictureOf", fate.what) for fate in fates]
    assert "other" not in pictures
    drawn = await modules.evaluate("fetch('/drawings.svg').then((answer) => answer.text())")
    assert [name for name in pictures if f'id="thing-{name}"' not in drawn] == []


@pytest.mark.parametrize(
    ("name", "size", "code"),
    [
        ("blink.bin", 1, None),
        ("Blink.ELF", 12_345, None),
        ("blink.uf2", 16 * 1024 * 1024, None),
        ("blink.ino", 10, "file-type"),
        ("blink", 10, "file-type"),
        ("blink.bin", 0, "file-empty"),
        ("blink.bin", 16 * 1024 * 1024 + 1, "file-large"),
    ],
)
async def test_a_file_that_cannot_be_a_sketch_is_known_by_name_and_size(
    modules: Page, name: str, size: int, code: str | None
) -> None:
    problem = await call(modules, "sketchfile", "problemOf", name, size)
    assert (problem and problem["code"]) == code


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("Arduino MKR WiFi 1010", True),
        ("mkr wifi  1010 ", True),
        ("MKR WiFi", False),
        ("Arduino", False),
        ("", False),
    ],
)
async def test_a_model_is_named_with_or_without_its_maker(
    modules: Page, typed: str, right: bool
) -> None:
    assert await call(modules, "sketchfile", "namesModel", typed, "Arduino MKR WiFi 1010") is right


async def test_a_usual_name_is_one_that_is_not_taken(modules: Page) -> None:
    board = {"id": "x", "ports": [{"serial_number": "A1B2-C3D4"}]}
    model = {"name": "Arduino MKR WiFi 1010"}
    taken = ["mkr-wifi-1010-c3d4", "mkr-wifi-1010-c3d4-2"]
    assert await call(modules, "names", "usualName", board, model) == "mkr-wifi-1010-c3d4"
    assert await call(modules, "names", "usualName", board, model, taken) == "mkr-wifi-1010-c3d4-3"
