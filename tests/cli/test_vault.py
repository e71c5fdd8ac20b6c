"""``mooring vault``: in real processes, at a real terminal, beside a running agent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect

from agent.clouds.vault import Vault, open_vault
from agent.desktop.instance import find_instance
from agent.settings.paths import find_paths
from tests.cli.conftest import Ended, finish
from tests.cli.person import Person
from tests.clouds.vaults import (
    MARKER,
    add,
    add_proven,
    basic,
    certificate,
    entry_files,
    require_absent,
    settings,
    states,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
PASSPHRASE = "MARKER-passphrase-9d"


class Home:
    """A computer with a vault and no board."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        port = 20_000 + os.getpid() % 20_000
        folder.joinpath("config.toml").write_text(
            f"[bridge]\nfirst_port = {port}\nlast_port = {port + 40}\n"
            "[ports]\nsystem = false\n[updates]\ncheck = false\n",
            encoding="utf-8",
        )
        self.paths = find_paths({"MOORING_HOME": str(folder)})

    @property
    def vault(self) -> Vault:
        """As another process sees it."""
        return open_vault(self.paths)

    async def start(self, *words: str, **options: Any) -> asyncio.subprocess.Process:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
        environ = {
            **os.environ,
            "MOORING_HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "utf-8",
        }
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "agent", *words, env=environ, **(pipes | options)
        )

    async def run(self, *words: str, stdin: str = "") -> Ended:
        return await finish(await self.start(*words), stdin)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
async def person(home: Home) -> AsyncIterator[Person[Home]]:
    person = Person(home)
    yield person
    await person.close()


@contextlib.asynccontextmanager
async def agent_in(home: Home) -> AsyncIterator[tuple[asyncio.subprocess.Process, list[Ended]]]:
    process = await home.start("run", "--headless", "--json")
    assert process.stdout is not None
    assert json.loads(await process.stdout.readline())["url"]
    ended: list[Ended] = []
    try:
        yield process, ended
    finally:
        process.send_signal(signal.SIGTERM)
        ended.append(await finish(process))


async def test_the_list_shows_what_is_kept_and_nothing_secret(home: Home) -> None:
    empty = await home.run("vault")
    assert (empty.status, empty.out) == (0, "")
    assert "empty" in empty.err
    old = await add_proven(home.vault, given=settings("old"))
    new = await add_proven(home.vault, given=settings("new", basic()))
    shown = await home.run("vault")
    head, first, second = shown.out.splitlines()
    assert head.split()[:3] == ["ENTRY", "BOARD", "CLOUD"]
    assert first.startswith(new)
    assert "MQTT login" in first
    assert "proven" in first
    assert second.startswith(old)
    assert "earlier" in second
    assert "in a file, not in a keyring" in shown.err
    document = (await home.run("vault", "list", "--json")).document
    assert [each["id"] for each in document["entries"]] == [new, old]
    assert document["key_in_file"]


async def test_one_entry_is_shown_by_the_beginning_of_its_id(home: Home) -> None:
    entry = await add_proven(home.vault)
    shown = await home.run("vault", "show", entry[:5])
    assert shown.status == 0
    lines = dict(line.split(maxsplit=1) for line in shown.out.splitlines())
    assert lines["device"] == "bench-7"
    assert lines["server"] == "mqtts://tb.test:8883"
    assert lines["credentials"] == "access token"
    require_absent(MARKER, (shown.out + shown.err).encode(), "the output")
    missing = await home.run("vault", "show", "nothing", "--json")
    assert missing.status == 2
    assert missing.document["error"]["code"] == "vault-unknown"


@pytest.mark.parametrize("kind", [None, basic(), certificate()], ids=["token", "login", "key"])
async def test_credentials_are_revealed_to_who_said_yes(home: Home, kind: Any) -> None:
    entry = await add_proven(home.vault, given=settings(credentials=kind))
    refused = await home.run("vault", "show", entry, "--reveal")
    assert refused.status == 2
    assert "--yes" in refused.err
    require_absent(MARKER, (refused.out + refused.err).encode(), "the output")
    shown = await home.run("vault", "show", entry, "--reveal", "--yes")
    assert shown.status == 0
    assert MARKER in shown.out
    require_absent(MARKER, shown.err.encode(), "stderr")
    document = (await home.run("vault", "show", entry, "--reveal", "--yes", "--json")).document
    assert MARKER in json.dumps(document["settings"]["credentials"], ensure_ascii=False).replace(
        '\\"', '"'
    )


@pytest.mark.system("linux", "darwin")
async def test_a_person_is_asked_before_credentials_are_shown(
    home: Home, person: Person[Home]
) -> None:
    entry = await add_proven(home.vault)
    await person.start("vault", "show", entry, "--reveal")
    await person.sees("Show the credentials of bench-7 in clear? (yes or no): ")
    require_absent(MARKER, person.shown.encode(), "what came before the answer")
    person.types("yes\n")
    await person.sees(MARKER)
    assert await person.status() == 0


@pytest.mark.system("linux", "darwin")
async def test_a_person_who_says_no_sees_no_credentials(home: Home, person: Person[Home]) -> None:
    entry = await add_proven(home.vault)
    await person.start("vault", "show", entry, "--reveal")
    await person.sees("(yes or no): ")
    person.types("no\n")
    assert await person.status() == 1
    require_absent(MARKER, person.shown.encode(), "what is shown")


