"""What the agent's state means as a menu."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.boards.board import BoardState, Port
from agent.boards.pause import PauseState
from agent.desktop.tray.asking import ADDRESS_LIMIT
from agent.desktop.tray.item import (
    LABEL_LIMIT,
    CancelJob,
    ChooseBoard,
    GetUpdate,
    MenuItem,
    OpenPage,
    Quit,
    SetPause,
    StartAtLogin,
)
from agent.desktop.tray.menu import BOARDS_LIMIT, JOBS_LIMIT, View, build_menu, share_of
from agent.jobs.job import JobKind, JobState, Step, StepState
from agent.settings.notices import Update
from tests.desktop.tray.samples import Asks, board, job


def labels(menu: tuple[MenuItem, ...]) -> list[str]:
    return [item.label for item in menu if not item.separator]


def line(menu: tuple[MenuItem, ...], start: str) -> MenuItem:
    (found,) = [item for item in menu if item.label.startswith(start)]
    return found


def all_lines(menu: tuple[MenuItem, ...]) -> list[MenuItem]:
    return [each for item in menu for each in (item, *all_lines(item.children))]


def test_an_agent_without_boards_says_so_and_offers_the_page_and_the_end():
    menu = build_menu(View())
    assert labels(menu) == ["Open Mooring", "No board is plugged in", "Quit Mooring"]
    assert not line(menu, "No board").enabled
    assert line(menu, "Open").action == OpenPage()
    assert line(menu, "Quit").action == Quit()


def test_a_demo_says_what_it_is():
    assert labels(build_menu(View(title="Mooring Demo"))) == [
        "Open Mooring Demo",
        "No board is plugged in",
        "Quit Mooring Demo",
    ]


def test_each_board_has_a_line_with_its_state_and_can_be_chosen():
    menu = build_menu(View(boards=(board(1, name="kitchen"), board(2, name="cellar"))))
    assert line(menu, "kitchen").label == "kitchen – ready"
    assert line(menu, "cellar").action == ChooseBoard("uno_r4_wifi-2")
    assert {item.mark for item in menu if item.key.startswith("board:")} == {"radio"}
    assert not any(item.checked for item in menu)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"state": BoardState.BUSY, "holder": "the serial monitor"}, "in use"),
        ({"state": BoardState.BOOTLOADER}, "in its bootloader"),
        ({"state": BoardState.UNREACHABLE, "ports": [], "via": None}, "not connected now"),
        ({"via": "ble"}, "in the air"),
    ],
)
def test_a_board_that_is_not_just_ready_says_what_it_is(facts, words):
    menu = build_menu(View(boards=(board(name="kitchen", **facts),)))
    assert line(menu, "kitchen").label == f"kitchen – {words}"


def test_every_state_and_every_kind_of_job_has_words():
    for state in BoardState:
        build_menu(View(boards=(board(state=state),)))
    for kind in JobKind:
        menu = build_menu(View(boards=(board(),), jobs=(job(kind=kind),)))
        assert line(menu, "Arduino").label.endswith("38%")


def test_boards_of_one_name_are_told_apart_by_their_ports():
    addresses = ["/dev/ttyACM1", "/dev/cu.usbmodem14", "COM7", "/media/me/UNO", "/dev/pts/3"]
    boards = [
        board(number, ports=[Port(kind="serial", address=address)])
        for number, address in enumerate(addresses)
    ]
    gone = board(9, id="uno_r4_wifi-F412FA65", ports=[], state=BoardState.UNREACHABLE)
    menu = build_menu(View(boards=(*boards, gone)))
    told = [label.split(" – ")[1] for label in labels(menu) if label.startswith("Arduino")]
    assert told == ["ttyACM1", "cu.usbmodem14", "COM7", "UNO", "pts/3", "F412FA65"]


def test_the_mark_is_at_the_chosen_board_and_the_page_opens_there():
    menu = build_menu(View(boards=(board(1), board(2)), chosen="uno_r4_wifi-2"))
    assert [item.checked for item in menu if item.mark == "radio"] == [False, True]
    assert line(menu, "Open").action == OpenPage(("board", "uno_r4_wifi-2"))


def test_the_page_opens_at_the_list_while_the_chosen_board_is_gone():
    menu = build_menu(View(boards=(board(1),), chosen="uno_r4_wifi-2"))
    assert line(menu, "Open").action == OpenPage()


def test_a_running_job_shows_how_far_it_is_and_can_be_cancelled():
    menu = build_menu(View(boards=(board(name="kitchen"),), jobs=(job(),)))
    assert line(menu, "kitchen").label == "kitchen – being set up 38%"
    running = line(menu, "Setting up")
    assert running.label == "Setting up sensor-1 – 38%"
    assert labels(running.children) == ["Claim it in the cloud", "Show on the Page", "Cancel"]
    assert not running.children[0].enabled
    assert line(running.children, "Show").action == OpenPage(("job", "1"))
    assert line(running.children, "Cancel").action == CancelJob("1")


def test_a_job_that_asks_says_what_and_leads_to_its_question():
    menu = build_menu(View(boards=(board(name="kitchen"),), jobs=(job(state=JobState.ASKING),)))
    assert line(menu, "kitchen").label == "kitchen – needs you"
    asking = line(menu, "Setting up")
    assert asking.label == "Setting up sensor-1 – needs you"
    assert labels(asking.children)[:2] == ["The password of HomeNet is wrong", "Answer on the Page"]
    assert line(asking.children, "Answer").action == OpenPage(("job", "1"))


def test_a_job_that_did_not_work_out_leads_to_its_reason():
    menu = build_menu(View(failed=(job(state=JobState.FAILED),)))
    assert line(menu, "Setting up").label == "Setting up sensor-1 – did not work"
    assert line(menu, "Setting up").action == OpenPage(("job", "1"))


def test_problems_of_the_agent_itself_stand_at_the_top():
    assert labels(build_menu(View(problems=("The journal cannot be written.",))))[:2] == [
        "Open Mooring",
        "The journal cannot be written.",
    ]


def test_a_newer_version_has_a_line_below_the_problems():
    newer = Update(version="1.2", url="https://example.com")
    menu = build_menu(View(problems=("x",), update=newer))
    assert labels(menu)[:3] == ["Open Mooring", "x", "Mooring 1.2 is there"]
    assert line(menu, "Mooring").action == GetUpdate()


def test_pages_that_ask_have_a_section_of_their_own():
    menu = build_menu(View(asking=(Asks(), Asks("q2", "https://b.example"))))
    assert labels(menu)[:3] == [
        "Open Mooring",
        "https://app.example.com asks",
        "https://b.example asks",
    ]


def test_a_pause_is_offered_undone_while_jobs_run_and_ended():
    assert "Pause" not in labels(build_menu(View()))
    off = line(build_menu(View(pause=PauseState(on=False))), "Pause")
    assert (off.mark, off.action) == (None, SetPause(on=True))
    one = line(build_menu(View(pause=PauseState(on=True, waiting=1))), "Pausing")
    assert (one.label, one.mark, one.checked) == ("Pausing after 1 job", "check", True)
    assert one.action == SetPause(on=False)
    two = labels(build_menu(View(pause=PauseState(on=True, waiting=2))))
    assert "Pausing after 2 jobs" in two
    paused = build_menu(View(boards=(board(name="kitchen"),), pause=PauseState(on=True)))
    assert line(paused, "Resume").action == SetPause(on=False)
    assert line(paused, "kitchen").label == "kitchen – not used now"
    states = (PauseState(on=False), PauseState(on=True, waiting=1), PauseState(on=True))
    keys = {item.key for state in states for item in build_menu(View(pause=state))}
    assert {"pause", "pausing", "resume"} <= keys


def test_the_end_is_asked_about_while_jobs_run():
    one = line(build_menu(View(jobs=(job(),))), "Quit")
    assert one.action is None
    assert labels(one.children) == ["A job is running and would be stopped", "Quit All the Same"]
    assert not one.children[0].enabled
    assert one.children[1].action == Quit(agreed=True)
    two = line(build_menu(View(jobs=(job(1), job(2)))), "Quit")
    assert two.children[0].label == "2 jobs are running and would be stopped"


def test_start_at_login_is_offered_only_where_it_can_be_said():
    assert "Start at Login" not in labels(build_menu(View()))
    off = line(build_menu(View(at_login=False)), "Start at Login")
    assert (off.mark, off.checked, off.action) == ("check", False, StartAtLogin(on=True))
    on = line(build_menu(View(at_login=True)), "Start at Login")
    assert (on.checked, on.action) == (True, StartAtLogin(on=False))


def test_many_boards_and_jobs_are_cut_and_counted():
    boards = tuple(board(number) for number in range(BOARDS_LIMIT + 30))
    jobs = tuple(job(number) for number in range(JOBS_LIMIT + 2))
    menu = build_menu(View(boards=boards, jobs=jobs))
    assert line(menu, "30 more on the Page").action == OpenPage()
    assert line(menu, "2 more on the Page").enabled
    assert len(menu) < 30


def test_no_two_sections_without_a_line_and_no_line_without_sections():
    view = View(
        boards=(board(),),
        jobs=(job(),),
        at_login=True,
        problems=("x",),
        asking=(Asks(),),
        pause=PauseState(on=False),
    )
    for menu in (build_menu(View()), build_menu(view)):
        shape = [item.separator for item in menu]
        assert not shape[0]
        assert not shape[-1]
        assert (True, True) not in itertools.pairwise(shape)


def test_how_far_a_job_is():
    assert share_of(job(steps=[])) is None
    assert share_of(job(steps=[Step(id="read", name="Read")])) is None
    assert share_of(job()) == pytest.approx(1.5 / 4)
    writing = Step(id="write", name="Write", state=StepState.RUNNING, progress=0.25)
    skipped = Step(id="read", name="Read", state=StepState.SKIPPED)
    assert share_of(job(steps=[skipped, writing])) == pytest.approx(0.25)


@given(
    name=st.text(max_size=300),
    title=st.text(max_size=300),
    url=st.text(max_size=400),
    chosen=st.sampled_from([None, "uno_r4_wifi-1", "other"]),
    state=st.sampled_from([JobState.RUNNING, JobState.ASKING]),
)
def test_whatever_boards_jobs_and_pages_are_called_the_menu_is_sound(
    name, title, url, chosen, state
):
    running = job(1, state, title=title)
    view = View(
        boards=(board(1, name=name), board(2, name=name)),
        jobs=(running,),
        failed=(job(2, JobState.FAILED, title=title),),
        chosen=chosen,
        problems=(title or "x",),
        at_login=True,
        asking=(Asks("1", url), Asks("2", url, wants=(name,), has=(title,))),
        update=Update(version=title, url=url),
    )
    lines = all_lines(build_menu(view))
    assert len({item.key for item in lines}) == len(lines)
    for item in lines:
        # What a page wants is told in whole, as lines below its own.
        told = item.key.startswith("ask:") and item.action is None and not item.children
        assert len(item.label) <= (ADDRESS_LIMIT if told else LABEL_LIMIT)
        assert item.label.isprintable()
        assert not (item.action and item.children)
    # A state is never cut off by a long name.
    (first,) = [item for item in lines if item.key == "board:uno_r4_wifi-1"]
    assert "needs you" in first.label or "38%" in first.label
