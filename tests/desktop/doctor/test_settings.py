"""The agent itself: its settings and its notices."""

from __future__ import annotations

from agent.desktop.doctor.settings import AgentItself, older_agent, silent_agent
from agent.errors import JournalFailed
from agent.settings.load import load_or_defaults
from tests.desktop.doctor.patient import codes, look


async def test_no_settings_and_good_ones_are_fine(tmp_path):
    file = tmp_path / "config.toml"
    assert await codes(AgentItself(file)) == ["agent-fine"]
    file.write_text("[log]\nlevel = 'debug'\n")
    (one,) = await look(AgentItself(file))
    assert str(file) in one.finding.title


async def test_settings_that_cannot_be_used_are_told_with_the_nearest_key(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text("[bridge]\nfrist_port = 9000\n")
    (one,) = await look(AgentItself(file))
    assert one.finding.level.value == "problem"
    assert "line 2" in one.finding.title
    assert "bridge.first_port?" in one.finding.mend


async def test_what_the_agent_noticed_at_its_start_is_repeated(tmp_path):
    notice = JournalFailed(path="/journal", detail="disk full").report()
    (one,) = await look(AgentItself(tmp_path / "config.toml", lambda: [notice]))
    assert one.finding.code == "journal"


async def test_what_the_agent_noticed_and_is_still_so_is_told_once(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text("[bridge]\nfrist_port = 9000\n")
    problem = load_or_defaults(file).problem
    assert problem is not None
    assert await codes(AgentItself(file, lambda: [problem])) == ["settings-broken"]
    file.write_text("[bridge]\nfirst_port = 8995\n")
    assert await codes(AgentItself(file, lambda: [problem])) == ["settings-mended"]


def test_an_agent_that_is_stuck_or_old_is_told_with_the_mend():
    assert "kill 4711" in silent_agent(4711).mend
    assert "1.0" in older_agent("1.0", "1.1").title
