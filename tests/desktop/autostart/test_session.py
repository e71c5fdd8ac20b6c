"""Start at login under a real systemd user session: started, killed, handed over, logged out."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.desktop.instance import find_instance
from agent.settings.paths import find_paths
from tests.desktop.autostart.sessions import WAIT_S, Login

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.desktop.instance import Instance

UNIT = "mooring.service"
ENTRY = "app-mooring@autostart.service"

pytestmark = [pytest.mark.system("linux"), pytest.mark.needs("systemd"), pytest.mark.slow]


@pytest.fixture
def login(tmp_path: Path) -> Iterator[Login]:
    login = Login(tmp_path)
    yield login
    login.close()


def instance(login: Login) -> Instance | None:
    return find_instance(find_paths(login.environ))


def test_the_unit_starts_with_the_login_and_again_after_a_kill_and_ends_in_order(
    login: Login,
) -> None:
    login.mooring("service", "install", "--headless")
    with login.session():
        login.until(UNIT, "ActiveState", "active")
        first = instance(login)
        assert first is not None, "it counts as started before it answers"
        assert login.shown(UNIT, "MainPID") == str(first.pid)

        again = json.loads(login.mooring("run", "--headless", "--json"))
        assert again["pid"] == first.pid

        if sys.platform != "win32":
            os.kill(first.pid, signal.SIGKILL)
        login.until(UNIT, "NRestarts", "1")
        login.until(UNIT, "ActiveState", "active")
        second = instance(login)
        assert second is not None
        assert second.pid != first.pid

        status = json.loads(login.mooring("service", "status", "--json"))
        assert [way["state"] for way in status["ways"]] == ["absent", "on"]

        login.systemctl("stop", UNIT)
        assert (login.shown(UNIT, "Result"), login.shown(UNIT, "NRestarts")) == ("success", "1")
        assert instance(login) is None

        login.mooring("service", "uninstall")
        assert login.shown(UNIT, "LoadState") == "not-found"


def test_a_unit_beside_an_agent_that_runs_hands_over_and_does_not_count_as_failed(
    login: Login,
) -> None:
    login.mooring("service", "install", "--headless")
    with login.session():
        login.until(UNIT, "ActiveState", "active")
        first = instance(login)
        assert first is not None
        other = login.home / ".config" / "systemd" / "user" / "other.service"
        other.write_text((other.parent / UNIT).read_text())
        login.systemctl("daemon-reload")
        login.systemctl("start", "other.service")
        login.until("other.service", "ActiveState", "inactive")
        assert login.shown("other.service", "Result") == "success"
        assert login.shown("other.service", "NRestarts") == "0"
        assert instance(login) == first


def test_wrong_settings_do_not_keep_it_from_starting(login: Login) -> None:
    login.mooring("service", "install", "--headless")
    config = Path(login.environ["MOORING_HOME"]) / "config.toml"
    config.write_text("[bridge]\nfirst_port = 9\n")
    with login.session():
        login.until(UNIT, "ActiveState", "active")
        assert login.shown(UNIT, "NRestarts") == "0"


def test_a_wrong_command_is_not_tried_again_and_the_status_says_that_it_failed(
    login: Login,
) -> None:
    login.mooring("service", "install", "--headless")
    units = login.home / ".config/systemd/user"
    (command,) = re.findall(r"^ExecStart=(.*)$", (units / UNIT).read_text(), re.MULTILINE)
    (units / f"{UNIT}.d").mkdir()
    changed = f"[Service]\nExecStart=\nExecStart={command} --nonsense\n"
    (units / f"{UNIT}.d" / "changed.conf").write_text(changed)
    with login.session():
        login.until(UNIT, "ActiveState", "failed")
        assert login.shown(UNIT, "NRestarts") == "0"
        status = json.loads(login.mooring("service", "status", "--json"))
        (unit,) = [way for way in status["ways"] if way["way"] == "systemd"]
        assert (unit["state"], "last run failed" in unit["detail"]) == ("on", True)


def test_a_browser_stays_when_the_unit_that_opened_it_is_stopped(login: Login) -> None:
    login.mooring("service", "install", "--headless")
    browser = login.home / "browser"
    browser.write_text(f"#!/bin/sh\necho $$ > {login.home}/told.new\nmv {login.home}/told.new "
                       f"{login.home}/told\nexec sleep 100\n")  # fmt: skip
    browser.chmod(0o755)
    with login.session(DISPLAY=":7", BROWSER=str(browser)):
        login.until(UNIT, "ActiveState", "active")
        assert json.loads(login.mooring("run", "--page", "--json"))["shown"]
        end = time.monotonic() + WAIT_S
        while not (login.home / "told").exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        login.systemctl("stop", UNIT)
        pid = int((login.home / "told").read_text())
        assert "sleep" in Path(f"/proc/{pid}/cmdline").read_text()
        os.kill(pid, signal.SIGTERM)


def test_a_desktop_that_systemd_starts_starts_the_entry_and_ends_it_at_logout(
    login: Login,
) -> None:
    login.mooring("service", "install")
    units = login.home / ".config" / "systemd" / "user"
    units.mkdir(parents=True)
    # Neither of the two can be started by hand; a desktop has such a unit.
    (units / "desktop.target").write_text(
        "[Unit]\nBindsTo=graphical-session.target\nWants=xdg-desktop-autostart.target\n"
        "Before=xdg-desktop-autostart.target\n"
    )
    with login.session(XDG_CURRENT_DESKTOP="GNOME"):
        login.systemctl("start", "desktop.target")
        end = time.monotonic() + WAIT_S
        while (running := instance(login)) is None:
            assert time.monotonic() < end, login.systemctl("status", ENTRY, check=False)
            time.sleep(0.02)
        assert login.shown(ENTRY, "MainPID") == str(running.pid)
        login.systemctl("stop", "desktop.target")
        login.until(ENTRY, "ActiveState", "inactive")
        assert instance(login) is None
