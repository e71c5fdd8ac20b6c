from __future__ import annotations

import stat
import sys
from typing import TYPE_CHECKING

import pytest

from agent.errors import GatewayFileFailed
from agent.gateway.stored import Draft, GatewayStore, Kept
from agent.settings import Secret
from agent.settings.credentials import AccessToken, MqttBasic
from tests.clouds.killing import run, run_and_kill

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = AccessToken(token=Secret("marker-token"))
KEPT = Kept(name="gw-1", credentials=TOKEN, server="mqtt://127.0.0.1")
DRAFT = Draft(
    name="gw-2",
    credentials=MqttBasic(username="u", password=Secret("p")),
    server="mqtt://127.0.0.1",
    invented=False,
    asked=True,
)


async def test_what_is_kept_is_there_at_the_next_start(tmp_path):
    store = GatewayStore(tmp_path / "new" / "gateway.json")
    assert await store.load() is None
    assert store.kept.candidates == ()
    await store.change(current=KEPT, draft=DRAFT, reset=True)
    again = GatewayStore(store.path)
    assert await again.load() is None
    assert again.kept == store.kept
    assert again.kept.candidates == (KEPT,)
    await again.change(fresh=KEPT, draft=None)
    assert len(again.kept.candidates) == 2
    if sys.platform != "win32":
        assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert "marker-token" not in repr(again.kept)


@pytest.mark.system("linux", "darwin")  # the folder of the user protects it
async def test_a_file_that_others_can_read_is_closed_to_them(tmp_path):
    store = GatewayStore(tmp_path / "gateway.json")
    await store.change(current=KEPT)
    store.path.chmod(0o644)
    await store.load()
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\x00\xff",
        b"[]",
        b'{"current": 3}',
        b'{"current": {"name": "n", "credentials": {"type": "access_token", "token": ""}}}',
        b'{"current": {"name": "n", "credentials": {"type": "other"}}}',
        b" " * 200_000,
        b"[" * 100_000,
    ],
)
async def test_a_damaged_file_is_put_aside_and_told(tmp_path, damage):
    store = GatewayStore(tmp_path / "gateway.json")
    store.path.write_bytes(damage)
    told = await store.load()
    assert told is not None
    assert store.kept.candidates == ()
    (aside,) = tmp_path.iterdir()
    assert aside.read_bytes() == damage
    assert str(aside) == told.facts["path"]


async def test_a_half_of_a_file_is_put_aside_too(tmp_path):
    store = GatewayStore(tmp_path / "gateway.json")
    await store.change(current=KEPT)
    whole = store.path.read_bytes()
    store.path.write_bytes(whole[: len(whole) // 2])
    told = await store.load()
    assert told is not None
    assert "marker-token" not in str(told.facts)


async def test_where_nothing_can_be_written_nothing_is_changed(tmp_path: Path):
    (tmp_path / "taken").write_text("")
    store = GatewayStore(tmp_path / "taken" / "gateway.json")
    with pytest.raises(GatewayFileFailed):
        await store.change(current=KEPT)
    assert store.kept.current is None


@pytest.mark.system("linux", "darwin")  # a process is forked
def test_whenever_the_process_is_killed_the_file_is_as_before_or_as_after(tmp_path):
    store = GatewayStore(tmp_path / "gateway.json")
    run(store.change(current=KEPT))

    async def work() -> None:
        await store.change(draft=DRAFT)
        await store.change(fresh=KEPT, draft=None)
        await store.change(current=KEPT, fresh=None)

    ended, seen = False, []
    for at in range(10):
        run(store.change(current=KEPT, fresh=None, draft=None))
        ended = run_and_kill(work, tmp_path, at)
        again = GatewayStore(store.path)
        assert run(again.load()) is None
        assert again.kept.current == KEPT
        seen.append((again.kept.draft, again.kept.fresh))
        if ended:
            break
    assert ended
    assert set(seen) == {(None, None), (DRAFT, None), (None, KEPT)}


async def test_what_cannot_be_read_stays_as_it_is(tmp_path):
    store = GatewayStore(tmp_path / "gateway.json")
    store.path.mkdir()
    (store.path / "somebody's").touch()
    with pytest.raises(GatewayFileFailed):
        await store.load()
    assert [each.name for each in store.path.iterdir()] == ["somebody's"]
