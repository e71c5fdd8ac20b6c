"""Pages that ask: who, for what, and what can be answered."""

from __future__ import annotations

from agent.desktop.tray.asking import PAGE_LIMIT, ask_line, page_of, wants_of
from agent.desktop.tray.item import LABEL_LIMIT, AnswerPage, OpenPage
from tests.desktop.tray.samples import Asks

LONG = "https://www.mybank.example.login.confirm.account.secure.evil.example"


def test_a_question_says_what_the_page_wants_and_has_three_answers():
    asks = ask_line(Asks(wants=("serial", "flash"), has=("boards",)))
    assert asks.label == "https://app.example.com asks"
    assert [child.label for child in asks.children] == [
        "It wants to use their serial ports",
        "It wants to replace their programs",
        "It may see your boards already",
        "",
        "Show on the Page",
        "Allow Always",
        "Only This Time",
        "No",
    ]
    assert not any(child.enabled for child in asks.children[:4])
    assert [child.action for child in asks.children[4:]] == [
        OpenPage(),
        AnswerPage("q1", "always"),
        AnswerPage("q1", "once"),
        AnswerPage("q1", "no"),
    ]


def test_each_scope_has_words_and_one_of_a_newer_agent_keeps_its_name():
    assert wants_of(Asks(wants=("boards", "serial", "flash", "provision"))) == (
        "see your boards, use their serial ports, replace their programs and set them up"
    )
    assert wants_of(Asks(wants=("boards",))) == "see your boards"
    assert wants_of(Asks(wants=("fly",))) == "fly"
    assert wants_of(Asks(wants=())) == "use the agent"


def test_of_a_long_address_the_end_is_shown_and_the_whole_stands_below():
    asks = ask_line(Asks(url=LONG))
    assert asks.label.startswith("…")
    assert asks.label.endswith("account.secure.evil.example asks")
    assert len(asks.label) <= LABEL_LIMIT
    assert asks.children[0].label == LONG
    assert len(page_of(LONG)) == PAGE_LIMIT
    assert page_of("https://a.example") == "https://a.example"


def test_no_sign_of_an_address_turns_the_line_around():
    assert "\u202e" not in ask_line(Asks(url="https://a\u202eb.example")).label