@pytest.mark.system("linux", "darwin")
async def test_forgetting_asks_and_says_what_only_the_board_has_then(
    home: Home, person: Person[Home]
) -> None:
    entry = await add_proven(home.vault)
    await person.start("vault", "forget", entry[:6])
    await person.sees("so that only the board has it? (yes or no): ")
    person.types("y\n")
    await person.sees(f"Entry {entry} is erased.")
    assert await person.status() == 0
    assert (await home.vault.list()).entries == []


async def test_forgetting_several_takes_all_or_says_which_one_is_none(home: Home) -> None:
    entries = [await add(home.vault, f"b{n}") for n in range(3)]
    slip = await home.run("vault", "forget", entries[0], "nothing", "--yes")
    assert slip.status == 2
    assert (await home.run("vault", "forget", entries[0])).status == 2
    assert len(await states(home.vault)) == 3
    done = await home.run("vault", "forget", entries[0], entries[1], entries[0], "--yes", "--json")
    assert [each["id"] for each in done.document["forgotten"]] == entries[:2]
    assert list(await states(home.vault)) == entries[2:]


async def test_a_damaged_entry_is_told_of_and_can_be_forgotten(home: Home) -> None:
    entry = await add_proven(home.vault)
    (file,) = entry_files(home.paths.data_dir)
    file.write_bytes(b"\0" * 100)
    shown = await home.run("vault")
    assert shown.status == 0
    assert "cannot be read" in shown.out
    assert "[vault-damaged]" in shown.err
    assert str(home.paths.vault_dir) in shown.err
    revealed = await home.run("vault", "show", entry, "--reveal", "--yes")
    assert revealed.status == 4
    assert "[vault-unreadable]" in revealed.err
    assert (await home.run("vault", "forget", entry, "--yes")).status == 0
    assert not file.exists()


async def test_the_vault_moves_to_another_computer(home: Home, tmp_path: Path) -> None:
    await add_proven(home.vault)
    file = tmp_path / "moved.vault"
    words = ("vault", "export", str(file), "--passphrase-stdin")
    assert (await home.run(*words, stdin="short\n")).status == 2
    assert not file.exists()
    written = await home.run(*words, "--json", stdin=PASSPHRASE + "\n")
    assert written.document == {"file": str(file), "entries": 1, "left_out": 0}
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600
    again = await home.run(*words, stdin=PASSPHRASE + "\n")
    assert again.status == 2
    assert "exists already" in again.err
    other = Home(tmp_path / "other")
    reading = ("vault", "import", str(file), "--passphrase-stdin", "--json")
    wrong = await other.run(*reading, stdin="another passphrase\n")
    assert wrong.document["error"]["code"] == "vault-sealed"
    taken = await other.run(*reading, stdin=PASSPHRASE + "\n")
    assert taken.document["known"] == 0
    assert await other.vault.entry(taken.document["new"][0]) == settings()
    unasked = await other.run("vault", "import", str(file))
    assert unasked.status == 2
    assert "--passphrase-stdin" in unasked.err


async def test_an_empty_vault_and_odd_places_are_no_export(home: Home, tmp_path: Path) -> None:
    empty = await home.run(
        "vault", "export", str(tmp_path / "f"), "--passphrase-stdin", stdin="x" * 12
    )
    assert empty.status == 2
    nowhere = tmp_path / "no" / "f"
    assert "no folder" in (await home.run("vault", "export", str(nowhere))).err
    for path in (tmp_path, tmp_path / "none"):
        ended = await home.run("vault", "import", str(path), "--passphrase-stdin", stdin="x" * 12)
        assert ended.status == 2
        assert "cannot be read" in ended.err


async def test_no_secret_of_the_vault_is_found_in_what_all_of_this_leaves(
    home: Home, tmp_path: Path
) -> None:
    places: dict[str, bytes] = {}
    kinds = (None, basic(), certificate())
    kept = [await add_proven(home.vault, given=settings(credentials=kind)) for kind in kinds]
    entry = await add_proven(home.vault, "b2")
    broken = await add_proven(home.vault, "b3")
    next(f for f in entry_files(home.paths.data_dir) if broken in f.name).write_bytes(b"?")
    async with agent_in(home) as (process, ended):
        instance = find_instance(home.paths)
        assert instance is not None
        token = {"Authorization": f"Bearer {instance.token.reveal()}"}
        async with connect(instance.rpc_url, additional_headers=token, proxy=None) as own:
            for number, (method, params) in enumerate(
                [("vault.list", {}), ("vault.forget", {"entry": entry}), ("agent.info", {})]
            ):
                call = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
                await own.send(json.dumps(call))
                answer = str(await own.recv())
                assert "error" not in json.loads(answer), answer
                places[method] = answer.encode()
        assert b"vault-damaged" in places["agent.info"]
        file = tmp_path / "moved.vault"
        commands = [
            await home.run("vault"),
            await home.run("vault", "--json"),
            await home.run("vault", "show", broken, "--json"),
            await home.run("vault", "show", kept[0]),
            await home.run(*("vault", "export", str(file), "--passphrase-stdin"), stdin=PASSPHRASE),
            await home.run(*("vault", "import", str(file), "--passphrase-stdin"), stdin=PASSPHRASE),
            await home.run("report", "-"),
        ]
        if sys.platform.startswith("linux"):
            places["argv"] = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            places["environ"] = Path(f"/proc/{process.pid}/environ").read_bytes()
    assert [each.status for each in commands] == [0] * len(commands)
    places["output"] = "\0".join(each.out + each.err for each in commands + ended).encode()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            places[str(path)] = path.read_bytes()
    assert any(place.endswith("mooring.log") for place in places)
    for place, data in places.items():
        require_absent(MARKER, data, place)
        require_absent(PASSPHRASE, data, place)
