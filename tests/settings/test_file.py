"""Changing the file: all or nothing, and what others write is kept."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from agent.errors import SettingRefused, SettingsBroken, SettingsFailed
from agent.settings.file import SettingsFile
from agent.settings.load import CONFIG_BYTES
from tests.desktop.doctor.patient import NOBODY, as_nobody, give, is_root

ROOT = Path(__file__).parents[2]
MINE = "# mine\r\n[log]\r\nlevel = 'info'  # as usual\r\n\r\n# end\r\n"


@pytest.fixture
def file(tmp_path):
    return SettingsFile(tmp_path / "config" / "config.toml", tmp_path / "run" / "settings.lock")


def write(file, text):
    file.path.parent.mkdir(exist_ok=True)
    file.path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_a_file_is_made_for_this_user_alone(file):
    file.change({"log.level": "debug", "ports.ignore": ["COM7"]})
    assert file.path.read_bytes() == b'[log]\nlevel = "debug"\n\n[ports]\nignore = ["COM7"]\n'
    if sys.platform != "win32":
        assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_nothing_to_change_makes_no_file(file):
    file.change({"log.level": None})
    assert not file.path.exists()


def test_one_line_is_changed_and_every_other_byte_stays(file):
    write(file, b"\xef\xbb\xbf" + MINE.encode())
    file.change({"log.level": "debug"})
    assert file.path.read_bytes() == b"\xef\xbb\xbf" + MINE.replace("'info'", '"debug"').encode()
    file.change({"log.level": "info"})
    file.change({"log.level": None})
    kept = b"\xef\xbb\xbf# mine\r\n[log]\r\n\r\n# end\r\n"
    assert file.path.read_bytes() == kept


def test_what_an_editor_wrote_meanwhile_is_kept(file):
    file.change({"log.level": "debug"})
    write(file, file.path.read_text() + "# a thought\n")
    file.change({"ports.system": False})
    text = file.path.read_text()
    assert "# a thought" in text
    assert 'level = "debug"' in text


async def test_many_programs_at_once_lose_nothing(file):
    write(file, "# everything below\n")
    script = (
        "import sys; from pathlib import Path; from agent.settings.file import SettingsFile;"
        "SettingsFile(Path(sys.argv[1]), Path(sys.argv[2])).change({sys.argv[3]: sys.argv[4:]})"
    )
    lock = file.path.parent.parent / "run" / "settings.lock"
    pairs = [("ports.ignore", "a"), ("ports.extra", "b"), ("flash.urls", "https://c.example/")]
    running = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, str(file.path), str(lock), *pair, cwd=ROOT
        )
        for pair in pairs
    ]
    assert [await each.wait() for each in running] == [0, 0, 0]
    values = file.read().values
    assert {name: values[name] for name, _ in pairs} == {name: [value] for name, value in pairs}


def test_a_link_stays_one_and_what_it_leads_to_is_changed(file, tmp_path):
    real = tmp_path / "dotfiles.toml"
    real.write_text("# shared\n")
    file.path.parent.mkdir()
    try:
        file.path.symlink_to(real)
    except OSError:
        pytest.skip("this user may make no links")
    file.change({"log.level": "debug"})
    assert file.path.is_symlink()
    assert real.read_text() == '# shared\n\n[log]\nlevel = "debug"\n'


@pytest.mark.parametrize("text", ["[log]\nlevle = 'x'\n", "[log\n", b"\xff\xfe[\0"])
def test_a_file_that_has_to_be_mended_first_is_not_touched(file, text):
    write(file, text)
    before = file.path.read_bytes()
    with pytest.raises(SettingsBroken):
        file.change({"log.level": "debug"})
    assert file.path.read_bytes() == before


def test_values_that_do_not_fit_together_change_nothing(file):
    write(file, "[bridge]\nfirst_port = 8995\n")
    with pytest.raises(SettingRefused, match=r"bridge\.last_port: .*first_port is 8995"):
        file.change({"log.level": "debug", "bridge.last_port": 8992})
    with pytest.raises(SettingRefused, match=r"bridge\.first_port: is 9000, which is above"):
        file.change({"bridge.first_port": 9000})
    assert file.path.read_text() == "[bridge]\nfirst_port = 8995\n"
    file.change({"bridge.first_port": 9000, "bridge.last_port": 9005})


def test_a_change_that_makes_the_file_too_large_is_refused(file):
    write(file, "# x\n" * (CONFIG_BYTES // 4))
    with pytest.raises(SettingRefused, match="larger than"):
        file.change({"log.level": "debug"})


def refuses(file):
    """Why the file cannot be written; nothing of it may have changed."""
    before = file.path.read_bytes() if file.path.is_file() else None
    around = sorted(file.path.parent.glob("*"))
    with pytest.raises(SettingsFailed) as caught:
        file.change({"log.level": "debug"})
    assert (file.path.read_bytes() if file.path.is_file() else None) == before
    assert sorted(file.path.parent.glob("*")) == around
    return caught.value.report()


@pytest.fixture
def of_somebody(file):
    """The file belongs to a person who is no administrator, and who changes it now."""
    write(file, MINE)
    file.change({"log.level": "info"})  # What is imported for it is in the administrator's home.
    if is_root():
        for each in (file.path, file.path.parent, *file.path.parents[1].rglob("*")):
            give(each, NOBODY, -1)
        for folder in list(file.path.parents)[1:4]:
            folder.chmod(0o711)
    return file


@pytest.mark.system("linux", "darwin")
def test_a_folder_that_cannot_be_written_is_told(of_somebody):
    of_somebody.path.parent.chmod(0o500)
    try:
        with as_nobody():
            assert os.strerror(errno.EACCES) in refuses(of_somebody).title
    finally:
        of_somebody.path.parent.chmod(0o700)


def test_a_file_that_is_protected_stays_so(of_somebody):
    of_somebody.path.chmod(0o400)
    try:
        with as_nobody():
            assert os.strerror(errno.EACCES) in refuses(of_somebody).title
    finally:
        of_somebody.path.chmod(0o600)


def test_a_place_that_is_no_folder_is_told(file, tmp_path):
    (tmp_path / "config").write_text("")
    assert str(file.path) in refuses(file).title


@pytest.mark.system("linux")
def test_a_full_disk_changes_nothing(file):
    write(file, MINE)
    # No byte more may be written to any file, as on a disk that is full.
    script = (
        "import resource, signal, sys; from pathlib import Path;"
        "from agent.errors import SettingsFailed; from agent.settings.file import SettingsFile;"
        "import filelock;"
        "file = SettingsFile(Path(sys.argv[1]), Path(sys.argv[2]));"
        "file.change({'log.level': 'info'});"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "try: file.change({'log.level': 'debug'})\n"
        "except SettingsFailed as error: print(error)"
    )
    lock = file.path.parent.parent / "run" / "settings.lock"
    said = subprocess.run(
        [sys.executable, "-B", "-c", script, str(file.path), str(lock)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert os.strerror(errno.EFBIG) in said.stdout
    assert file.path.read_bytes() == MINE.replace("'info'", '"info"').encode()
    assert list(file.path.parent.iterdir()) == [file.path]


def test_who_holds_the_lock_for_too_long_is_told(file):
    from filelock import FileLock

    lock = file.path.parent.parent / "run" / "settings.lock"
    lock.parent.mkdir()
    with FileLock(lock):
        assert "another program" in refuses(SettingsFile(file.path, lock, wait_s=0.05)).title
