"""What starts at login, with real entries in folders of their own."""

from __future__ import annotations

import sys

import pytest

from agent.desktop.autostart import Program
from agent.desktop.autostart.xdg import XdgAutostart
from agent.desktop.doctor import Doctor
from agent.desktop.doctor.login import AtLogin
from agent.errors import AutostartFailed
from tests.desktop.doctor.patient import codes, look

pytestmark = pytest.mark.system("linux", "darwin")


@pytest.fixture
def way(tmp_path):
    environ = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_CONFIG_DIRS": str(tmp_path / "shared"),
    }
    return XdgAutostart(Program((sys.executable, "-m", "agent")), environ)


@pytest.fixture
def at_login(way):
    return AtLogin(lambda: [way])


async def test_what_the_system_really_has_is_told(at_login, way, tmp_path):
    (one,) = await look(at_login)
    assert "does not start at login" in one.finding.title
    way.install()
    (one,) = await look(at_login)
    assert "starts at login: Desktop autostart" in one.finding.title
    entry = tmp_path / "config/autostart/mooring.desktop"
    text = entry.read_text().replace("enabled=true", "enabled=false")
    entry.write_text(text)
    (one,) = await look(at_login)
    assert one.finding.level.value == "fine"
    assert "X-GNOME-Autostart-enabled" in one.finding.title
    # It was a person who chose that.
    await Doctor([at_login]).run(fix=True)
    assert entry.read_text() == text


async def test_an_entry_whose_program_is_gone_is_told_and_mended(at_login, way, tmp_path):
    gone = Program((str(tmp_path / "gone"), "run"))
    XdgAutostart(
        gone, {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    ).install()
    (one,) = await look(at_login)
    assert one.finding.code == "login-broken"
    assert str(tmp_path / "gone") in one.finding.meaning
    seen = await Doctor([at_login]).run(fix=True)
    assert [each.code for each in seen.fixed] == ["login-broken"]
    assert seen.findings[0].title.startswith("The agent starts at login")


async def test_a_program_without_a_usable_name_has_no_finding():
    def find_ways():
        raise AutostartFailed(place="?", detail="odd")

    assert await codes(AtLogin(find_ways)) == []
