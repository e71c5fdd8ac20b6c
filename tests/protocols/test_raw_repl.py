"""The raw REPL without a board: what the machine writes, waits for and gives up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols import raw_repl
from agent.protocols.raw_repl import Ended, Entered, Failed, RawRepl, Reason, Restarted
from agent.simulator.repl_disk import Disk
from agent.simulator.repl_firmware import ReplConfig, ReplFirmware

NONCE = b"n0nce"
PROMPT = b"\r\n>>> "
RAW = b"raw REPL; CTRL-B to exit\r\n>"
SOUND = b"OKn0nce0\r\n\x04\x04>"


class Desk:
    """A machine, its clock, and what it wrote."""

    def __init__(self) -> None:
        self.machine = RawRepl()
        self.now = 0.0
        self.written: list[bytes] = []

    def outcome(self) -> raw_repl.Outcome | None:
        return self.machine.outcome

    def hear(self, *parts: bytes) -> None:
        for part in parts:
            self.machine.receive(part, self.now)
            self.written += self.machine.take_writes()

    def wait(self) -> None:
        """Until it does something by itself."""
        assert self.machine.next_deadline is not None
        self.now = self.machine.next_deadline
        self.machine.tick(self.now)
        self.written += self.machine.take_writes()

    def enter(self, limit_s: float = 5.0) -> None:
        self.machine.enter(NONCE, self.now, limit_s)
        self.written += self.machine.take_writes()

    def entered(self) -> Desk:
        self.enter()
        self.hear(PROMPT, PROMPT, RAW, SOUND)
        assert self.machine.outcome == Entered()
        self.written.clear()
        return self

    def run(self, code: bytes = b"print(1)", limit_s: float = 5.0) -> None:
        self.machine.run(code, self.now, limit_s)
        self.written += self.machine.take_writes()

    def until_outcome(self) -> raw_repl.Outcome:
        while self.machine.outcome is None:
            self.wait()
        return self.machine.outcome


def test_a_board_at_its_prompt_is_interrupted_and_asked_for_a_word_nobody_knows():
    desk = Desk()
    desk.enter()
    desk.hear(PROMPT, PROMPT, RAW)
    assert desk.written == [b"\r\x03", b"\r\x03", b"\r\x01", b"print('n0nce0')\x04"]
    desk.hear(SOUND)
    assert desk.outcome() == Entered()
    assert desk.machine.next_deadline is None


def test_a_board_that_is_in_raw_mode_already_says_nothing_and_is_entered():
    desk = Desk()
    desk.enter()
    desk.wait()
    desk.wait()
    desk.hear(RAW, SOUND)
    assert desk.outcome() == Entered()


def test_a_prompt_that_only_echoes_is_not_raw_mode():
    desk = Desk()
    desk.enter(limit_s=1)
    desk.hear(PROMPT, PROMPT, RAW, b"print('n0nce0')\r\n>>> ")
    assert isinstance(desk.until_outcome(), Failed)


def test_answers_to_what_was_sent_in_vain_before_are_skipped():
    desk = Desk()
    desk.enter(limit_s=30)
    for _ in range(3):  # nothing comes: interrupt, interrupt, banner
        desk.wait()
    assert desk.written.count(b"\r\x01") == 1
    desk.hear(PROMPT, PROMPT, RAW + RAW + RAW, b"OKn0nce1\r\n\x04\x04>")
    assert desk.outcome() == Entered()
    desk.run()
    desk.hear(b"R\x01\x80\x00\x01", b"\x04", b"1\r\n\x04\x04>")
    assert desk.outcome() == Ended(b"1\r\n", b"")


def test_what_is_no_python_is_given_up_after_the_limit_with_its_last_words():
    desk = Desk()
    desk.enter(limit_s=4)
    desk.hear(b"x" * 1000 + b"AT+ERROR")
    outcome = desk.until_outcome()
    assert isinstance(outcome, Failed)
    assert outcome.reason is Reason.NO_PROMPT
    assert outcome.heard.endswith(b"AT+ERROR")
    assert len(outcome.heard) <= raw_repl.HEARD_BYTES
    assert 4 <= desk.now <= 7


def test_a_program_is_handed_over_no_faster_than_the_board_takes_it():
    desk = Desk().entered()
    code = b"#" * 300
    desk.run(code)
    assert desk.written == [b"\x05A\x01"]
    desk.hear(b"R\x01\x80\x00\x01")
    assert desk.written[1:] == [code[:256]]
    desk.hear(b"\x01")
    assert desk.written[2:] == [code[256:], b"\x04"]
    desk.hear(b"\x01\x04out", b"put\x04Trace", b"back\x04>")
    assert desk.outcome() == Ended(b"output", b"Traceback")


def test_a_board_that_has_read_enough_is_told_that_nothing_more_comes():
    desk = Desk().entered()
    desk.run(b"(" * 500)
    desk.hear(b"R\x01\x80\x00\x01", b"\x04")
    assert desk.written[-1] == b"\x04"
    desk.hear(b"\x04SyntaxError\x04>")
    assert desk.outcome() == Ended(b"", b"SyntaxError")


def test_firmware_without_raw_paste_gets_pieces_slowly_and_is_not_asked_again():
    desk = Desk().entered()
    desk.run(b"#" * 600)
    desk.hear(RAW)
    assert desk.written[1:] == [b"#" * 256]
    began = desk.now
    for _ in range(3):
        desk.wait()
    assert desk.written[1:] == [b"#" * 256, b"#" * 256, b"#" * 88, b"\x04"]
    assert desk.now - began == pytest.approx(3 * raw_repl.PIECE_S)
    desk.hear(b"OK\x04\x04>")
    assert desk.outcome() == Ended(b"", b"")
    desk.written.clear()
    desk.run(b"1")
    assert desk.written == [b"1"]


def test_firmware_that_knows_the_question_and_says_no_is_typed_to():
    desk = Desk().entered()
    desk.run(b"1")
    desk.hear(b"R\x00>")
    desk.wait()
    desk.hear(b"OK2\x04\x04>")
    assert desk.outcome() == Ended(b"2", b"")


def test_a_program_that_falls_silent_is_interrupted():
    desk = Desk().entered()
    desk.run(b"1", limit_s=2)
    desk.hear(b"R\x01\x80\x00\x01\x04", b"half of it")
    desk.wait()
    assert desk.now == 2
    assert desk.written[-1] == b"\x03"
    desk.hear(b"\x04KeyboardInterrupt\x04>")
    outcome = desk.outcome()
    assert isinstance(outcome, Failed)
    assert outcome.reason is Reason.SILENT


def test_a_program_that_goes_on_writing_has_more_time_and_no_more_than_its_bytes():
    desk = Desk().entered()
    desk.run(b"1", limit_s=2)
    desk.hear(b"R\x01\x80\x00\x01\x04")
    for _ in range(raw_repl.OUTPUT_BYTES // 65536 + 1):
        desk.now += 1.5
        desk.hear(b"x" * 65536)
    assert desk.written[-1] == b"\x03"
    outcome = desk.until_outcome()
    assert isinstance(outcome, Failed)
    assert outcome.reason is Reason.TOO_MUCH


@pytest.mark.parametrize("cut", [b"", b"R", b"R\x01", b"R\x01\x80\x00\x01", RAW])
def test_a_board_that_stops_answering_anywhere_is_silent(cut):
    desk = Desk().entered()
    desk.run(b"1" * 300)
    desk.hear(cut)
    outcome = desk.until_outcome()
    assert isinstance(outcome, Failed)
    assert outcome.reason is Reason.SILENT


def test_a_window_of_nothing_ends_the_run():
    desk = Desk().entered()
    desk.run(b"1")
    desk.hear(b"R\x01\x00\x00\x01")
    assert isinstance(desk.until_outcome(), Failed)


def test_the_boards_own_program_is_started_by_a_soft_reset_outside_raw_mode():
    desk = Desk().entered()
    desk.machine.restart(desk.now)
    desk.written += desk.machine.take_writes()
    desk.hear(b"\r\nMicroPython v1.26\r\n>>> ")
    assert desk.written == [b"\r\x03\x02", b"\x04"]
    desk.hear(b"\r\nMPY: soft reboot\r\nhello")
    assert desk.outcome() == Restarted(seen=True)
    assert desk.machine.take_rest() == b"\r\nhello"


def test_a_soft_reset_that_nobody_confirms_has_an_end():
    desk = Desk().entered()
    desk.machine.restart(desk.now)
    assert desk.until_outcome() == Restarted(seen=False)


def test_what_is_not_printable_ascii_is_no_program():
    with pytest.raises(ValueError, match="printable"):
        Desk().entered().run(b"print('\x04')")
    with pytest.raises(ValueError, match="nonce"):
        RawRepl().enter(b"a'b", 0, 1)


def test_two_runs_at_once_are_a_defect_and_one_that_was_given_up_is_none():
    desk = Desk()
    desk.enter()
    with pytest.raises(RuntimeError):
        desk.enter()
    desk.machine.abandon()
    desk.machine.receive(b"x", 0)
    assert desk.outcome() is None
    desk.entered()


@given(st.data())
def test_any_split_of_what_comes_gives_the_same(data):
    desk = Desk().entered()
    desk.run(b"#" * 250)
    # 250 characters are seven windows of 32; the board begins with room for two.
    for answer in (b"R\x01\x20\x00\x01" + b"\x01" * 6, b"\x01\x04out\r\n\x04err\r\n\x04>"):
        place = 0
        while place < len(answer):
            size = data.draw(st.integers(1, len(answer) - place))
            desk.hear(answer[place : place + size])
            place += size
    assert desk.outcome() == Ended(b"out\r\n", b"err\r\n")
    assert b"".join(desk.written) == b"\x05A\x01" + b"#" * 250 + b"\x04"


@given(st.lists(st.binary(max_size=40), max_size=30), st.booleans())
def test_no_noise_makes_the_machine_raise_or_wait_for_ever(noise, run):
    desk = Desk()
    if run:
        desk.entered().run(b"1" * 200)
    else:
        desk.enter()
    for part in noise:
        if desk.outcome() is None:
            desk.hear(part)
    desk.until_outcome()
    assert desk.now < 60


@given(
    words=st.text("abcXYZ 019", max_size=600),
    paste=st.booleans(),
    pieces=st.integers(1, 7),
)
def test_any_program_reaches_the_firmware_whole_and_its_answer_comes_back(words, paste, pieces):
    out: list[bytes] = []
    firmware = ReplFirmware(ReplConfig(paste=paste), Disk(fat=False, room=4096), out.append)
    desk = Desk()

    def travel() -> raw_repl.Outcome:
        while (outcome := desk.outcome()) is None:
            if desk.written or out:
                sent, desk.written = b"".join(desk.written), []
                firmware.receive(sent)
                answer = b"".join(out)
                out.clear()
                desk.hear(*(answer[at : at + pieces] for at in range(0, len(answer), pieces)))
            else:
                desk.wait()
        return outcome

    desk.enter()
    assert travel() == Entered()
    desk.run(f"print('{words}')".encode())
    assert travel() == Ended(words.encode() + b"\r\n", b"")
    assert desk.machine.paste is paste
