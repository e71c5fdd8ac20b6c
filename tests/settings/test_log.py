"""The log keeps secrets out and other users away."""

import asyncio
import gc
import logging
import stat
import sys

import pytest

from agent.errors import PortGone
from agent.settings import Secret
from agent.settings.log import RedactingFormatter, redact, start_logging


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer MARKER",
        '{"ssid": "x", "password": "MARKER"}',
        "client_secret=MARKER&x=1",
        "{'token': 'MARKER'}",
        "pin: MARKER",
        "http://me:MARKER@proxy.example:3128",
        "cannot use 'http://MARKER:a@b@proxy'",
        '{"password": "two words and MARKER", "ssid": "x"}',
        "password='a, b; MARKER'",
        r'psk="it\"s MARKER"',
        '"password": "cut off MARKER',
    ],
)
def test_what_looks_like_a_secret_is_removed(text):
    assert "MARKER" not in redact(text)
    assert "***" in redact(text)


def test_what_stands_behind_a_secret_stays():
    assert redact('{"password": "two words", "ssid": "x"}') == '{"password": "***", "ssid": "x"}'
    assert redact("client_secret=abc&x=1") == "client_secret=***&x=1"
    assert redact('{"password": "", "ssid": "x"}') == '{"password": "***", "ssid": "x"}'


def test_a_signed_token_is_removed_wherever_it_stands():
    assert redact("got eyJhbGciOiJFUzI1NiJ9.eyJpYXQiOjF9.abc-_ from it") == "got *** from it"


def test_ordinary_text_stays_as_it_is():
    text = "The board on /dev/ttyACM0 joined HomeNet (-45 dBm) in 3.1 s"
    assert redact(text) == text


def test_a_traceback_is_cleaned_as_well():
    try:
        int("password=MARKER")
    except ValueError:
        record = logging.LogRecord("agent", logging.ERROR, "", 1, "failed", None, sys.exc_info())
    assert "MARKER" not in RedactingFormatter("%(message)s").format(record)


def formatted(error: Exception) -> str:
    def fail() -> None:
        raise error

    try:
        fail()
    except type(error):
        record = logging.LogRecord("agent", logging.ERROR, "", 1, "failed", None, sys.exc_info())
    logging.Formatter().format(record)  # another handler has had it before
    return RedactingFormatter("%(message)s").format(record)


def test_a_traceback_shows_places_and_kinds_but_no_text_of_foreign_exceptions():
    error = ValueError("correct horse MARKER")
    error.__cause__ = KeyError("MARKER too")
    shown = formatted(error)
    assert "MARKER" not in shown
    assert "failed" in shown
    assert "test_log.py" in shown
    assert shown.index("ValueError") < shown.index("KeyError")


def test_errors_that_are_made_to_be_shown_keep_their_words_in_a_traceback():
    error = PortGone(port="/dev/ttyACM0")
    error.__cause__ = OSError(5, "Input/output error")
    shown = formatted(error)
    assert "/dev/ttyACM0" in shown
    assert "OSError: Input/output error" in shown


def test_a_task_that_failed_unseen_is_told_without_its_text(root_logger, tmp_path):
    async def fail() -> None:
        raise ValueError("MARKER")

    async def forget() -> None:
        task = asyncio.create_task(fail())
        await asyncio.wait([task])

    start_logging(tmp_path / "log", "info", stderr=False)
    asyncio.run(forget())
    gc.collect()
    text = (tmp_path / "log").read_text()
    assert "Task exception was never retrieved" in text
    assert "ValueError" in text
    assert "MARKER" not in text


@pytest.fixture
def root_logger():
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    agent_level = logging.getLogger("agent").level
    yield root
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.getLogger("agent").setLevel(agent_level)


@pytest.mark.system("linux", "darwin")
def test_the_file_made_at_a_rotation_belongs_to_this_user(tmp_path, root_logger, monkeypatch):
    monkeypatch.setattr("agent.settings.log.LOG_FILE_BYTES", 100)
    file = tmp_path / "mooring.log"
    start_logging(file, "info", stderr=False)
    for _ in range(9):
        logging.getLogger("agent.test").info("x" * 60)
    files = sorted(path.name for path in tmp_path.glob("mooring.log*"))
    assert files == ["mooring.log", "mooring.log.1", "mooring.log.2"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.system("linux", "darwin")
def test_a_log_that_others_could_read_is_closed_to_them(tmp_path, root_logger):
    file = tmp_path / "mooring.log"
    file.touch()
    file.chmod(0o644)
    start_logging(file, "info", stderr=False)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_file_belongs_to_this_user_and_shows_no_secret(tmp_path, root_logger):
    file = tmp_path / "mooring.log"
    start_logging(file, "info", stderr=False)
    logging.getLogger("agent.test").info("joining with %s and token=%s", Secret("MARKER"), "MARKER")
    logging.getLogger("some.library").info("debug text of a library")
    text = file.read_text()
    assert "joining with *** and token=***" in text
    assert "library" not in text
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_where_no_file_can_be_made_the_rest_works_and_says_so(tmp_path, root_logger, capfd):
    (tmp_path / "file").write_text("in the way of a folder")
    assert start_logging(tmp_path / "file" / "mooring.log", "info", stderr=True) is None
    assert "No log is kept in" in capfd.readouterr().err


def test_without_file_and_terminal_nothing_is_shown_as_it_is(tmp_path, capfd):
    root = logging.getLogger()
    before = list(root.handlers)
    for handler in before:
        root.removeHandler(handler)
    try:
        start_logging(None, "info", stderr=False)
        logging.getLogger("agent.test").error("password=MARKER")
        assert capfd.readouterr() == ("", "")
    finally:
        for handler in list(root.handlers):
            root.removeHandler(handler)
        for handler in before:
            root.addHandler(handler)
