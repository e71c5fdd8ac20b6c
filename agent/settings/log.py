"""The log: a rotated file that only this user can read, and never a secret in it.

Secrets have a type that prints ``***``; the filter here is the second net, for texts of
libraries that know nothing of that type.
"""

from __future__ import annotations

import logging
import re
import traceback
from typing import TYPE_CHECKING, TextIO, TypeAlias

from agent.errors import MooringError
from agent.settings.log_file import claim_log_file

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from agent.settings.log_file import LogFile

    ExcInfo: TypeAlias = (
        tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    )

LOG_FILE_BYTES = 1_000_000
LOG_FILES = 3
"""Three files of 1 MB hold weeks of a desktop's provisioning and are small enough to send."""

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_SECRETS = re.compile(
    r"(?i)(?P<head>bearer\s+|[\"']?(?:password|passwd|pin|client_secret|secret|access_token|token|app_key|psk)"
    r"[\"']?\s*[=:]\s*)"
    # A value in quotes may hold anything, up to the same quote.
    r"(?:(?P<quote>[\"'])(?:\\.|(?!(?P=quote)).)*|[^\s\"',;&}]+)"
)
_LOGIN = re.compile(r"(?<=://)[^\s/\"'<>]+(?=@)")
"""In the address of a proxy."""
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


def redact(text: str) -> str:
    """``text`` with everything that looks like a secret replaced by ``***``."""
    return _JWT.sub("***", _LOGIN.sub("***", _SECRETS.sub(_hidden, text)))


def _hidden(found: re.Match[str]) -> str:
    return f"{found['head']}{found['quote'] or ''}***"


class RedactingFormatter(logging.Formatter):
    """Formats a record and then removes what looks like a secret.

    Of a traceback it shows the places and the kinds: the text of an unknown exception may quote
    what was being read or sent. Errors of this agent and of the system are made to be shown.
    """

    def format(self, record: logging.LogRecord) -> str:
        """See :func:`redact`."""
        own = logging.makeLogRecord(record.__dict__)
        own.exc_text = None  # of another formatter, in full
        if record.name == "asyncio" and record.exc_info:
            # What follows the first line quotes the exception.
            own.msg, own.args = record.getMessage().partition("\n")[0], None
        return redact(super().format(own))

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - name of the base class
        """Places and kinds, the cause behind its effect."""
        lines: list[str] = []
        error, seen = ei[1], set[int]()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            places = traceback.extract_tb(error.__traceback__)
            lines += [f"  {place.filename}:{place.lineno} {place.name}" for place in places]
            lines.append(type(error).__name__ + _words(error))
            hidden = error.__suppress_context__
            error = error.__cause__ or (None if hidden else error.__context__)
        return "\n".join(lines)


def _words(error: BaseException) -> str:
    if isinstance(error, MooringError):
        return f": {error}"
    return f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""


_log = logging.getLogger(__name__)


class _Stderr(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - name of the base class
        """Nothing: Python would print the record with all its arguments, secrets among them."""


def set_level(level: str) -> None:
    """How much the agent writes from now on: ``debug``, ``info``, ``warning`` or ``error``."""
    logging.getLogger("agent").setLevel(level.upper())


def start_logging(file: Path | None, level: str, *, stderr: bool) -> LogFile | None:
    """Send the log to ``file`` and, for a terminal, warnings and worse to stderr.

    Where another process has that file, one beside it is taken; see the path of the result. None:
    there is no file, because none was asked for or too many processes log already.
    Libraries log from warning on only: their debug texts can hold what travels.
    Where no file can be made, there is none, and that is the first record.
    """
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    set_level(level)
    formatter = RedactingFormatter(_FORMAT)
    handler, why_none = None, ""
    if file is not None:
        try:
            handler = claim_log_file(file, max_bytes=LOG_FILE_BYTES, files=LOG_FILES)
            why_none = "" if handler else "too many programs of Mooring keep one now"
        except OSError as error:
            why_none = error.strerror or type(error).__name__
    if handler is not None:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    if stderr:
        shown = _Stderr()
        shown.setLevel(logging.WARNING)
        shown.setFormatter(RedactingFormatter("%(levelname)s: %(message)s"))
        root.addHandler(shown)
    if not root.handlers:
        # Else Python shows records as they are, with whatever secret is in them.
        root.addHandler(logging.NullHandler())
    if why_none:
        _log.warning("No log is kept in %s: %s", file, why_none)
    return handler
