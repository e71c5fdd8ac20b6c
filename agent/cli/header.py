"""Where a header file with secrets goes: a file that only this user can read, or standard output.

The device in the cloud exists once the job has ended and its key is told only once, so the place
is checked before the job starts, and at the end the file is written somewhere in any case.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from agent.cli.follow import Delivered
from agent.errors import InputError
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.cli.client import Client
    from agent.cli.shell import Shell
    from agent.jobs.job import Job

HEADER: Final = "arduino_secrets.h"
"""Name of the file as sketches include it."""
SETTINGS_HEADER: Final = "mooring_settings.h"
"""The same for the settings of a board whose cloud gave it credentials."""
STDOUT: Final = "-"
OTHER_NAMES: Final = 99
"""Names that are tried when the file has appeared while the job ran."""


class HeaderFile(msgspec.Struct, frozen=True):
    """What ``--header`` says; :attr:`path` is None for standard output."""

    path: Path | None

    def require_free(self) -> None:
        """Raise :class:`InputError` if the file cannot be made; it is never overwritten."""
        if self.path is None:
            return
        shown, folder = clean_text(str(self.path)), self.path.parent
        if self.path.exists() or self.path.is_symlink():
            problem = f"{shown} is there already and is not overwritten; name another file"
            raise InputError(field="--header", problem=f"{problem}, or - for standard output")
        try:
            # What the system says of permissions is no promise that a file can be made.
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            problem = f"{clean_text(str(folder))} is not a folder that you may write"
            raise InputError(field="--header", problem=problem) from None

    async def deliver(self, shell: Shell, client: Client, job: Job) -> Delivered:
        """Fetch the file of a job that is done, if it has one, and put it where it belongs."""
        name = header_of(job)
        if name is None:
            return Delivered()
        answer = await client.call("jobs.file", job=job.id, name=name)
        content = Secret(answer["text"])
        if self.path is None:
            if shell.output.as_json:
                return Delivered(document={"header_text": content.reveal()})
            shell.output.piece(content.reveal())
            return Delivered()
        path = _write(self.path, content)
        text = f"{path} has the secrets: put it beside your sketch, and show it to nobody."
        return Delivered(document={"header": str(path)}, text=text)


def read_header(option: str | None, *, usual: str = HEADER) -> HeaderFile:
    """The place that the option names; without it, the usual name in this folder."""
    if option == STDOUT:
        return HeaderFile(None)
    return HeaderFile(Path(option or usual).absolute())


def header_of(job: Job) -> str | None:
    """Name of the header file that the job has made; None if there is none."""
    files = (job.result or {}).get("files", ())
    return next((name for name in (HEADER, SETTINGS_HEADER) if name in files), None)


def has_header(job: Job) -> bool:
    """Whether the job has made such a file."""
    return header_of(job) is not None


def _write(path: Path, content: Secret) -> Path:
    """Write to ``path`` or, if that cannot be, beside it or into the home folder; where it is."""
    failure: OSError | None = None
    for place in _places(path):
        try:
            _make(place, content)
        except OSError as error:
            failure = failure or error
        else:
            return place
    why = failure.strerror if failure else "no name is free"
    raise InputError(field="--header", problem=f"{path} cannot be written: {why}")


def _make(path: Path, content: Secret) -> None:
    """A new file that only this user can read; nothing stays of one that could not be written."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content.reveal())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _places(path: Path) -> Iterator[Path]:
    for folder in dict.fromkeys((path.parent, Path.home())):
        yield folder / path.name
        for number in range(1, OTHER_NAMES + 1):
            yield folder / f"{path.stem}-{number}{path.suffix}"
