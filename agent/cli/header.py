"""Where a file with secrets goes: one that only this user can read, or standard output.

The device in the cloud exists once the job has ended and its key is told only once, so the place
is checked before the job starts, and at the end the file is written somewhere in any case.
"""

from __future__ import annotations

import os
import tempfile
from base64 import b64decode
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
SETTINGS_IMAGE: Final = "mooring_nvs.b64"
"""The same settings as an NVS partition; in Base64 until it is a file."""
IMAGE_OPTION: Final = "--nvs"
STDOUT: Final = "-"
OTHER_NAMES: Final = 99
"""Names that are tried when the file has appeared while the job ran."""


class HeaderFile(msgspec.Struct, frozen=True):
    """What ``--header`` or ``--nvs`` says; :attr:`path` is None for standard output."""

    path: Path | None
    option: str = "--header"

    def require_free(self) -> None:
        """Raise :class:`InputError` if the file cannot be made; it is never overwritten."""
        if self.path is None:
            return
        shown, folder = clean_text(str(self.path)), self.path.parent
        if self.path.exists() or self.path.is_symlink():
            problem = f"{shown} is there already and is not overwritten; name another file"
            other = "" if self.option == IMAGE_OPTION else ", or - for standard output"
            raise InputError(field=self.option, problem=problem + other)
        try:
            # What the system says of permissions is no promise that a file can be made.
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            problem = f"{clean_text(str(folder))} is not a folder that you may write"
            raise InputError(field=self.option, problem=problem) from None

    async def deliver(self, shell: Shell, client: Client, job: Job) -> Delivered:
        """Fetch the file of a job that is done, if it has one, and put it where it belongs."""
        name = image_of(job) if self.option == IMAGE_OPTION else header_of(job)
        if name is None:
            return Delivered()
        answer = await client.call("jobs.file", job=job.id, name=name)
        content = Secret(answer["text"])
        if self.option == IMAGE_OPTION and self.path is not None:
            path = self.write(b64decode(content.reveal()))
            text = f"{path} has the secrets: flash it where the settings area (NVS) begins."
            return Delivered(document={"nvs": str(path)}, text=text)
        if self.path is None:
            if shell.output.as_json:
                return Delivered(document={"header_text": content.reveal()})
            shell.output.piece(content.reveal())
            return Delivered()
        path = self.write(content.reveal().encode())
        text = f"{path} has the secrets: put it beside your sketch, and show it to nobody."
        return Delivered(document={"header": str(path)}, text=text)

    def write(self, content: bytes) -> Path:
        """Write it where it belongs or, if that cannot be, beside it or into the home folder."""
        failure: OSError | None = None
        for place in _places(self.path or Path()):
            try:
                _make(place, content)
            except OSError as error:
                failure = failure or error
            else:
                return place
        why = failure.strerror if failure else "no name is free"
        raise InputError(field=self.option, problem=f"{self.path} cannot be written: {why}")


def read_header(option: str | None, *, usual: str = HEADER) -> HeaderFile:
    """The place that the option names; without it, the usual name in this folder."""
    if option == STDOUT:
        return HeaderFile(None)
    return HeaderFile(Path(option or usual).absolute())


def read_image(option: str) -> HeaderFile:
    """The place of an NVS image."""
    if option == STDOUT:
        raise InputError(field=IMAGE_OPTION, problem="names a file; it is no text")
    return HeaderFile(Path(option).absolute(), IMAGE_OPTION)


def settings_file(delivery: str | None, header: str | None, nvs: str | None) -> HeaderFile | None:
    """Where the settings of a board go that are not put on it; None: they are."""
    if nvs is not None:
        if header is not None:
            raise InputError(field=IMAGE_OPTION, problem="and --header exclude each other")
        return read_image(nvs)
    if delivery == "header" or header is not None:
        return read_header(header, usual=SETTINGS_HEADER)
    return None


def image_of(job: Job) -> str | None:
    """Name of the NVS image that the job has made; None if there is none."""
    return SETTINGS_IMAGE if SETTINGS_IMAGE in (job.result or {}).get("files", ()) else None


def header_of(job: Job) -> str | None:
    """Name of the header file that the job has made; None if there is none."""
    files = (job.result or {}).get("files", ())
    return next((name for name in (HEADER, SETTINGS_HEADER) if name in files), None)


def has_header(job: Job) -> bool:
    """Whether the job has made such a file."""
    return header_of(job) is not None


def _make(path: Path, content: bytes) -> None:
    """A new file that only this user can read; nothing stays of one that could not be written."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _places(path: Path) -> Iterator[Path]:
    for folder in dict.fromkeys((path.parent, Path.home())):
        yield folder / path.name
        for number in range(1, OTHER_NAMES + 1):
            yield folder / f"{path.stem}-{number}{path.suffix}"
