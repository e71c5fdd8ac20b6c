"""Which ways there are, how this Mooring is started again, and the one switch of the tray."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from agent.desktop.autostart import (
    AtLogin,
    LoginState,
    LoginStatus,
    find_switch,
    find_ways,
    own_program,
    starts_at_login,
)
from agent.desktop.autostart.xdg import ENTRY_NAME, XdgAutostart
from agent.errors import AutostartFailed

if TYPE_CHECKING:
    from tests.desktop.autostart.conftest import Home

WAYS = {"linux": ["xdg", "systemd"], "darwin": ["launchd"], "win32": ["run-key"]}


class Way:
    """A way whose state is set by hand."""

    id: ClassVar[str] = "fake"
    title: ClassVar[str] = "Fake"

    def __init__(self, state: LoginState, *, stays: bool = False) -> None:
        self.state = state
        self.stays = stays

    def status(self) -> LoginStatus:
        return LoginStatus(way="fake", title="Fake", state=self.state, place="here", detail="Why")

    def install(self) -> None:
        self.state = self.state if self.stays else LoginState.ON

    def uninstall(self) -> None:
        self.state = LoginState.ABSENT


def test_each_system_has_its_ways(home: Home) -> None:
    assert [way.id for way in find_ways(home.environ)] == WAYS[sys.platform]


def test_one_way_that_is_on_is_enough() -> None:
    def found(*states: LoginState) -> list[LoginStatus]:
        return [Way(state).status() for state in states]

    assert starts_at_login(found(LoginState.ABSENT, LoginState.ON))
    assert not starts_at_login(found(LoginState.SWITCHED_OFF, LoginState.BROKEN))


def test_the_switch_puts_the_first_way_on_and_all_of_them_off() -> None:
    desktop, other = Way(LoginState.SWITCHED_OFF), Way(LoginState.ABSENT)
    switch = AtLogin([desktop, other])
    assert not switch.is_on()
    switch.set(True)
    assert (desktop.state, other.state) == (LoginState.ON, LoginState.ABSENT)
    desktop.state, other.state = LoginState.ABSENT, LoginState.ON
    switch.set(True)
    assert desktop.state is LoginState.ABSENT, "it starts already in another way"
    switch.set(False)
    assert not switch.is_on()


def test_a_switch_that_stays_off_says_why() -> None:
    with pytest.raises(AutostartFailed) as caught:
        AtLogin([Way(LoginState.SWITCHED_OFF, stays=True)]).set(True)
    assert "Why" in caught.value.report().meaning


@pytest.mark.system("linux")
def test_the_switch_of_a_linux_desktop_writes_its_entry(home: Home) -> None:
    switch = AtLogin(find_ways(home.environ, home.program()))
    switch.set(True)
    assert switch.is_on()
    assert (home.config / "autostart" / ENTRY_NAME).exists()
    switch.set(False)
    assert not switch.is_on()


def test_this_mooring_is_found_from_any_folder(tmp_path: Path) -> None:
    program = own_program({"MOORING_HOME": str(tmp_path / "home")})
    assert Path(program.words[0]).is_absolute()
    assert program.home == str(tmp_path / "home")
    done = subprocess.run(
        [*program.words, "--version"],
        cwd=program.folder or tmp_path,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("mooring")


@pytest.mark.system("linux", "darwin")
def test_a_script_called_mooring_is_started_by_the_path_that_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tmp_path / "venv" / "mooring"
    real.parent.mkdir()
    real.touch()
    link = tmp_path / "mooring"
    link.symlink_to(real)
    monkeypatch.setattr(sys, "argv", [str(link), "service", "install"])
    assert own_program({}).words == (str(link),)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert own_program({}).words == (sys.executable,)


def test_the_ways_of_linux_fall_back_to_the_usual_folders(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "not/whole", "XDG_CONFIG_DIRS": "also:not"}
    status = XdgAutostart(own_program({}), environ).status()
    assert status.place == str(tmp_path / ".config" / "autostart" / ENTRY_NAME)


def test_what_the_system_cannot_start_has_no_switch(home: Home) -> None:
    assert find_switch(home.environ) is not None
    assert find_switch({**home.environ, "MOORING_HOME": "/home/a\nb"}) is None
