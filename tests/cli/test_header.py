"""The header file with secrets: never over another file, for this user only, lost in no case."""

from __future__ import annotations

import json
import stat
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.cli.client import Client
from agent.cli.follow import run_job
from agent.cli.header import (
    HEADER,
    SETTINGS_IMAGE,
    HeaderFile,
    has_header,
    read_header,
    read_image,
)
from agent.cli.shell import Shell
from agent.errors import ExitStatus, InputError
from agent.jobs.job import Job, JobChange, JobKind, JobState

TEXT = '#define SECRET_DEVICE_KEY "marker-key"\n'


class OneFile(Client):
    """An agent that has the file of one job."""

    def __init__(self) -> None:
        super().__init__(transport=None)  # type: ignore[arg-type] # nothing is sent

    async def call(self, method: str, **params: object) -> Any:
        assert method == "jobs.file"
        assert params == {"job": "7", "name": HEADER}
        return {"name": HEADER, "text": TEXT}


def ended(*files: str) -> Job:
    return Job(
        id="7",
        kind=JobKind.PROVISION,
        board="b",
        title="Setting up",
        state=JobState.DONE,
        created_at=0.0,
        result={"files": list(files)},
    )


async def delivered(place: HeaderFile, *, as_json: bool = False) -> Any:
    return await place.deliver(Shell(as_json=as_json), OneFile(), ended(HEADER))


async def test_the_file_is_written_where_it_was_wanted_and_only_this_user_reads_it(tmp_path):
    path = tmp_path / "secrets.h"
    place = read_header(str(path))
    place.require_free()
    told = await delivered(place)
    assert path.read_text("utf-8") == TEXT
    assert told.document == {"header": str(path)}
    assert str(path) in told.text
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_its_text_is_shown_on_standard_output_only_if_that_was_asked_for(tmp_path, capsys):
    told = await delivered(read_header(str(tmp_path / "a.h")))
    assert "marker-key" not in str(told) + capsys.readouterr().out
    assert (await delivered(read_header("-"))).document == {}
    assert capsys.readouterr().out == TEXT
    told = await delivered(read_header("-"), as_json=True)
    assert told.document == {"header_text": TEXT}
    assert capsys.readouterr().out == ""


def test_the_usual_place_is_the_folder_where_the_command_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_header(None).path == tmp_path / HEADER


def test_a_place_that_cannot_be_is_refused_before_anything_begins(tmp_path):
    (tmp_path / "there.h").write_text("mine")
    for name in ("there.h", "no-folder/a.h", "there.h/a.h"):
        with pytest.raises(InputError, match="--header"):
            read_header(str(tmp_path / name)).require_free()
    read_header("-").require_free()


@pytest.mark.system("linux", "darwin")
def test_a_link_that_leads_nowhere_is_not_followed(tmp_path):
    (tmp_path / "dangling.h").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="is there already"):
        read_header(str(tmp_path / "dangling.h")).require_free()


@pytest.mark.system("linux")
def test_a_folder_that_may_not_be_written_is_refused():
    # Not even root can make a file here.
    with pytest.raises(InputError, match="may write"):
        read_header("/sys/kernel/a.h").require_free()


async def test_a_file_that_appeared_meanwhile_stays_and_the_new_one_stands_beside_it(tmp_path):
    path = tmp_path / HEADER
    place = read_header(str(path))
    path.write_text("mine")
    await delivered(place)
    told = await delivered(place)
    assert path.read_text() == "mine"
    assert (tmp_path / "arduino_secrets-1.h").read_text() == TEXT
    assert told.document == {"header": str(tmp_path / "arduino_secrets-2.h")}


async def test_a_folder_that_is_gone_meanwhile_is_replaced_by_the_home_folder(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    told = await delivered(HeaderFile(tmp_path / "gone" / "a.h"))
    assert Path(told.document["header"]) == tmp_path / "a.h"


async def test_when_it_can_be_written_nowhere_that_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "gone"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "gone"))
    with pytest.raises(InputError, match="cannot be written"):
        await delivered(HeaderFile(tmp_path / "gone" / "a.h"))


class LosesTheFile(Client):
    """An agent whose job is done, and whose file is not kept any more."""

    def __init__(self) -> None:
        super().__init__(transport=None)  # type: ignore[arg-type] # nothing is sent

    async def call(self, method: str, **params: object) -> Any:
        if method == "jobs.file":
            raise InputError(field="name", problem="is no longer kept")
        if method == "jobs.start":
            change = JobChange(job="7", state=JobState.DONE, snapshot=ended(HEADER))
            note = {"jsonrpc": "2.0", "method": "job.changed", "params": change}
            self.receive(msgspec.json.encode(note).decode())
        return {"job": "7"}


async def test_a_job_whose_file_cannot_be_had_is_told_as_done_and_the_command_as_failed(
    tmp_path, capsys
):
    shell, client = Shell(as_json=True), LosesTheFile()
    place = HeaderFile(tmp_path / HEADER)
    status = await run_job(
        shell, client, str, deliver=lambda job: place.deliver(shell, client, job), kind="provision"
    )
    said = capsys.readouterr()
    assert status is ExitStatus.FAILED
    assert json.loads(said.out)["state"] == "done"
    assert "is no longer kept" in said.err


async def test_a_job_without_such_a_file_leaves_nothing(tmp_path):
    place = HeaderFile(tmp_path / HEADER)
    assert not has_header(ended())
    assert (await place.deliver(Shell(as_json=False), OneFile(), ended("other"))).document == {}
    assert list(tmp_path.iterdir()) == []


class OneImage(OneFile):
    """The same for an NVS image."""

    async def call(self, method: str, **params: object) -> Any:
        assert params == {"job": "7", "name": SETTINGS_IMAGE}
        return {"name": SETTINGS_IMAGE, "text": b64encode(b"\xff\x00image").decode()}


async def test_an_image_is_written_as_bytes_for_this_user_alone(tmp_path):
    place = read_image(str(tmp_path / "unit.bin"))
    place.require_free()
    told = await place.deliver(Shell(as_json=False), OneImage(), ended(SETTINGS_IMAGE))
    assert (tmp_path / "unit.bin").read_bytes() == b"\xff\x00image"
    assert told.document == {"nvs": str(tmp_path / "unit.bin")}
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "unit.bin").stat().st_mode) == 0o600
    with pytest.raises(InputError, match="nvs"):
        place.require_free()
    with pytest.raises(InputError):
        read_image("-")
    assert (await place.deliver(Shell(as_json=False), OneImage(), ended(HEADER))).document == {}
